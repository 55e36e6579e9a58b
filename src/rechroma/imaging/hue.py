"""Which hues a photograph has and how often: counted as the score counts, and given to colors.

A hue histogram is `(181,)`: the share of the pixels of each of OpenCV's 180 hues, and last that of
the gray ones, which have none. `folded` counts grays as red (0), as OpenCV and the score do.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.color import ycbcr_from_rgb

if TYPE_CHECKING:
    import torch
from rechroma.imaging.types import Planes

HUES = 180  # of OpenCV, 2 degrees each
TABLE_STEPS = 10  # of a hue in the table between hues and directions of chroma

Array = TypeVar("Array", "torch.Tensor", NDArray[Any])


def hue_histogram(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`(181,)` float32 shares, whose sum is 1, of the hues of `(H, W, 3)` uint8 RGB."""
    return cell_histograms(photo, 1, 1)[:, 0, 0]


def cell_histograms(photo: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.float32]:
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


def fold_gray(histogram: Array) -> Array:
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


def hue_of_chroma(chroma: Planes) -> NDArray[np.float64]:
    """The hue in [0, 180) of `(2, H, W)` Cb, Cr, which no luma changes."""
    angles = _directions()
    steps = np.linspace(0, HUES, len(angles))
    turned = (np.arctan2(chroma[1], chroma[0]) - angles[0]) % (2 * np.pi)
    hues: NDArray[np.float64] = np.interp(turned, angles - angles[0], steps) % HUES
    return hues


def chroma_of_hue(hues: NDArray[np.float64], strength: Planes) -> Planes:
    """`(2, H, W)` Cb, Cr of these hues and this length."""
    angles = _directions()
    turned = np.interp(hues % HUES, np.linspace(0, HUES, len(angles)), angles)
    planes: Planes = np.stack([strength * np.cos(turned), strength * np.sin(turned)])
    return planes.astype(np.float32)
