"""Which hues a photograph has and how often: counted as the score counts, and given to colors.

A hue histogram is `(181,)`: the share of the pixels of each of OpenCV's 180 hues, and last that of
the gray ones, which have none. `folded` counts grays as red (0), as OpenCV and the score do.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.colors import ycbcr_from_rgb

if TYPE_CHECKING:
    import torch

HUES = 180  # of OpenCV, 2 degrees each
TABLE_STEPS = 10  # of a hue in the table between hues and directions of chroma
CUTS = 60  # places tried for opening the circle of hues
# Colors whose hue is turned by less than the first keep their strength; those turned by more than
# the second (hues, 2 degrees each) are at most FAINT, length of (Cb, Cr): docs/score.md.
FADE_BETWEEN, FAINT = (15, 36), 4 / 255

Array = TypeVar("Array", "torch.Tensor", NDArray[Any])
Planes = NDArray[np.float32]


def histogram(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`(181,)` float32 shares, whose sum is 1, of the hues of `(H, W, 3)` uint8 RGB."""
    plane = cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)
    counts = cv2.calcHist([plane], [0], None, [HUES], [0, HUES]).ravel()
    grays = photo.shape[0] * photo.shape[1] - cv2.countNonZero(plane[..., 1])
    counts[0] -= grays
    shares: NDArray[np.float32] = np.append(counts, np.float32(grays)) / counts.dtype.type(
        counts.sum() + grays
    )
    return shares


def histograms(photo: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.float32]:
    """`(181, rows, columns)` float32: the histogram of each place of `(H, W, 3)` uint8 RGB.

    The places are `rows` times `columns` rectangles, as equal as whole pixels allow.
    """
    height, width = photo.shape[:2]
    plane = cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)
    kinds = np.where(plane[..., 1] > 0, plane[..., 0], HUES).astype(np.intp)  # with hue 180: gray
    row = np.arange(height)[:, None] * rows // height
    column = np.arange(width) * columns // width
    places = rows * columns
    counts = np.bincount(
        (kinds * places + row * columns + column).ravel(), minlength=(HUES + 1) * places
    )
    counts = counts.reshape(HUES + 1, rows, columns)
    shares: NDArray[np.float32] = (counts / counts.sum(axis=0)).astype(np.float32)
    return shares


def folded(histogram: Array) -> Array:
    """`(..., 181)` shares as `(..., 180)`, grays counted as hue 0."""
    hues: Array = histogram[..., :HUES] + 0  # a copy
    hues[..., 0] += histogram[..., HUES]
    return hues


@lru_cache(maxsize=1)
def _directions() -> NDArray[np.float64]:
    """The angle of (Cb, Cr), rising, of hues 0 to 180 in steps of a tenth."""
    degrees = np.linspace(0, 360, HUES * TABLE_STEPS + 1, dtype=np.float32)
    full = np.ones_like(degrees)
    rgb = cv2.cvtColor(np.stack([degrees, full, full], axis=-1)[None], cv2.COLOR_HSV2RGB)[0]
    _, cb, cr = ycbcr_from_rgb(*rgb.T)
    angles: NDArray[np.float64] = np.unwrap(np.arctan2(cr, cb).astype(np.float64))
    return angles


def hue_of(chroma: Planes) -> NDArray[np.float64]:
    """The hue in [0, 180) of `(2, H, W)` Cb, Cr, which no luma changes."""
    angles = _directions()
    steps = np.linspace(0, HUES, len(angles))
    turned = (np.arctan2(chroma[1], chroma[0]) - angles[0]) % (2 * np.pi)
    hues: NDArray[np.float64] = np.interp(turned, angles - angles[0], steps) % HUES
    return hues


def _with_hue(hues: NDArray[np.float64], strength: Planes) -> Planes:
    """`(2, H, W)` Cb, Cr of these hues and this length."""
    angles = _directions()
    turned = np.interp(hues % HUES, np.linspace(0, HUES, len(angles)), angles)
    planes: Planes = np.stack([strength * np.cos(turned), strength * np.sin(turned)])
    return planes.astype(np.float32)


def impose(chroma: Planes, histogram: NDArray[np.floating[Any]]) -> Planes:
    """Turn the hues of a photograph so that they occur as often as `histogram` says.

    Optimal transport on the circle: the order of the hues stays, and of all places to open the
    circle the one that turns them least is taken. The weakest colors become gray, as many as the
    histogram has. The others keep their strength, but where a hue is turned far: there the
    photograph as a whole asks for a color that nothing in the place itself speaks for, and strong
    it would stand there as a colored spot; faint it stays.

    Args:
        chroma: `(2, H, W)` float32 Cb, Cr.
        histogram: `(181,)` shares.

    Returns:
        `(2, H, W)` float32. Without any colored share, all gray.
    """
    wanted = histogram[:HUES].astype(np.float64)
    if not wanted.sum():
        return np.zeros_like(chroma)
    strength = np.hypot(*chroma)
    hues = hue_of(chroma)
    ordered = np.sort(hues, axis=None)
    ranks = (np.arange(ordered.size) + 0.5) / ordered.size
    shares = np.concatenate([[0.0], np.cumsum(wanted / wanted.sum())])
    borders = np.arange(HUES + 1) - 0.5

    def moved(start: float) -> NDArray[np.float64]:
        """The hue of each rank, rising, when the lowest rank is the quantile `start`."""
        quantile = ranks + start
        turns = np.floor(quantile)
        raised: NDArray[np.float64] = np.interp(quantile - turns, shares, borders) + HUES * turns
        return raised

    def distance(start: float) -> float:
        return float(_apart(moved(start), ordered).mean())

    start = min(np.arange(CUTS) / CUTS, key=distance)
    turned = np.interp(hues, ordered, moved(start))
    gray = strength <= np.quantile(strength, float(histogram[HUES])) if histogram[HUES] else 0
    sure = np.interp(_apart(turned, hues), FADE_BETWEEN, (1.0, 0.0))
    strength = sure * strength + (1 - sure) * np.minimum(strength, FAINT)
    return _with_hue(turned, np.where(gray, 0, strength))


def _apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far hues are from each other on the circle, in [0, 90]."""
    return np.abs((one - other + HUES / 2) % HUES - HUES / 2)
