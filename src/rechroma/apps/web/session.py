"""A photograph whose found damage a person corrects before it is restored."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rechroma.apps.web import mask_overlay as overlay
from rechroma.apps.web.mask_overlay import Layer, Preview
from rechroma.errors import UserError
from rechroma.imaging import io as photos
from rechroma.imaging.damage import find_mask
from rechroma.imaging.io import Mask, Photo

if TYPE_CHECKING:
    from rechroma.inference.restorer import Restorer

PIXEL_LIMIT = 50_000_000  # the scans of most; the command line takes larger ones
PREVIEW = 1200  # px of the longer side in the browser: sharp on most screens, quick on any


@dataclass(frozen=True)
class Opened:
    """A photograph on the page: its file as it came, and where it was found to be damaged."""

    file: Path
    found: Mask  # (H, W)
    shown: Mask  # (h, w), what the preview shows of it
    in_color: bool

    @property
    def target(self) -> str:
        """The name that its restoration is downloaded by."""
        return f"{self.file.stem}-restored.png"


def open_photo(file: Path) -> tuple[Opened, Photo]:
    """Find the damage of the photograph in `file`; also its preview, `(h, w, 3)` uint8 RGB.

    Raises:
        UserError: it is no photograph, or too large.
    """
    photo = photos.read_color(file, file.name, PIXEL_LIMIT)
    found = find_mask(photos.read_gray(file, file.name, PIXEL_LIMIT))
    size = Preview.of(found.shape, PREVIEW)
    opened = Opened(file, found, size.reduce(found), not photos.is_gray(photo))
    return opened, photos.reduced(photo, size.height, size.width)


def describe(opened: Opened) -> str:
    """What was found, in a sentence or two."""
    height, width = opened.found.shape
    size = f"{width}x{height} px."
    if not opened.found.any():
        return f"{size} No damage found: color only. If there is damage, paint over it."
    return f"{size} Damage found: {share(opened.found)} of the photograph, painted red."


def corrected(opened: Opened, layers: list[Layer]) -> Mask:
    """The full mask after the `(h, w, 4)` uint8 RGBA layers over the preview were painted on.

    Raises:
        UserError: it hides the whole photograph.
    """
    size = Preview(*opened.shown.shape)
    mask = overlay.merge(opened.found, opened.shown, size.read(layers))
    if mask.all():
        raise UserError(
            "Everything is marked as damaged, so nothing is left to restore from. "
            "Erase the red where the photograph is sound."
        )
    return mask


def restore(
    restorer: "Restorer", opened: Opened, mask: Mask, keep_color: bool
) -> tuple[Photo, Photo]:
    """The photograph as it came, in gray unless its color is kept, and restored.

    Both `(H, W, 3)` uint8 RGB, at full size.

    Raises:
        UserError: its file is gone.
    """
    if keep_color:
        photo = photos.read_color(opened.file, opened.file.name, PIXEL_LIMIT)
        return photo, restorer.keep_color(photo, mask)
    damaged = photos.read_gray(opened.file, opened.file.name, PIXEL_LIMIT)
    return np.repeat(damaged[..., None], 3, axis=2), restorer(damaged, mask)


def share(mask: Mask) -> str:
    """How much of a photograph an `(H, W)` bool mask hides, in words: `4.4%`."""
    hidden = mask.mean()
    return f"{hidden:.1%}" if hidden >= 0.001 or not hidden else "under 0.1%"
