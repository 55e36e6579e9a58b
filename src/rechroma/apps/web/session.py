"""A photograph on the page: its damage is found, corrected by a person, then restored."""

import threading
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

import numpy as np

from rechroma.apps.web.damage_preview import DamagePreview
from rechroma.apps.web.strokes import Corrections, PreviewSize, draw_strokes
from rechroma.deployment.bundled_finder import load_bundled_finder
from rechroma.errors import UserError
from rechroma.imaging.io import data_uri, read_color, read_gray
from rechroma.imaging.resize import downscale
from rechroma.imaging.toned import find_tone, keeps_color
from rechroma.imaging.types import Mask, Photo
from rechroma.inference.find_all_damage import LikelyDamage, look_for_damage
from rechroma.inference.find_choices import Find, groups_of, uses_network
from rechroma.inference.stoppable import StoppableFinder, check_wanted, make_stoppable

if TYPE_CHECKING:
    from rechroma.inference.restorer import Restorer


PIXEL_LIMIT = 50_000_000  # enough for most scans; the command line takes larger ones
MEGABYTE_LIMIT = 100  # of an upload; 50 megapixels of a scanner's gray take half of it as PNG
PREVIEW = 1200  # px, longer side in the browser: sharp on most screens, and quickly loaded


class StopSwitch:
    """Stops the work on a photograph that runs; work that is begun later has an event of its own.

    Attributes:
        stopped: set while nobody wants the work that began last.
    """

    def __init__(self) -> None:
        self.stopped = threading.Event()

    def renew(self) -> None:
        """Before work begins: what was stopped stays so, even where it has not ended yet."""
        self.stopped = threading.Event()


@dataclass(frozen=True)
class MaskSession:
    """An uploaded photograph and its damage while a person corrects it.

    Attributes:
        file: the upload.
        picture: the reduced photograph as a `data:` URI.
        in_color: whether the photograph has color, if only a tint.
        found: what may be damage, at full size.
        preview: the same, reduced.
        keeps_color: whether it keeps its color unless a person decides otherwise.
        looked: whether the network has looked for it.
        name: of this session alone.
        switch: stops the work that runs.
    """

    file: Path
    picture: str
    in_color: bool
    found: LikelyDamage
    preview: DamagePreview
    keeps_color: bool = False
    looked: bool = False
    name: str = field(default_factory=lambda: token_hex(8))
    switch: StopSwitch = field(default_factory=StopSwitch)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the photograph, px."""
        height, width = self.found.groups.shape
        return height, width

    @property
    def size(self) -> PreviewSize:
        """The size at which the browser shows it."""
        return PreviewSize(*self.preview.planes.shape[1:])

    @property
    def download_name(self) -> str:
        """The file name of the restored photograph when it is downloaded."""
        return f"{self.file.stem}-restored.png"


def open_session(file: Path) -> MaskSession:
    """Read the photograph in `file`, and find its flat damage by rule.

    Raises:
        UserError: it is not a photograph, or too large.
    """
    photo = read_color(file, file.name, PIXEL_LIMIT)
    size = PreviewSize.of(photo.shape, PREVIEW)
    picture = data_uri(downscale(photo, size.height, size.width))
    found = look_for_damage(read_gray(file, file.name, PIXEL_LIMIT), "flat")
    tone = find_tone(photo)
    preview, kept = DamagePreview.of(found, size), keeps_color(tone, "auto")
    return MaskSession(file, picture, tone != "gray", found, preview, keeps_color=kept)


def look_again(session: MaskSession, find: Find, stopped: threading.Event) -> MaskSession:
    """The session after the network has looked for damage, where it is asked and has not yet.

    Raises:
        UserError: its file is gone, or the bundled network is damaged.
        KeyboardInterrupt: `stopped` is set.
    """
    if session.looked or not uses_network(find):
        return session
    finder = load_bundled_finder()
    stoppable = None if finder is None else StoppableFinder(finder, stopped)
    gray = read_gray(session.file, session.file.name, PIXEL_LIMIT)
    found = look_for_damage(gray, find, stoppable)
    return replace(session, found=found, preview=DamagePreview.of(found, session.size), looked=True)


def lost_groups(find: Find, groups: Collection[str]) -> tuple[str, ...]:
    """The groups that are filled; those of the network can be chosen.

    >>> lost_groups("lines", ["spot", "flat"]), lost_groups("flat", ["spot"])
    (('spot', 'flat'), ('flat',))
    """
    found = groups_of(find)
    return tuple(group for group in found if group in groups) if uses_network(find) else found


def corrected_mask(
    session: MaskSession,
    groups: Collection[str],
    sensitivity: float,
    corrections: Corrections,
) -> Mask:
    """The full-size mask, `(H, W)` bool: some groups of the found damage, and a person's strokes.

    Raises:
        UserError: it hides the whole photograph, or the corrections are of another one.
    """
    if corrections.photo != session.name:
        raise UserError("The page shows another photograph, choose this one again.")
    found = session.found.weighed(sensitivity, groups).mask
    mask = draw_strokes(found, corrections.strokes, session.size)
    if mask.all():
        raise UserError(
            "Everything is marked as damaged, so nothing is left to restore from. "
            "Erase the paint where the photograph is sound."
        )
    return mask


def restore_session(
    restorer: "Restorer",
    session: MaskSession,
    mask: Mask,
    keep_color: bool,
    stopped: threading.Event,
) -> tuple[Photo, Photo]:
    """The photograph before (in gray unless its color is kept) and after the restoration.

    Both `(H, W, 3)` uint8 RGB, at full size.

    Raises:
        UserError: its file is gone.
        KeyboardInterrupt: `stopped` is set.
    """
    check_wanted(stopped)
    restorer = make_stoppable(restorer, stopped)
    if keep_color:
        photo = read_color(session.file, session.file.name, PIXEL_LIMIT)
        return photo, restorer.keep_color(photo, mask)
    damaged = read_gray(session.file, session.file.name, PIXEL_LIMIT)
    return np.repeat(damaged[..., None], 3, axis=2), restorer(damaged, mask)
