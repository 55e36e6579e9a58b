"""Checks before any work that files can be written where the options say."""

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from rechroma.apps.batch.image_file import format_of
from rechroma.apps.batch.match_pictures import real_place
from rechroma.errors import UserError

LEAST_FREE = 16 << 20  # bytes: with less, hardly a photograph can be written


def check_outputs(
    out: Path, masks_out: Path | None, report: Path | None, inputs: Iterable[Path]
) -> str:
    """Check the places to write to; nothing remains there.

    Args:
        out: the folder of restored photographs, or the file of one.
        masks_out: the folder of masks, or None.
        report: the file of the report, or None.
        inputs: files that the report must not replace.

    Returns:
        A warning where little room is left on the disk, else nothing.

    Raises:
        UserError: a place cannot be written to, is a file where a folder is expected or the other
            way round, or the report would replace an input.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     check_outputs(Path(folder) / "new", None, None, [])
    ''
    """
    inputs = list(inputs)
    is_file = format_of(out) is not None and not out.is_dir()
    folder = out.parent if is_file else out
    _check_folder(folder, "--out")
    if masks_out:
        _check_folder(masks_out, "--save-masks")
    if report:
        if report.is_dir():
            raise UserError(f"--report is {report}, a folder; expected a file such as report.json")
        replaced = real_place(report)
        if any(replaced == real_place(path) for path in inputs):
            raise UserError(f"--report is {report}, a photograph or a mask; choose another file")
        _check_folder(report.parent, "--report")
    return _little_room(folder, inputs)


def _check_folder(folder: Path, option: str) -> None:
    """Check that files can be made in a folder, or where it will be made."""
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise UserError(f"{option}: {existing} is a file, so {folder} cannot be a folder")
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise UserError(
            f"{option}: cannot write into {existing} ({error.strerror or error}), "
            "choose another folder"
        ) from None


def _little_room(folder: Path, inputs: Iterable[Path]) -> str:
    """A warning where the disk has less room than the photographs take, as they are compressed."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    needed = sum(path.stat().st_size for path in inputs if path.is_file())
    if free > max(needed, LEAST_FREE):
        return ""
    return (
        f"only {free / 2**20:.0f} MiB are free at {folder}, and the photographs themselves take "
        f"{needed / 2**20:.0f} MiB; what cannot be written will fail"
    )
