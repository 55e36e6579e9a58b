"""Jobs in, entries out: one photograph to restore, how, and its row of the report."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rechroma.apps.batch.image_file import Depth
from rechroma.apps.batch.mask_file import Polarity

Status = Literal["restored", "skipped", "failed"]


class Job(NamedTuple):
    """One photograph to restore.

    Attributes:
        source: its file.
        target: the file to write.
        mask: the file of its mask, or None to detect the damage.
        mask_out: the file to write the mask into, or None.
        clash: the error message where other photographs have the same target, or empty.
    """

    source: Path
    target: Path
    mask: Path | None = None
    mask_out: Path | None = None
    clash: str = ""


@dataclass(frozen=True)
class RestoreOptions:
    """How photographs are restored.

    Attributes:
        keep_color: keep the color of the photograph, restore only its lost part.
        polarity: which part of a mask is lost.
        grow: px by which every mask grows.
        side_by_side: also write a picture of the photograph before and after.
        skip_done: skip photographs whose restoration is newer than they are.
        depth: bits a channel of the restored file; `auto` is those of the photograph, as far as
            its format can hold them.
    """

    keep_color: bool = False
    polarity: Polarity = "auto"
    grow: int = 0
    side_by_side: bool = False
    skip_done: bool = False
    depth: Depth = "auto"


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
        mask: found (by rule), or the polarity of the mask file.
        warnings: one for each thing that was changed or lost on the way.
        error: why it failed; empty if it did not.
        traceback: of an internal error; empty otherwise, and then not in the report.
    """

    photo: str
    restored: str
    status: Status = "failed"
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    lost: float = 0.0
    mask: str = ""
    warnings: list[str] | None = None
    error: str = ""
    traceback: str = ""


def is_done(job: Job) -> bool:
    """Whether the target exists and is no older than the photograph and its mask."""
    if not job.target.exists():
        return False
    written = job.target.stat().st_mtime
    return all(file.stat().st_mtime <= written for file in (job.source, job.mask) if file)


def summarize_entries(entries: list[ReportEntry], model: str) -> dict[str, Any]:
    """The JSON report: the model, the number of photographs by status, and all entries."""
    counts = {
        status: sum(entry.status == status for entry in entries)
        for status in ("restored", "skipped", "failed")
    }
    photographs = [asdict(entry) for entry in entries]
    for photograph in photographs:
        if not photograph["traceback"]:
            del photograph["traceback"]
    return {"model": model, **counts, "photographs": photographs}
