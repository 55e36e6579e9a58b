"""The official score of a restored photograph: exact, and several times as fast as plain calls.

Source: the rules of Dacon competition 236420. Every part equals the calls of scikit-image and
OpenCV that they name; where those calls fail or give NaN, a value is defined here instead.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.types import Mask, Photo

WEIGHTS = {"ssim": 0.2, "masked_ssim": 0.4, "hue": 0.4}

WINDOW = 7  # px, scikit-image's default
K1, K2 = 0.01, 0.03  # Wang et al. 2004, eq. 6 and 9
CONSTANT_RANGE = 1e-6  # stands for the range of a constant photograph: the limit, not 0 / 0
HUES = 180  # OpenCV's 8-bit hue is in steps of 2 degrees


class Scores(NamedTuple):
    """The score of one photograph, or of many in the mean, and its parts; the best is 1."""

    score: float
    ssim: float
    masked_ssim: float
    hue: float


def score(target: Photo, restored: Photo, mask: Mask) -> Scores:
    """The official score: 0.2 SSIM, 0.4 SSIM of the lost pixels, 0.4 likeness of the hues.

    Args:
        target: `(H, W, 3)` uint8 RGB.
        restored: `(H, W, 3)` uint8 RGB.
        mask: `(H, W)` bool, True where lost.

    Raises:
        ValueError: a shape or a type is another one, or the photographs are empty.
    """
    parts = {
        "ssim": ssim(target, restored),
        "masked_ssim": masked_ssim(target, restored, mask),
        "hue": hue(target, restored),
    }
    return Scores(sum(WEIGHTS[name] * part for name, part in parts.items()), **parts)


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """The mean over photographs of the score and of each part.

    Raises:
        ValueError: there are no scores.
    """
    if not scores:
        raise ValueError("Expected the scores of at least one photograph. But got none.")
    return Scores(*(float(part) for part in np.mean(scores, axis=0)))


def ssim(target: Photo, restored: Photo) -> float:
    """Structural similarity as scikit-image has it by default, its range that of `restored`.

    A constant `restored` has the range 0 and NaN in scikit-image; here it has the limit of small
    ranges: a window in which the target varies counts 0. A side shorter than the 7 px of the
    window, an error in scikit-image, shortens the window to itself.

    Args:
        target: `(H, W, 3)` uint8 RGB.
        restored: `(H, W, 3)` uint8 RGB.

    Returns:
        A number in [-1, 1].

    Raises:
        ValueError: a shape or a type is another one, or the photographs are empty.
    """
    _check_photos(target, restored)
    return _structural_similarity(target, restored, _range(restored))


def masked_ssim(target: Photo, restored: Photo, mask: Mask) -> float:
    """Structural similarity along the lost pixels in raster order, a signal of three channels.

    The range is that of the whole of `restored`. Fewer lost pixels than the window has, an error
    in scikit-image, shorten the window to them. Where nothing is lost, nothing is restored
    wrongly: 1. Otherwise as `ssim`.
    """
    _check_photos(target, restored)
    if mask.dtype != bool or mask.shape != target.shape[:2]:
        raise ValueError(
            f"Expected `mask` to be bool of shape {target.shape[:2]}. "
            f"But got {mask.dtype} of shape {mask.shape}."
        )
    if not mask.any():
        return 1.0
    lost = mask.ravel()
    lost_target, lost_restored = (
        photo.reshape(1, -1, 3)[:, lost]  # (1, N, 3)
        for photo in (target, restored)
    )
    return _structural_similarity(lost_target, lost_restored, _range(restored))


def hue(target: Photo, restored: Photo) -> float:
    """Correlation of the hue histograms, grays counting as red; shapes and types as in `ssim`.

    Returns:
        A number in [-1, 1]; 1, as OpenCV has it, where a photograph has every hue equally often.
    """
    _check_photos(target, restored)
    correlation = cv2.compareHist(_hues(target), _hues(restored), cv2.HISTCMP_CORREL)
    return float(correlation)


def hue_of_histogram(target: Photo, histogram: NDArray[np.float32]) -> float:
    """What `hue` would be for any photograph with this `(180,)` histogram of hues."""
    true = _hues(target)
    return float(cv2.compareHist(true, histogram.reshape(true.shape), cv2.HISTCMP_CORREL))


def _hues(photo: Photo) -> NDArray[np.float32]:
    """`(180, 1)` float32, how often each hue of OpenCV occurs, of length 1."""
    plane = cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)
    histogram = cv2.calcHist([plane], [0], None, [HUES], [0, HUES])
    return np.asarray(cv2.normalize(histogram, None), dtype=np.float32)


def _range(photo: Photo) -> float:
    return float(photo.max()) - float(photo.min())


def _structural_similarity(target: Photo, restored: Photo, span: float) -> float:
    """Mean over windows and channels of `(H, W, C)` uint8 planes, `span` being their range."""
    planes = zip(cv2.split(target), cv2.split(restored), strict=True)
    return float(np.mean([_plane_similarity(*pair, span) for pair in planes]))


def _plane_similarity(target: NDArray[np.uint8], restored: NDArray[np.uint8], span: float) -> float:
    """Sums of whole numbers are exact, so that nothing is lost where variances nearly cancel.

    With n pixels in a window, n Σxy - Σx Σy is n (n - 1) times the sample covariance; all such
    numbers stay below 2 · 49² · 255², which int32 holds.
    """
    height, width = (min(WINDOW, side) for side in target.shape)
    n = height * width
    rows = slice(height // 2, height // 2 + target.shape[0] - height + 1)
    columns = slice(width // 2, width // 2 + target.shape[1] - width + 1)

    def window_sum(plane: NDArray[np.generic]) -> NDArray[np.int32]:
        sums = cv2.boxFilter(plane, cv2.CV_32S, (width, height), normalize=False)
        return np.asarray(sums, dtype=np.int32)[rows, columns]

    def product(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.uint16]:
        return np.multiply(left, right, dtype=np.uint16)

    x, y = window_sum(target), window_sum(restored)
    means = 2 * (x * y)
    mean_squares = x * x + y * y
    squares = window_sum(product(target, target)) + window_sum(product(restored, restored))
    covariances = 2 * n * window_sum(product(target, restored)) - means
    variances = n * squares - mean_squares
    span = max(span, CONSTANT_RANGE)
    luminance = np.float32((K1 * span * n) ** 2)
    contrast = np.float32((K2 * span) ** 2 * n * max(n - 1, 1))
    similarity = means.astype(np.float32) + luminance
    similarity *= covariances.astype(np.float32) + contrast
    similarity /= mean_squares.astype(np.float32) + luminance
    similarity /= variances.astype(np.float32) + contrast
    return float(similarity.mean(dtype=np.float64))


def _check_photos(target: Photo, restored: Photo) -> None:
    for name, photo in (("target", target), ("restored", restored)):
        if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or not photo.size:
            raise ValueError(
                f"Expected `{name}` to be uint8 of shape (H, W, 3). "
                f"But got {photo.dtype} of shape {photo.shape}."
            )
    if target.shape != restored.shape:
        raise ValueError(
            "Expected `target` and `restored` to have the same shape. "
            f"But got {target.shape} and {restored.shape}."
        )
