"""Photographs restored one after the other, with a report; one that fails stops no other."""

import errno
import logging
import time
import traceback
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.apps.batch.choose_mask import check_mask, read_or_find_mask
from rechroma.apps.batch.describe_kind import describe_kind
from rechroma.apps.batch.done_index import is_done, job_digest
from rechroma.apps.batch.image_file import (
    check_side,
    convert_depth,
    read_image_file,
    write_image_file,
    write_mask,
)
from rechroma.apps.batch.jobs import Job, ReportEntry, RestoreOptions
from rechroma.apps.batch.mask_file import grow_mask
from rechroma.apps.batch.summary import short_reason
from rechroma.errors import UserError
from rechroma.extras import missing_package
from rechroma.imaging.color import to_luma
from rechroma.imaging.depth import to_8_bits
from rechroma.imaging.resize import fit_shape
from rechroma.imaging.scan_border import find_border
from rechroma.imaging.types import Doubt, Photo
from rechroma.inference.restore_photo import even_photo, kind_of, restore_gray
from rechroma.inference.restorer import Restorer

logger = logging.getLogger(__name__)


# Errors of a full disk, and of a user's share of it; Windows has no EDQUOT.
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))

SHOWN_SIDE = 1600  # px, longer side of each half of a side-by-side picture
SIDE_BY_SIDE = "-side-by-side.png"  # follows the stem of the restored photograph
# In the messages of torch and OpenCV, whose errors of memory have no class of their own.
MEMORY_MESSAGES = ("allocate memory", "enough memory", "insufficient memory", "out of memory")


def restore_file(job: Job, restorer: Restorer, options: RestoreOptions) -> ReportEntry:
    """Restore one photograph. Errors go into the entry that is returned; only Ctrl-C is raised.

    An internal error is also logged with its traceback.
    """
    entry = ReportEntry(str(job.source), str(job.target))
    started = time.perf_counter()
    try:
        if job.problem:
            entry.reason = job.problem.reason
            raise UserError(job.problem.message)
        entry.digest = job_digest(job, options)
        if options.skip_done and is_done(job, entry.digest):
            entry.status = "skipped"
        else:
            _restore(job, restorer, options, entry)
            entry.status = "restored"
    except Exception as error:  # one photograph must never stop an album
        entry.error = _error_message(error, job, entry)
        paths = (job.source, job.target, job.mask, job.mask_out)
        entry.reason = entry.reason or short_reason(entry.error, map(str, filter(None, paths)))
    entry.seconds = round(time.perf_counter() - started, 3)
    return entry


def _error_message(error: Exception, job: Job, entry: ReportEntry) -> str:
    """The message about an error; an internal one is logged, with its traceback in the entry."""
    missing = missing_package(error) if isinstance(error, ModuleNotFoundError) else None
    if isinstance(error, UserError):
        message = str(error)
    elif isinstance(error, OSError):
        message = f"{error.filename or job.target}: {error.strerror or error}"
        if error.errno in FULL:
            message += "; nothing of this photograph was written, make room and run it again"
            entry.reason = "no space left on the disk"
    elif _is_out_of_memory(error):
        size = f" at {entry.width}x{entry.height} px" if entry.width else ""
        message = (
            f"{job.source}: memory ran out{size}, nothing was written; "
            "close other programs, or reduce the photograph"
        )
        entry.reason = "memory ran out"
    elif missing is not None:
        message = f"{job.source}: {missing}"
    else:
        entry.traceback = "".join(traceback.format_exception(error))
        logger.error("%s: internal error", job.source, exc_info=error)
        entry.reason = "internal error"
        return f"{job.source}: internal error, {type(error).__name__}: {error}"
    logger.debug("%s failed", job.source, exc_info=error)
    return message


def _restore(job: Job, restorer: Restorer, options: RestoreOptions, entry: ReportEntry) -> None:
    # Read the photograph; its gray is what is restored, unless it is in color.
    image = convert_depth(read_image_file(job.source), options.depth, job.target)
    entry.height, entry.width = image.pixels.shape[:2]
    check_side(job.target, image.pixels)
    warnings = entry.warnings
    warnings += [*image.warnings, *job.notes]
    kind = kind_of(image.pixels, options.color)
    gray = to_luma(image.pixels) if image.pixels.ndim == 3 else image.pixels  # (H, W)

    # Find what is lost, and what is no photograph.
    seen = to_8_bits(gray)
    mask, groups = read_or_find_mask(job, image.pixels, seen, options, entry, restorer.threads)
    if image.lost is not None:
        mask = mask | image.lost
    mask = grow_mask(mask, options.grow)
    border = find_border(seen, mask)
    mask = check_mask(job, mask, options, entry, kind.keeps_color)
    entry.doubts = [str(warning) for warning in warnings if isinstance(warning, Doubt)]
    if options.strict and entry.doubts:
        entry.reason = "doubtful"
        raise UserError(
            f"{job.source}: doubtful, so nothing was written: {'; '.join(entry.doubts)}"
        )
    describe_kind(kind, border, options, entry)

    # Restore, with a smaller input of the network where memory is short.
    if options.tone == "auto" and not kind.keeps_color:
        gray, notes = even_photo(gray, mask, groups, border)
        entry.notes += notes

    def restore(restorer: Restorer) -> NDArray[Any]:
        if not kind.keeps_color:
            return restore_gray(restorer, gray, mask, border)
        in_color = image.pixels.ndim == 3
        return restorer.keep_color(image.pixels if in_color else np.dstack([gray] * 3), mask)

    restored = _restore_in_memory(restore, restorer, warnings)
    before = image.pixels
    if entry.cropped and border:
        before, restored = before[border.inside], restored[border.inside]

    # Write the photograph last: where it is, all else is, too.
    if job.mask_out is not None:
        write_mask(job.mask_out, mask)
    if options.side_by_side:
        write_image_file(
            job.target.with_name(job.target.stem + SIDE_BY_SIDE),
            side_by_side(to_8_bits(before), to_8_bits(restored)),
            image.metadata,
        )
    warnings += write_image_file(job.target, restored, image.metadata)


def _restore_in_memory(
    restore: Callable[[Restorer], NDArray[Any]], restorer: Restorer, warnings: list[str]
) -> NDArray[Any]:
    """Call `restore` with the restorer; where memory runs out, again with smaller ones."""
    current: Restorer | None = restorer
    while current is not None:
        try:
            restored = restore(current)
        except Exception as error:
            smaller = current.smaller()
            if not _is_out_of_memory(error) or smaller is None:
                raise
            logger.info(
                "out of memory at %d px (%s), trying %d px",
                current.settings.size,
                error,
                smaller.settings.size,
            )
            current = smaller
            continue
        if current is not restorer:
            warnings.append(
                f"memory ran short: the network ran at {current.settings.size} px instead of "
                f"{restorer.settings.size}"
            )
        return restored
    raise MemoryError


def _is_out_of_memory(error: Exception) -> bool:
    """Whether Python, torch or OpenCV raised `error` because memory ran out."""
    message = str(error).lower()
    return isinstance(error, MemoryError) or any(part in message for part in MEMORY_MESSAGES)


def side_by_side(before: NDArray[np.uint8], after: Photo) -> Photo:
    """A gray or RGB photograph beside its restoration, both reduced: `(h, 2w, 3)` uint8 RGB.

    >>> side_by_side(np.zeros((2, 3), np.uint8), np.ones((2, 3, 3), np.uint8)).shape
    (2, 6, 3)
    """
    height, width = fit_shape(after.shape[:2], SHOWN_SIDE)
    halves = [
        cv2.resize(half, (width, height), interpolation=cv2.INTER_AREA) for half in (before, after)
    ]
    if halves[0].ndim == 2:
        halves[0] = np.dstack([halves[0]] * 3)
    return np.hstack(halves)
