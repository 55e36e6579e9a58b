"""The official score of a restored photograph: exact, and several times as fast as plain calls.

Source: the rules of Dacon competition 236420. Every part equals the calls of scikit-image and
OpenCV that the rules name; where those calls fail or give NaN, a value is defined here instead.
SSIM is ours for speed, on sums of integers that are exact.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.hue import HUES
from rechroma.imaging.types import Mask, Photo

WEIGHTS = {"ssim": 0.2, "masked_ssim": 0.4, "hue": 0.4}

WINDOW = 7  # px, scikit-image's default
K1, K2 = 0.01, 0.03  # Wang et al. 2004, eq. 6 and 9
CONSTANT_RANGE = 1e-6  # in place of the range 0 of a constant photograph, to avoid 0 / 0


class Scores(NamedTuple):
    """The score of one photograph, or a mean over photographs, with its parts; 1 is perfect.

    Attributes:
        score: the weighted sum of the parts, in [-1, 1].
        ssim: structural similarity of the whole photograph.
        masked_ssim: structural similarity of the lost pixels.
        hue: correlation of the hue histograms.
    """

    score: float
    ssim: float
    masked_ssim: float
    hue: float


def score(target: Photo, restored: Photo, mask: Mask) -> Scores:
    """The official score: 0.2 SSIM, 0.4 SSIM of the lost pixels, 0.4 correlation of the hues.

    Args:
        target: `(H, W, 3)` uint8 RGB, the original.
        restored: `(H, W, 3)` uint8 RGB.
        mask: `(H, W)` bool, True where lost.

    Raises:
        ValueError: another shape or type, or empty photographs.

    >>> photo = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    >>> mask = np.zeros((16, 16), bool)
    >>> mask[4:8, 4:8] = True
    >>> restored = photo.copy()
    >>> restored[mask] = 128
    >>> round(score(photo, photo, mask).score, 3), round(score(photo, restored, mask).score, 2)
    (1.0, 0.46)
    """
    parts = {
        "ssim": ssim(target, restored),
        "masked_ssim": masked_ssim(target, restored, mask),
        "hue": hue(target, restored),
    }
    return Scores(sum(WEIGHTS[name] * part for name, part in parts.items()), **parts)


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """The mean of the score and of each part over photographs.

    Raises:
        ValueError: `scores` is empty.

    >>> round(mean_scores([Scores(0.2, 0.1, 0.2, 0.3), Scores(0.4, 0.4, 0.4, 0.4)]).score, 3)
    0.3
    """
    if not scores:
        raise ValueError("Expected the scores of at least one photograph. But got none.")
    return Scores(*(float(part) for part in np.mean(scores, axis=0)))


def ssim(target: Photo, restored: Photo) -> float:
    """Structural similarity by scikit-image's defaults, with the data range of `restored`.

    Source: Wang et al., Image quality assessment: from error visibility to structural similarity,
    2004; `skimage.metrics.structural_similarity`.

    Where `restored` is constant, its range is 0 and scikit-image gives NaN; here the value is the
    limit for small ranges: a window in which the target varies counts 0. A side shorter than the
    window of 7 px, an error in scikit-image, shortens the window to its length.

    Args:
        target: `(H, W, 3)` uint8 RGB.
        restored: `(H, W, 3)` uint8 RGB.

    Returns:
        A number in [-1, 1].

    Raises:
        ValueError: another shape or type, or empty photographs.

    >>> gray = np.full((8, 8, 3), 100, np.uint8)
    >>> ssim(gray, gray), round(ssim(gray, gray // 2), 3)
    (1.0, 0.8)
    """
    _check_photos(target, restored)
    return _structural_similarity(target, restored, _range(restored))


def masked_ssim(target: Photo, restored: Photo, mask: Mask) -> float:
    """Structural similarity of the lost pixels, strung in raster order to one row of RGB.

    The data range is that of the whole of `restored`. Where fewer pixels are lost than the window
    has, an error in scikit-image, the window has their number. Where nothing is lost, 1.

    Shapes, types, range and errors as of `score` and `ssim`.

    >>> gray = np.full((8, 8, 3), 100, np.uint8)
    >>> masked_ssim(gray, gray, np.eye(8, dtype=bool))
    1.0
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
    """Correlation of the hue histograms (`cv2.HISTCMP_CORREL`), grays counted as red.

    Args:
        target: `(H, W, 3)` uint8 RGB.
        restored: `(H, W, 3)` uint8 RGB.

    Returns:
        A number in [-1, 1]; 1 too, as in OpenCV, where a photograph has every hue equally often.

    Raises:
        ValueError: another shape or type, or empty photographs.

    >>> green, blue = (np.full((4, 4, 3), color, np.uint8) for color in ((0, 9, 0), (0, 0, 9)))
    >>> round(hue(green, green), 3), round(hue(green, blue), 3)
    (1.0, -0.006)
    """
    _check_photos(target, restored)
    correlation = cv2.compareHist(_hues(target), _hues(restored), cv2.HISTCMP_CORREL)
    return float(correlation)


def hue_of_histogram(target: Photo, histogram: NDArray[np.float32]) -> float:
    """The value of `hue` for any restored photograph with a given hue histogram.

    Args:
        target: `(H, W, 3)` uint8 RGB.
        histogram: `(180,)` float32, how often each hue occurs; any positive scale.

    Returns:
        A number in [-1, 1].

    >>> histogram = np.zeros(HUES, np.float32)
    >>> histogram[60] = 1
    >>> round(hue_of_histogram(np.full((4, 4, 3), (0, 9, 0), np.uint8), histogram), 3)
    1.0
    """
    expected = _hues(target)  # (180, 1)
    return float(cv2.compareHist(expected, histogram.reshape(expected.shape), cv2.HISTCMP_CORREL))


def _hues(photo: Photo) -> NDArray[np.float32]:
    """`(180, 1)` float32, how often each hue of OpenCV occurs, scaled to a vector of length 1."""
    hsv = cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)
    histogram = cv2.calcHist([hsv], [0], None, [HUES], [0, HUES])
    return np.asarray(cv2.normalize(histogram, None), dtype=np.float32)


def _range(photo: Photo) -> float:
    """The data range of SSIM, gray levels."""
    return float(photo.max()) - float(photo.min())


def _structural_similarity(target: Photo, restored: Photo, span: float) -> float:
    """SSIM of `(H, W, C)` uint8, the mean over windows and channels; `span` is the data range."""
    planes = zip(cv2.split(target), cv2.split(restored), strict=True)
    return float(np.mean([_plane_similarity(*pair, span) for pair in planes]))


def _plane_similarity(target: NDArray[np.uint8], restored: NDArray[np.uint8], span: float) -> float:
    """SSIM of `(H, W)` uint8, the mean over windows.

    All sums are of integers and therefore exact, also where variances nearly cancel. With n pixels
    in a window, n Σxy - Σx Σy is n (n - 1) times the sample covariance; all such numbers stay below
    2 · 49² · 255², which int32 holds.
    """
    height, width = (min(WINDOW, side) for side in target.shape)
    n = height * width
    # Only windows that lie inside of the photograph count.
    rows = slice(height // 2, height // 2 + target.shape[0] - height + 1)
    columns = slice(width // 2, width // 2 + target.shape[1] - width + 1)

    def window_sum(plane: NDArray[np.generic]) -> NDArray[np.int32]:
        sums = cv2.boxFilter(plane, cv2.CV_32S, (width, height), normalize=False)
        return np.asarray(sums, dtype=np.int32)[rows, columns]

    def product(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.uint16]:
        return np.multiply(left, right, dtype=np.uint16)

    # (H - height + 1, W - width + 1), a value for each window.
    x, y = window_sum(target), window_sum(restored)
    # Twice the product of the means, and the sum of their squares, each times n².
    means = 2 * (x * y)
    mean_squares = x * x + y * y
    # Twice the covariance, and the sum of the variances, each times n (n - 1).
    squares = window_sum(product(target, target)) + window_sum(product(restored, restored))
    covariances = 2 * n * window_sum(product(target, restored)) - means
    variances = n * squares - mean_squares
    # Wang et al., eq. 13: luminance times contrast, with the constants scaled like the sums.
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
