"""Paths on the command line: the project's own files, photographs and masks."""

import logging
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.errors import UserError

if TYPE_CHECKING:
    from rechroma.imaging.types import Mask


logger = logging.getLogger(__name__)

# Seen from the project's folder.
PARAMS, STUDIES = Path("params.yaml"), Path("studies.yaml")


class NoPhotosError(UserError):
    """The paths name no photograph."""


def plan_outputs(
    sources: Iterable[Path],
    out: Path,
    others: Iterable[Path] = (),
    suffix: str = ".png",
    masks_out: Path | None = None,
) -> dict[Path, Path]:
    """The output file of each photograph, by photograph.

    Files that rechroma wrote into `out` or `masks_out` are not photographs to restore, even if
    these folders are inside a source.

    Args:
        sources: photographs, and folders of them; the folders below are kept below `out`.
        out: a folder, or for a single photograph a file whose suffix names its format.
        others: further files that must not be overwritten.
        suffix: of the output files, where `out` is a folder.
        masks_out: the folder that masks are written into.

    Raises:
        NoPhotosError: the sources hold no photograph.
        UserError: `out` is one file for several photographs, or a picture in a format that is not
            written, or a photograph or one of the `others` would be overwritten.
    """
    from rechroma.apps.batch.image_file import check_out, format_of, is_restored
    from rechroma.imaging.formats import EXPECTED
    from rechroma.imaging.io import list_photos

    check_out(out)
    is_file = format_of(out) is not None and not out.is_dir()
    if out.exists() and not out.is_dir() and not is_file:
        raise UserError(f"{out} is a file, expected a folder to write into")
    outputs: dict[Path, Path] = {}
    written = [folder.resolve() for folder in (out, masks_out) if folder]
    for source in sources:
        top = source if source.is_dir() else source.parent
        for path in list_photos(source):
            inside = any(path.parent.resolve().is_relative_to(folder) for folder in written)
            if path == source or not (inside and is_restored(path)):
                target = out / path.relative_to(top).with_suffix(suffix)
                outputs[path] = out if is_file else target
    if not outputs:
        raise NoPhotosError(f"no photograph found in these paths, {EXPECTED}")
    if is_file and len(outputs) > 1:
        raise UserError(f"{out} is one file for {len(outputs)} photographs, expected a folder")
    inputs = {_identity(path) for path in (*outputs, *others) if path.exists()}
    for target in outputs.values():
        if target.exists() and _identity(target) in inputs:
            raise UserError(f"{target} would be overwritten, choose another folder with --out")
    return outputs


def find_clashes(outputs: dict[Path, Path]) -> dict[Path, str]:
    """An error message for each photograph whose output file is that of another, too.

    >>> find_clashes({Path("a.png"): Path("new/a.png"), Path("a.tif"): Path("new/a.png")})[
    ...     Path("a.png")
    ... ]
    'a.png and a.tif would both become new/a.png, rename one'
    """
    owners: dict[Path, list[str]] = {}
    for path, target in outputs.items():
        owners.setdefault(target, []).append(str(path))
    messages = {}
    for path, target in outputs.items():
        *others, last = owners[target]
        if others:
            both, renamed = ("both", "one") if len(others) == 1 else ("all", "all but one")
            sources = f"{', '.join(others)} and {last}"
            messages[path] = f"{sources} would {both} become {target}, rename {renamed}"
    return messages


def for_each_photo(outputs: dict[Path, Path], work: Callable[[Path, Path], None]) -> int:
    """Call `work` with every photograph and its output file; the exit code: 1 if any failed.

    A `UserError` is printed and counted, and so is a clash of output files.
    """
    from rechroma.progress import track

    clashes = find_clashes(outputs)
    failed = 0
    printed: set[str] = set()
    for source, target in track(outputs.items(), "photographs", len(outputs)):
        try:
            if source in clashes:
                raise UserError(clashes[source])
            work(source, target)
        except UserError as error:
            failed += 1
            if str(error) not in printed:  # photographs that clash share one message
                print(f"rechroma: {error}", file=sys.stderr)
                logger.debug("%s failed", source, exc_info=True)
            printed.add(str(error))
    if failed:
        print(f"rechroma: {failed} of {len(outputs)} photographs failed", file=sys.stderr)
    return min(failed, 1)


def pictures_by_stem(folder: Path) -> dict[str, Path]:
    """The pictures in `folder` by the stem of their names.

    Raises:
        UserError: the folder is missing or holds none, or two have the same stem.
    """
    from rechroma.imaging.formats import EXPECTED
    from rechroma.imaging.io import list_photos

    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder, expected one with pictures")
    pictures: dict[str, Path] = {}
    for path in list_photos(folder):
        if path.stem in pictures:
            first = pictures[path.stem]
            raise UserError(f"{first} and {path} have the same stem, expected different ones")
        pictures[path.stem] = path
    if not pictures:
        raise UserError(f"{folder} holds no pictures, {EXPECTED}")
    return pictures


def matching_picture(pictures: dict[str, Path], photo: Path, folder: Path) -> Path:
    """The picture of the same stem as `photo`.

    Args:
        pictures: by stem.
        photo: a file.
        folder: of the pictures, for the error.

    Raises:
        UserError: there is none.
    """
    if photo.stem not in pictures:
        raise UserError(f"{folder} holds no picture for {photo}, expected {photo.stem}.png there")
    return pictures[photo.stem]


def read_mask(path: Path) -> "Mask":
    """`(H, W)` bool, True where the picture is light: where the photograph is lost."""
    from rechroma.imaging.io import mask_from_gray, read_gray

    return mask_from_gray(read_gray(path))


def format_size(shape: tuple[int, ...]) -> str:
    """The size of an array of this shape as text.

    >>> format_size((480, 640, 3))
    '640x480 px'
    """
    return f"{shape[1]}x{shape[0]} px"


def _identity(path: Path) -> tuple[int, int]:
    """Equal for two names of one file."""
    status = path.stat()
    return status.st_dev, status.st_ino
