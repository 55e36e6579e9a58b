"""A photograph on the page: its damage is detected, corrected by a person, then restored."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rechroma.apps.web.mask_overlay import Layer, PreviewSize, merge_masks
from rechroma.errors import UserError
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.io import read_color, read_gray
from rechroma.imaging.resize import downscale
from rechroma.imaging.toned import find_tone, keeps_color
from rechroma.imaging.types import Mask, Photo

if TYPE_CHECKING:
    from rechroma.inference.restorer import Restorer


PIXEL_LIMIT = 50_000_000  # enough for most scans; the command line takes larger ones
MEGABYTE_LIMIT = 100  # of an upload; 50 megapixels of a scanner's gray take half of it as PNG
PREVIEW = 1200  # px, longer side in the browser: sharp on most screens, and quickly loaded


@dataclass(frozen=True)
class MaskSession:
    """An uploaded photograph and its mask while a person corrects it.

    Attributes:
        file: the upload.
        mask: `(H, W)` bool, the detected damage.
        preview_mask: `(h, w)` bool, the same at the size of the preview.
        in_color: whether the photograph has color, if only a tint.
        keeps_color: whether it keeps its color unless a person decides otherwise.
    """

    file: Path
    mask: Mask
    preview_mask: Mask
    in_color: bool
    keeps_color: bool = False

    @property
    def download_name(self) -> str:
        """The file name of the restored photograph when it is downloaded."""
        return f"{self.file.stem}-restored.png"


def open_session(file: Path) -> tuple[MaskSession, Photo]:
    """Detect the damage of the photograph in `file`; also its preview, `(h, w, 3)` uint8 RGB.

    Raises:
        UserError: it is not a photograph, or too large.
    """
    photo = read_color(file, file.name, PIXEL_LIMIT)
    mask = find_damage(read_gray(file, file.name, PIXEL_LIMIT))
    size = PreviewSize.of(mask.shape, PREVIEW)
    tone = find_tone(photo)
    shown, kept = size.downscale_mask(mask), keeps_color(tone, "auto")
    session = MaskSession(file, mask, shown, in_color=tone != "gray", keeps_color=kept)
    return session, downscale(photo, size.height, size.width)


def describe_damage(session: MaskSession) -> str:
    """The size of the photograph and its detected damage, in a sentence or two."""
    height, width = session.mask.shape
    size = f"{width}x{height} px."
    if session.keeps_color:
        size += " It looks like a color photograph: it keeps its color."
    elif session.in_color:
        size += " It looks like a toned print: its tint is removed."
    if not session.mask.any():
        effect = "" if session.keeps_color else ": color only"
        return f"{size} No damage found{effect}. If there is damage, paint over it."
    return f"{size} Damage found: {format_share(session.mask)} of the photograph, painted red."


def corrected_mask(session: MaskSession, layers: list[Layer]) -> Mask:
    """The full-size mask after the `(h, w, 4)` uint8 RGBA layers of the preview were painted on.

    Raises:
        UserError: it hides the whole photograph.
    """
    painted = PreviewSize(*session.preview_mask.shape).mask_from_layers(layers)
    mask = merge_masks(session.mask, session.preview_mask, painted)
    if mask.all():
        raise UserError(
            "Everything is marked as damaged, so nothing is left to restore from. "
            "Erase the red where the photograph is sound."
        )
    return mask


def restore_session(
    restorer: "Restorer", session: MaskSession, mask: Mask, keep_color: bool
) -> tuple[Photo, Photo]:
    """The photograph before (in gray unless its color is kept) and after the restoration.

    Both `(H, W, 3)` uint8 RGB, at full size.

    Raises:
        UserError: its file is gone.
    """
    if keep_color:
        photo = read_color(session.file, session.file.name, PIXEL_LIMIT)
        return photo, restorer.keep_color(photo, mask)
    damaged = read_gray(session.file, session.file.name, PIXEL_LIMIT)
    return np.repeat(damaged[..., None], 3, axis=2), restorer(damaged, mask)


def format_share(mask: Mask) -> str:
    """The lost share of an `(H, W)` bool mask as text.

    >>> format_share(np.array([[True, False, False, False]]))
    '25.0%'
    """
    share = mask.mean()
    return f"{share:.1%}" if share >= 0.001 or not share else "under 0.1%"
