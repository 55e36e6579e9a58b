"""Jobs in, entries out: one photograph to restore, how, and its row of the report."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from rechroma.apps.batch.image_file import Depth
from rechroma.apps.batch.mask_file import Polarity
from rechroma.imaging.toned import Color
from rechroma.inference.even_tone import EvenTone
from rechroma.inference.find_choices import FILLED, SENSITIVITY, Find

Status = Literal["restored", "skipped", "failed"]


class Problem(NamedTuple):
    """Why a photograph cannot be restored.

    Attributes:
        message: the error message.
        reason: the kind of error, for counting.
    """

    message: str
    reason: str


class Job(NamedTuple):
    """One photograph to restore.

    Attributes:
        source: its file.
        target: the file to write.
        mask: the file of its mask, or None to detect the damage.
        mask_out: the file to write the mask into, or None.
        problem: that it cannot be restored, as other photographs have the same target, or as no
            mask is its own; else None.
        beside: whether the mask is a file that lies beside the photograph, and may be none.
        notes: warnings about how files were matched.
        done: the digest of what the target was made of before; empty if unknown.
    """

    source: Path
    target: Path
    mask: Path | None = None
    mask_out: Path | None = None
    problem: Problem | None = None
    beside: bool = False
    notes: tuple[str, ...] = ()
    done: str = ""


@dataclass(frozen=True)
class RestoreOptions:
    """How photographs are restored.

    Attributes:
        color: whether photographs keep their color; `auto` if they are photographs in color.
        polarity: which part of a mask is lost.
        grow: px by which every mask grows.
        side_by_side: also write a picture of the photograph before and after.
        skip_done: skip photographs that were restored with the same mask, options and model.
        depth: bits a channel of the restored file; `auto` is those of the photograph, as far as
            its format can hold them.
        strict: photographs with a doubt fail.
        model: the digest of the model, of `done_index.model_digest`; empty without an index.
        find: which damage is found where no mask is given.
        sensitivity: 0 to 1, of the network that finds damage.
        tone: whether stains and faded grays are evened.
        crop: whether plain borders are cut off.
        groups: the groups of found damage that are lost.
    """

    color: Color = "auto"
    polarity: Polarity = "auto"
    grow: int = 0
    side_by_side: bool = False
    skip_done: bool = False
    depth: Depth = "auto"
    strict: bool = False
    model: str = ""
    find: Find = "auto"
    sensitivity: float = SENSITIVITY
    tone: EvenTone = "off"
    crop: bool = False
    groups: tuple[str, ...] = FILLED


@dataclass
class ReportEntry:
    """The result of one photograph, an entry of the report.

    Attributes:
        photo: its file.
        restored: the file of the restored photograph.
        status: restored, skipped (it was restored before) or failed.
        width: px, of the upright photograph.
        height: px, of the upright photograph.
        seconds: from reading to writing.
        lost: share of the photograph, 0 to 1.
        found: the share of each group of damage that was found; empty with a mask.
        mask: found, or the polarity of the mask file.
        mask_file: the mask file; empty where the damage was found.
        tone: what colors the photograph has: gray, the name of a tint, or color.
        border: the box of the photograph inside its plain border, px of the whole picture: left,
            top, right, bottom; empty without a border.
        cropped: whether the border was cut off.
        color_only: whether nothing was lost and only color was added.
        warnings: one for each thing that was changed or lost on the way.
        notes: one for each thing that was done as usual.
        doubts: those of the warnings for which the result may be wrong.
        error: why it failed; empty if it did not.
        reason: the kind of error, for counting.
        traceback: of an internal error; empty otherwise, and then not in the report.
        digest: what the restored file was made of (`done_index`); not in the report.
    """

    photo: str
    restored: str
    status: Status = "failed"
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    lost: float = 0.0
    found: dict[str, float] = field(default_factory=dict)
    mask: str = ""
    mask_file: str = ""
    tone: str = ""
    border: list[int] = field(default_factory=list)
    cropped: bool = False
    color_only: bool = False
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    error: str = ""
    reason: str = ""
    traceback: str = ""
    digest: str = ""
