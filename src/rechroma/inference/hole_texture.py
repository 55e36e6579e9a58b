"""Holes filled with the texture of what is around them, in place of a smooth fill."""

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.patch_fill import can_fill, patch_fill
from rechroma.imaging.types import Luma, Mask
from rechroma.inference.hole_crops import HoleCrop
from rechroma.inference.hole_filling import box_within

THIN = 6  # px; a hole in which no larger radius fits keeps its smooth fill: nothing goes missing


class TextureFill:
    """Fills the holes of a photograph one after the other, each from what is known by then.

    The pieces of a long hole so continue each other.

    >>> stripes = np.tile(np.array([0, 200, 100, 60], np.uint8), (64, 16))
    >>> mask = np.zeros((64, 64), bool)
    >>> mask[20:40, 20:40] = True
    >>> fill = TextureFill(np.where(mask, 0, stripes).astype(np.uint8), mask)
    >>> crop = HoleCrop(core=np.s_[20:40, 20:40], context=np.s_[0:64, 0:64])
    >>> filled = fill(crop, smooth=np.full(400, 90, np.uint8))
    >>> bool(np.abs(filled.astype(int) - stripes[mask]).mean() < 15)
    True
    """

    def __init__(self, picture: Luma, mask: Mask) -> None:
        """Start with all holes lost.

        Args:
            picture: `(H, W)` gray or `(H, W, 3)` RGB, uint8; it is not changed.
            mask: `(H, W)` bool, True where lost.
        """
        self._picture = picture.copy()
        self._left = mask.copy()

    def __call__(self, crop: HoleCrop, smooth: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The lost pixels of a core with texture, the smooth ones where it is thin.

        Args:
            crop: of the photograph.
            smooth: `(N,)` or `(N, 3)` uint8, the smooth fill of the core's lost pixels, row by row.

        Returns:
            The same shape.
        """
        core, lost = self._picture[crop.core], self._left[crop.core].copy()
        core[lost] = smooth
        left = self._left[crop.context]
        inside = box_within(crop.core, crop.context)
        textured = find_thick_holes(left)[inside] & lost
        if textured.any() and can_fill(left):
            core[textured] = patch_fill(self._picture[crop.context], left)[inside][textured]
        self._left[crop.core] = False
        return core[lost]


def find_thick_holes(mask: Mask) -> Mask:
    """The holes of a mask in which a circle of more than 6 px radius fits.

    Args:
        mask: `(H, W)` bool, True where lost.

    >>> mask = np.zeros((40, 60), bool)
    >>> mask[5:8, 5:55] = mask[12:32, 10:30] = True
    >>> thick = find_thick_holes(mask)
    >>> bool(thick[20, 20]), bool(thick[6, 30])
    (True, False)
    """
    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    padded = np.pad(mask.astype(np.uint8), 1)  # beyond the photograph nothing is lost
    radius = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    thick = np.zeros(count, bool)
    thick[labels[radius > THIN]] = True
    thick[0] = False  # what is known
    return np.asarray(thick[labels])
