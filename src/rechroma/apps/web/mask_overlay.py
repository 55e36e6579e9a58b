"""The mask as semi-transparent paint over a photograph in the browser, and back to full size."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.types import Mask

Layer = NDArray[np.uint8]  # (h, w, 4) RGBA

RED = (229, 72, 77)
ALPHA = 140  # of 255: the photograph shows through the paint
BRUSH = (f"rgb{RED}", ALPHA / 255)
ALPHA_THRESHOLD = ALPHA // 2  # the middle of the soft edge of a stroke


class PreviewSize(NamedTuple):
    """The size at which the browser shows a photograph, px."""

    height: int
    width: int

    @classmethod
    def of(cls, shape: tuple[int, ...], longest: int) -> "PreviewSize":
        """The size for an `(H, W, …)` photograph, its longer side at most `longest` px.

        >>> PreviewSize.of((3000, 4000), 1200)
        PreviewSize(height=900, width=1200)
        """
        factor = min(1.0, longest / max(shape[:2]))
        return cls(*(max(1, round(side * factor)) for side in shape[:2]))

    def downscale_mask(self, mask: Mask) -> Mask:
        """An `(H, W)` bool mask at this size: True where any pixel below is True.

        >>> PreviewSize(1, 2).downscale_mask(np.array([[False, True, False, False]])).tolist()
        [[True, False]]
        """
        if mask.shape == self:
            return mask
        size = (self.width, self.height)
        levels = mask.astype(np.uint8) * np.uint8(255)
        return _as_mask(cv2.resize(levels, size, interpolation=cv2.INTER_AREA))

    def mask_from_layers(self, layers: list[Layer]) -> Mask:
        """`(height, width)` bool, True where any of the `(h, w, 4)` uint8 RGBA layers is painted.

        A layer of another size, as screens with a high pixel density return it, is resized.
        """
        painted = np.zeros(self, dtype=bool)
        for layer in layers:
            size = (self.width, self.height)
            alpha = cv2.resize(layer[..., 3], size, interpolation=cv2.INTER_AREA)
            painted |= alpha >= ALPHA_THRESHOLD
        return painted


def paint_mask(mask: Mask) -> Layer:
    """An `(h, w)` bool mask as red paint: `(h, w, 4)` uint8 RGBA, transparent where False."""
    layer = np.zeros((*mask.shape, 4), dtype=np.uint8)
    layer[mask] = (*RED, ALPHA)
    return layer


def merge_masks(detected: Mask, preview: Mask, painted: Mask) -> Mask:
    """The full-size mask after a person changed its preview.

    Args:
        detected: `(H, W)` bool, before.
        preview: `(h, w)` bool, `detected` at the size of the preview.
        painted: `(h, w)` bool, the preview after painting and erasing.

    Returns:
        `(H, W)` bool: `detected` exactly wherever nothing was changed.
    """
    changed = _upscale(preview != painted, detected.shape)
    return np.where(changed, _upscale(painted, detected.shape), detected)


def _upscale(mask: Mask, shape: tuple[int, ...]) -> Mask:
    levels = mask.astype(np.uint8)
    return _as_mask(cv2.resize(levels, shape[::-1], interpolation=cv2.INTER_NEAREST))


def _as_mask(levels: NDArray[np.uint8]) -> Mask:
    mask: Mask = levels > 0
    return mask
