"""The mask of one photograph: from its file, from a file beside it, or found."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rechroma.apps.batch.jobs import Job, ReportEntry, RestoreOptions
from rechroma.apps.batch.mask_file import (
    ERASED,
    SCRIBBLE,
    MaskFile,
    MaskSizeError,
    read_mask_file,
    widest_hole,
)
from rechroma.deployment.bundled_finder import load_bundled_finder
from rechroma.errors import UserError
from rechroma.imaging.decode import PhotoError
from rechroma.imaging.types import Doubt, Luma, Mask
from rechroma.inference.find_all_damage import find_all_damage
from rechroma.inference.find_choices import uses_network

LARGE_HOLE = 1 / 3  # of the shorter side: what fills a wider hole is invented
LARGE_SHARE = 1 / 3  # of a photograph that is found by rule to be lost: it may be sound
SMALLEST_SIDE = 16  # px of a photograph whose holes are doubted


class ChosenMask(NamedTuple):
    """What is lost, `(H, W)` bool, and the groups of found damage as of `find_all_damage`.

    Of a mask file there are no groups.
    """

    lost: Mask
    groups: NDArray[np.uint8] | None = None


def read_or_find_mask(
    job: Job,
    pixels: NDArray[Any],
    gray: Luma,
    options: RestoreOptions,
    entry: ReportEntry,
    threads: int | None = None,
) -> ChosenMask:
    """The mask of a photograph; `entry` notes where it is from.

    A file beside the photograph that turns out to be no mask of it is not used, with a doubt.
    """
    if job.mask is not None:
        try:
            lost, entry.mask = _read_fitting_mask(job, job.mask, pixels, options)
        except UserError as error:
            if not job.beside:
                raise
            reason = str(error).removeprefix(f"{job.mask}: ").removeprefix(f"{job.source}: ")
            entry.warnings.append(Doubt(f"{job.mask.name} beside it was not used: {reason}"))
        else:
            entry.mask_file = str(job.mask)
            if job.beside:
                entry.warnings.append(f"{job.mask.name} beside it was used as its mask")
            if entry.mask in (SCRIBBLE, ERASED):
                entry.warnings.append(f"its mask is what was {entry.mask} of it")
            return ChosenMask(lost)
    finder = load_bundled_finder(threads) if uses_network(options.find) else None
    found = find_all_damage(gray, options.find, options.sensitivity, finder, options.groups)
    entry.mask, entry.found = "found", found.shares
    entry.warnings += map(Doubt, found.doubts)
    if found.mask.mean() > LARGE_SHARE:
        share = f"{found.mask.mean():.0%} of it was taken for damage"
        entry.warnings.append(Doubt(f"{share}; look at the mask (--save-masks), or give one"))
    return ChosenMask(found.mask, found.groups)


def _read_fitting_mask(
    job: Job, file: Path, pixels: NDArray[Any], options: RestoreOptions
) -> MaskFile:
    if not file.exists():
        raise PhotoError(str(job.source), f"its mask {file} is missing")
    try:
        return read_mask_file(file, options.polarity, pixels)
    except MaskSizeError as error:
        raise PhotoError(str(job.source), f"its mask {file} {error.reason}") from None


def check_mask(
    job: Job, lost: Mask, options: RestoreOptions, entry: ReportEntry, keeps_color: bool
) -> Mask:
    """The mask itself; `entry` notes its share, and doubts about it."""
    entry.lost = round(float(lost.mean()), 6)
    entry.color_only = not lost.any() and not keeps_color
    if not lost.any():
        effect = "nothing to restore" if keeps_color else "color only"
        if entry.mask_file:
            entry.warnings.append(Doubt(f"its mask is empty, {effect}"))
        elif options.find == "none":
            entry.warnings.append(f"no damage was looked for, {effect}")
        else:
            entry.warnings.append(f"no damage found, {effect}")
    if lost.all():
        raise PhotoError(str(job.source), "its mask hides everything, expected some of it known")
    width, shorter = widest_hole(lost), min(lost.shape)
    if width > LARGE_HOLE * shorter and shorter >= SMALLEST_SIDE:
        entry.warnings.append(
            Doubt(
                f"a hole {width:.0f} px wide, {width / shorter:.0%} of the photograph, is invented"
            )
        )
    return lost
