"""Photographs restored one after the other: each has its own luck, and a report tells of all."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.apps.batch.image_file import check_side, read_image_file, write_image_file, write_mask
from rechroma.apps.batch.mask_file import Polarity, grow_mask, read_mask_file
from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.imaging.decode import PhotoError
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.resize import fit_shape
from rechroma.imaging.types import Mask, Photo
from rechroma.inference.restorer import Restorer

Status = Literal["restored", "skipped", "failed"]

SHOWN_SIDE = 1600  # px, longer side of each half of a picture side by side
SIDE_BY_SIDE = "-side-by-side.png"  # behind the stem of the restored photograph
SAYS_MEMORY = ("allocate memory", "enough memory", "insufficient memory", "out of memory")


class Job(NamedTuple):
    """One photograph to restore.

    Attributes:
        source: its file.
        target: the file it becomes.
        mask: the file of its mask, or None to find the damage.
        mask_out: where the mask that was used goes, or None.
        clash: that other photographs would become the same file, in words, or empty.
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
        keep_color: restore only the lost part of photographs in color.
        polarity: which part of a mask is lost.
        grow: pixels by which every mask grows.
        side_by_side: also write the photograph before and after beside each other.
        skip_done: leave out what has been restored since it was last changed.
    """

    keep_color: bool = False
    polarity: Polarity = "auto"
    grow: int = 0
    side_by_side: bool = False
    skip_done: bool = False


@dataclass
class ReportEntry:
    """What became of one photograph; a row of the report.

    Attributes:
        photo, restored: files.
        status: restored, skipped (it was done before) or failed.
        width, height: px, of the upright photograph.
        seconds: from reading to writing.
        lost: share of the photograph, 0 to 1.
        mask: found, or how the given one says what is lost.
        warnings: what the user should know.
        error: why it failed.
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


def is_done(job: Job) -> bool:
    """Whether the target is there and no older than the photograph and its mask."""
    if not job.target.exists():
        return False
    made = job.target.stat().st_mtime
    return all(file.stat().st_mtime <= made for file in (job.source, job.mask) if file)


def restore_file(job: Job, restorer: Restorer, manner: RestoreOptions) -> ReportEntry:
    """Restore one photograph and tell what became of it; only Ctrl-C gets through."""
    entry = ReportEntry(str(job.source), str(job.target), warnings=[])
    started = time.perf_counter()
    try:
        if job.clash:
            raise UserError(job.clash)
        if manner.skip_done and is_done(job):
            entry.status = "skipped"
        else:
            _restore(job, restorer, manner, entry)
            entry.status = "restored"
    except UserError as error:
        entry.error = str(error)
    except OSError as error:
        entry.error = f"{error.filename or job.target}: {error.strerror or error}"
    except Exception as error:  # one photograph must never stop an album
        if _is_memory(error):
            at = f" at {entry.width}x{entry.height} px" if entry.width else ""
            entry.error = (
                f"{job.source}: memory ran out{at}, nothing was written; "
                "close other programs, or reduce the photograph"
            )
        else:
            entry.error = f"{job.source}: a fault of rechroma, {type(error).__name__}: {error}"
    entry.seconds = round(time.perf_counter() - started, 3)
    return entry


def _restore(job: Job, restorer: Restorer, manner: RestoreOptions, entry: ReportEntry) -> None:
    scan = read_image_file(job.source)
    entry.height, entry.width = scan.pixels.shape[:2]
    check_side(job.target, scan.pixels)
    warnings = entry.warnings = list(scan.warnings)
    in_color = scan.pixels.ndim == 3
    gray = to_luma(scan.pixels) if in_color else scan.pixels
    mask = _mask(job, gray, manner, entry)
    if in_color and not manner.keep_color:
        warnings.append("is in color, which was replaced; --keep-color keeps it")

    def work(able: Restorer) -> Photo:
        if not manner.keep_color:
            return able(gray, mask)
        return able.keep_color(scan.pixels if in_color else np.dstack([gray] * 3), mask)

    restored = _with_less_memory(work, restorer, warnings)
    if job.mask_out is not None:
        write_mask(job.mask_out, mask)
    if manner.side_by_side:
        write_image_file(
            job.target.with_name(job.target.stem + SIDE_BY_SIDE),
            side_by_side(scan.pixels, restored),
            scan.metadata,
        )
    write_image_file(job.target, restored, scan.metadata)


def _mask(job: Job, gray: NDArray[np.uint8], manner: RestoreOptions, entry: ReportEntry) -> Mask:
    """Where the photograph is lost, and how that is known into `entry`."""
    assert entry.warnings is not None
    if job.mask is None:
        lost, entry.mask = find_damage(gray), "found"
    elif not job.mask.exists():
        raise PhotoError(str(job.source), f"its mask {job.mask} is missing")
    else:
        lost, entry.mask = read_mask_file(job.mask, manner.polarity)
        if lost.shape != gray.shape:
            raise PhotoError(
                str(job.source),
                f"its mask {job.mask} is {lost.shape[1]}x{lost.shape[0]} px, "
                f"expected {gray.shape[1]}x{gray.shape[0]} px",
            )
    lost = grow_mask(lost, manner.grow)
    entry.lost = round(float(lost.mean()), 6)
    if not lost.any():
        missing = "no damage found" if job.mask is None else "its mask is empty"
        done = "nothing to restore" if manner.keep_color else "color only"
        entry.warnings.append(f"{missing}, {done}")
    if lost.all():
        raise PhotoError(str(job.source), "its mask hides everything, expected some of it known")
    return lost


def _with_less_memory(
    work: Callable[[Restorer], Photo], restorer: Restorer, warnings: list[str]
) -> Photo:
    """`work` with the restorer, or with ones that see less where memory runs short."""
    able: Restorer | None = restorer
    while able is not None:
        try:
            restored = work(able)
        except Exception as error:
            smaller = able.smaller()
            if not _is_memory(error) or smaller is None:
                raise
            able = smaller
            continue
        if able is not restorer:
            warnings.append(
                f"memory ran short: the network saw it at {able.settings.size} px instead of "
                f"{restorer.settings.size}"
            )
        return restored
    raise MemoryError


def _is_memory(error: Exception) -> bool:
    """Whether Python, torch or OpenCV says that there is not enough memory."""
    says = str(error).lower()
    return isinstance(error, MemoryError) or any(words in says for words in SAYS_MEMORY)


def side_by_side(before: NDArray[np.uint8], after: Photo) -> Photo:
    """`(h, 2w, 3)` uint8 RGB: a gray or RGB photograph and its restoration, each reduced."""
    height, width = fit_shape(after.shape[:2], SHOWN_SIDE)
    halves = [
        cv2.resize(each, (width, height), interpolation=cv2.INTER_AREA) for each in (before, after)
    ]
    if halves[0].ndim == 2:
        halves[0] = np.dstack([halves[0]] * 3)
    return np.hstack(halves)


def summarize_entries(entries: list[ReportEntry], model: str) -> dict[str, Any]:
    """The JSON report: which model, how many photographs came to what, and a row for each."""
    counted = {
        status: sum(entry.status == status for entry in entries)
        for status in ("restored", "skipped", "failed")
    }
    return {"model": model, **counted, "photographs": [asdict(entry) for entry in entries]}
