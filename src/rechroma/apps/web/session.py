"""A photograph whose found damage a person corrects before it is restored."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rechroma.apps.web.mask_overlay import Layer, Preview, merge_masks
from rechroma.errors import UserError
from rechroma.imaging.color import is_gray
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.io import read_color, read_gray
from rechroma.imaging.resize import downscale
from rechroma.imaging.types import Mask, Photo

if TYPE_CHECKING:
    from rechroma.inference.restorer import Restorer


PIXEL_LIMIT = 50_000_000  # the scans of most; the command line takes larger ones
PREVIEW = 1200  # px of the longer side in the browser: sharp on most screens, quick on any


@dataclass(frozen=True)
class MaskSession:
    """A photograph on the page: its file as it came, and where it was found to be damaged."""

    file: Path
    found: Mask  # (H, W)
    shown: Mask  # (h, w), what the preview shows of it
    in_color: bool

    @property
    def target(self) -> str:
        """The name that its restoration is downloaded by."""
        return f"{self.file.stem}-restored.png"


def open_session(file: Path) -> tuple[MaskSession, Photo]:
    """Find the damage of the photograph in `file`; also its preview, `(h, w, 3)` uint8 RGB.

    Raises:
        UserError: it is no photograph, or too large.
    """
    photo = read_color(file, file.name, PIXEL_LIMIT)
    found = find_damage(read_gray(file, file.name, PIXEL_LIMIT))
    size = Preview.of(found.shape, PREVIEW)
    opened = MaskSession(file, found, size.reduce(found), not is_gray(photo))
    return opened, downscale(photo, size.height, size.width)


def describe_damage(opened: MaskSession) -> str:
    """What was found, in a sentence or two."""
    height, width = opened.found.shape
    size = f"{width}x{height} px."
    if not opened.found.any():
        return f"{size} No damage found: color only. If there is damage, paint over it."
    return f"{size} Damage found: {format_share(opened.found)} of the photograph, painted red."


def corrected_mask(opened: MaskSession, layers: list[Layer]) -> Mask:
    """The full mask after the `(h, w, 4)` uint8 RGBA layers over the preview were painted on.

    Raises:
        UserError: it hides the whole photograph.
    """
    size = Preview(*opened.shown.shape)
    mask = merge_masks(opened.found, opened.shown, size.read(layers))
    if mask.all():
        raise UserError(
            "Everything is marked as damaged, so nothing is left to restore from. "
            "Erase the red where the photograph is sound."
        )
    return mask


def restore_session(
    restorer: "Restorer", opened: MaskSession, mask: Mask, keep_color: bool
) -> tuple[Photo, Photo]:
    """The photograph as it came, in gray unless its color is kept, and restored.

    Both `(H, W, 3)` uint8 RGB, at full size.

    Raises:
        UserError: its file is gone.
    """
    if keep_color:
        photo = read_color(opened.file, opened.file.name, PIXEL_LIMIT)
        return photo, restorer.keep_color(photo, mask)
    damaged = read_gray(opened.file, opened.file.name, PIXEL_LIMIT)
    return np.repeat(damaged[..., None], 3, axis=2), restorer(damaged, mask)


def format_share(mask: Mask) -> str:
    """How much of a photograph an `(H, W)` bool mask hides, in words: `4.4%`."""
    hidden = mask.mean()
    return f"{hidden:.1%}" if hidden >= 0.001 or not hidden else "under 0.1%"
