"""How often each hue occurs in a photograph, counted as the score counts, and hue from chroma.

A hue histogram is `(181,)`: the share of the pixels of each of OpenCV's 180 hues and, last, the
share of the gray pixels, which have no hue. OpenCV and the score count grays as red (hue 0);
`fold_gray` does the same.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.color import ycbcr_from_rgb
from rechroma.imaging.types import Photo, Plane, Planes

if TYPE_CHECKING:
    import torch

HUES = 180  # of OpenCV's 8-bit HSV, 2 degrees each
TABLE_STEPS = 10  # per hue, in the table between hues and angles of chroma

Array = TypeVar("Array", "torch.Tensor", NDArray[Any])


def hue_histogram(photo: Photo) -> NDArray[np.float32]:
    """`(181,)` float32 shares, whose sum is 1, of the hues of an `(H, W, 3)` uint8 RGB photo.

    >>> histogram = hue_histogram(np.array([[[0, 255, 0], [90, 90, 90]]], np.uint8))
    >>> histogram[60].item(), histogram[180].item()
    (0.5, 0.5)
    """
    return cell_histograms(photo, 1, 1)[:, 0, 0]


def cell_histograms(photo: Photo, rows: int, columns: int) -> Planes:
    """The hue histogram of each cell of an `(H, W, 3)` uint8 RGB photo.

    Args:
        photo: `(H, W, 3)` uint8 RGB.
        rows: of cells; at most H.
        columns: of cells; at most W.

    Returns:
        `(181, rows, columns)` float32 shares; the cells are as equal as whole pixels allow.

    >>> photo = np.array([[[0, 255, 0], [90, 90, 90]]], np.uint8)
    >>> cell_histograms(photo, 1, 2)[60].tolist()
    [[1.0, 0.0]]
    """
    height, width = photo.shape[:2]
    cells = rows * columns
    # The hue of each pixel; number 180 is gray, without saturation.
    hsv = cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)  # (H, W, 3)
    hue = np.where(hsv[..., 1] > 0, hsv[..., 0], HUES).astype(np.intp)  # (H, W) in [0, 180]
    # The cell of each pixel.
    row = np.arange(height)[:, None] * rows // height  # (H, 1)
    column = np.arange(width) * columns // width  # (W,)
    cell = row * columns + column  # (H, W) in [0, cells)
    # Count each pair of hue and cell in one pass.
    counts = np.bincount((hue * cells + cell).ravel(), minlength=(HUES + 1) * cells)
    counts = counts.reshape(HUES + 1, rows, columns)
    shares: Planes = (counts / counts.sum(axis=0)).astype(np.float32)
    return shares


def fold_gray(histogram: Array) -> Array:
    """`(..., 181)` shares as `(..., 180)`, grays counted as hue 0.

    >>> fold_gray(np.append(np.zeros(180), 1.0))[:2].tolist()
    [1.0, 0.0]
    """
    hues: Array = histogram[..., :HUES] + 0  # a copy
    hues[..., 0] += histogram[..., HUES]
    return hues


@lru_cache(maxsize=1)
def _chroma_angles() -> NDArray[np.float64]:
    """`(1801,)` angle of (Cb, Cr), radians, ascending, of hues 0 to 180 in steps of a tenth."""
    degrees = np.linspace(0, 360, HUES * TABLE_STEPS + 1, dtype=np.float32)
    full = np.ones_like(degrees)
    rgb = cv2.cvtColor(np.stack([degrees, full, full], axis=-1)[None], cv2.COLOR_HSV2RGB)[0]
    _, cb, cr = ycbcr_from_rgb(*rgb.T)
    angles: NDArray[np.float64] = np.unwrap(np.arctan2(cr, cb).astype(np.float64))
    return angles


def hue_of_chroma(chroma: Planes) -> NDArray[np.float64]:
    """The hue in [0, 180) of chroma; the luma has no influence on it.

    Args:
        chroma: `(2, H, W)` Cb, Cr.

    Returns:
        `(H, W)` float64.

    >>> _, cb, cr = ycbcr_from_rgb(np.zeros((1, 1)), np.ones((1, 1)), np.zeros((1, 1)))
    >>> hue_of_chroma(np.stack([cb, cr])).round(3).tolist()
    [[60.0]]
    """
    angles = _chroma_angles()
    steps = np.linspace(0, HUES, len(angles))
    turned = (np.arctan2(chroma[1], chroma[0]) - angles[0]) % (2 * np.pi)
    hues: NDArray[np.float64] = np.interp(turned, angles - angles[0], steps) % HUES
    return hues


def chroma_of_hue(hues: NDArray[np.float64], strength: Plane) -> Planes:
    """Chroma of given hues and strengths.

    Args:
        hues: `(H, W)`, any number; 180 is 0 again.
        strength: `(H, W)`, the length of (Cb, Cr).

    Returns:
        `(2, H, W)` float32 Cb, Cr.

    >>> chroma = chroma_of_hue(np.full((1, 1), 60.0), np.full((1, 1), 0.25, np.float32))
    >>> hue_of_chroma(chroma).round(2).tolist(), np.hypot(*chroma).round(2).tolist()
    ([[60.0]], [[0.25]])
    """
    angles = _chroma_angles()
    turned = np.interp(hues % HUES, np.linspace(0, HUES, len(angles)), angles)
    planes: Planes = np.stack([strength * np.cos(turned), strength * np.sin(turned)])
    return planes.astype(np.float32)
