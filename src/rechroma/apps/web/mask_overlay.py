"""The mask as a browser shows it: reduced, in paint over the photograph, and merged back."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.types import Mask

Layer = NDArray[np.uint8]

RED = (229, 72, 77)
COVER = 140  # of 255: the photograph is still to be seen under the paint
BRUSH = (f"rgb{RED}", COVER / 255)
PAINTED = COVER // 2  # half of it, in the middle of the soft edge of a stroke


class Preview(NamedTuple):
    """What is shown of a photograph."""

    height: int
    width: int

    @classmethod
    def of(cls, shape: tuple[int, ...], longest: int) -> "Preview":
        """That of an `(H, W, …)` photograph, its longer side `longest` px at most."""
        factor = min(1.0, longest / max(shape[:2]))
        return cls(*(max(1, round(side * factor)) for side in shape[:2]))

    def reduce(self, mask: Mask) -> Mask:
        """An `(H, W)` bool mask as `(height, width)`: True wherever a pixel under it is."""
        if mask.shape == self:
            return mask
        size = (self.width, self.height)
        levels = mask.astype(np.uint8) * np.uint8(255)
        return _as_mask(cv2.resize(levels, size, interpolation=cv2.INTER_AREA))

    def read(self, layers: list[Layer]) -> Mask:
        """`(height, width)` bool, True where any of the `(h, w, 4)` uint8 RGBA layers is painted.

        A layer of another size, as screens of more pixels may give it, is scaled.
        """
        painted = np.zeros(self, dtype=bool)
        for layer in layers:
            size = (self.width, self.height)
            cover = cv2.resize(layer[..., 3], size, interpolation=cv2.INTER_AREA)
            painted |= cover >= PAINTED
        return painted


def paint_mask(mask: Mask) -> Layer:
    """An `(h, w)` bool mask as paint over a photograph: `(h, w, 4)` uint8 RGBA."""
    layer = np.zeros((*mask.shape, 4), dtype=np.uint8)
    layer[mask] = (*RED, COVER)
    return layer


def merge_masks(found: Mask, shown: Mask, painted: Mask) -> Mask:
    """The full mask after the one that was shown was painted over.

    Args:
        found: `(H, W)` bool, the mask before.
        shown: `(h, w)` bool, what the browser showed of it.
        painted: `(h, w)` bool, what came back.

    Returns:
        `(H, W)` bool: `found` exactly wherever nothing was changed.
    """
    changed = _enlarge(shown != painted, found.shape)
    return np.where(changed, _enlarge(painted, found.shape), found)


def _enlarge(mask: Mask, shape: tuple[int, ...]) -> Mask:
    levels = mask.astype(np.uint8)
    return _as_mask(cv2.resize(levels, shape[::-1], interpolation=cv2.INTER_NEAREST))


def _as_mask(levels: NDArray[np.uint8]) -> Mask:
    mask: Mask = levels > 0
    return mask
