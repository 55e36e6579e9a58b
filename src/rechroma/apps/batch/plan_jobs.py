"""The jobs of an album: each photograph with its mask and the files to write."""

from collections.abc import Iterable
from pathlib import Path

from rechroma.apps.batch.image_file import format_of, format_suffix
from rechroma.apps.batch.jobs import Job, Problem
from rechroma.apps.batch.match_pictures import Matched, match_pictures, real_place
from rechroma.apps.batch.plan_album import Album, check_overwriting, find_clashes, plan_album
from rechroma.errors import UserError
from rechroma.imaging.types import Doubt


def plan_album_jobs(
    photos: Iterable[Path],
    out: Path,
    out_format: str | None = None,
    masks_out: Path | None = None,
    mask: Path | None = None,
) -> list[Job]:
    """The photographs to restore, each with its mask and the files to write.

    Args:
        photos: files and folders.
        out: a folder, or a file for one photograph.
        out_format: of the files in a folder, a key of `WRITE_OPTIONS`; png by default.
        masks_out: the folder that the masks are written into, or None.
        mask: a mask, a folder of masks, or None: then those that lie beside their photographs are
            used, and for other photographs the damage is found by rule.

    Raises:
        UserError: as `plan_album`; or an input would be overwritten, or one mask is given for
            several photographs.
    """
    album = plan_album(photos, out, format_suffix(out_format or "png"), masks_out, mask)
    if mask and not mask.is_dir() and len(album.outputs) > 1:
        raise UserError(
            f"--mask is one file for {len(album.outputs)} photographs, expected a folder"
        )
    matches = _match_masks(album, mask)
    clashes = find_clashes(album.outputs)
    jobs = []
    for source, target in album.outputs.items():
        match = matches[source]
        problem = None
        if source in clashes:
            problem = Problem(clashes[source], "the same output as another")
        elif match.problem:
            problem = Problem(f"{source}: {match.problem}", "no mask that is its own")
        job = Job(source, target, match.picture, None, problem, beside=mask is None)
        if masks_out:
            is_file = format_of(out) is not None and not out.is_dir()
            name = Path(source.name) if is_file else target.relative_to(out)
            job = job._replace(mask_out=masks_out / name.with_suffix(".png"))
        jobs.append(job._replace(notes=tuple(_notes(job, album, match, mask))))
    _check_overwriting(jobs, masks_out)
    return jobs


def _match_masks(album: Album, mask: Path | None) -> dict[Path, Matched]:
    """The mask of each photograph."""
    if mask is None:
        single = {photo: files[0] for photo, files in album.beside.items() if len(files) == 1}
        return {photo: Matched(single.get(photo)) for photo in album.outputs}
    if not mask.is_dir():
        return dict.fromkeys(album.outputs, Matched(mask))
    return match_pictures(album.relative, mask, "mask")


def _notes(job: Job, album: Album, match: Matched, mask: Path | None) -> list[str]:
    """Warnings about the names of files."""
    notes: list[str] = []
    if match.by_name_alone:
        notes.append(f"{match.picture} was taken for its mask, by its file name alone")
    beside = album.beside.get(job.source, [])
    if mask is None and len(beside) > 1:
        names = " and ".join(file.name for file in beside[:3])
        notes.append(Doubt(f"{names} beside it were not used, expected one mask"))
    return notes


def _check_overwriting(jobs: list[Job], masks_out: Path | None) -> None:
    inputs = [path for job in jobs for path in (job.source, job.mask) if path]
    check_overwriting(inputs, [job.target for job in jobs], "--out")
    masks = [job.mask_out for job in jobs if job.mask_out]
    check_overwriting(inputs, masks, "--save-masks")
    targets = {real_place(job.target) for job in jobs}
    if any(real_place(path) in targets for path in masks):
        raise UserError(f"--save-masks is {masks_out}, where the photographs go; choose another")
