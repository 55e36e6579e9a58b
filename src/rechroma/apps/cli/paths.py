"""Photographs and masks as the command line names them: files, folders, stems."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.errors import UserError

if TYPE_CHECKING:
    from rechroma.imaging.types import Mask


class NoPhotosError(UserError):
    """There is no photograph to work on."""


def plan_outputs(
    sources: Iterable[Path],
    out: Path,
    others: Iterable[Path] = (),
    suffix: str = ".png",
    masks_out: Path | None = None,
) -> dict[Path, Path]:
    """Where the result of each photograph goes, a folder's own folders kept; by photograph.

    `out` is a folder, or for a single photograph a file whose suffix says its format. What rechroma
    wrote into `out` or `masks_out` is no photograph to restore, where these lie in an album.

    Raises:
        UserError: there is no photograph, several would go to `out` as one file, or a photograph or
            one of the `others` would be overwritten.
    """
    from rechroma.apps.batch.image_file import format_of, is_restored
    from rechroma.imaging.io import list_photos

    named = format_of(out) is not None and not out.is_dir()
    if out.exists() and not out.is_dir() and not named:
        raise UserError(f"{out} is a file, expected a folder to write into")
    outputs: dict[Path, Path] = {}
    own = [folder.resolve() for folder in (out, masks_out) if folder]
    for source in sources:
        top = source if source.is_dir() else source.parent
        for path in list_photos(source):
            inside = any(path.parent.resolve().is_relative_to(folder) for folder in own)
            if path == source or not (inside and is_restored(path)):
                target = out / path.relative_to(top).with_suffix(suffix)
                outputs[path] = out if named else target
    if not outputs:
        raise NoPhotosError(
            "there is no photograph among these, expected PNG, JPEG, WebP, TIFF or BMP"
        )
    if named and len(outputs) > 1:
        raise UserError(f"{out} is one file for {len(outputs)} photographs, expected a folder")
    inputs = {_identity(path) for path in (*outputs, *others) if path.exists()}
    for target in outputs.values():
        if target.exists() and _identity(target) in inputs:
            raise UserError(f"{target} would be overwritten, choose another folder with --out")
    return outputs


def find_clashes(outputs: dict[Path, Path]) -> dict[Path, str]:
    """Of the photographs that would become one file, what to do about it; by photograph."""
    owners: dict[Path, list[str]] = {}
    for path, target in outputs.items():
        owners.setdefault(target, []).append(str(path))
    told = {}
    for path, target in outputs.items():
        *others, last = owners[target]
        if others:
            both, mended = ("both", "one") if len(others) == 1 else ("all", "all but one")
            several = f"{', '.join(others)} and {last}"
            told[path] = f"{several} would {both} become {target}, rename {mended}"
    return told


def for_each_photo(outputs: dict[Path, Path], work: Callable[[Path, Path], None]) -> int:
    """Do `work` for every photograph, naming those that fail: 1 if there were any, else 0.

    Those that would become one file fail.
    """
    from rechroma.progress import track

    clash = find_clashes(outputs)
    failed = 0
    told: set[str] = set()
    for source, target in track(outputs.items(), "photographs", len(outputs)):
        try:
            if source in clash:
                raise UserError(clash[source])
            work(source, target)
        except UserError as error:
            failed += 1
            if str(error) not in told:  # a clash is that of several photographs
                print(f"rechroma: {error}", file=sys.stderr)
            told.add(str(error))
    if failed:
        print(f"rechroma: {failed} of {len(outputs)} photographs failed", file=sys.stderr)
    return min(failed, 1)


def pictures_by_stem(folder: Path) -> dict[str, Path]:
    """The pictures in `folder` by the stem of their names.

    Raises:
        UserError: there are none, or two of one stem.
    """
    from rechroma.imaging.io import list_photos

    if not folder.is_dir():
        raise UserError(f"{folder} is no folder, expected one with pictures")
    found: dict[str, Path] = {}
    for path in list_photos(folder):
        if path.stem in found:
            raise UserError(f"{found[path.stem]} and {path} have one stem, expected different ones")
        found[path.stem] = path
    if not found:
        raise UserError(f"{folder} holds no pictures, expected PNG, JPEG, WebP, TIFF or BMP")
    return found


def matching_picture(pictures: dict[str, Path], photo: Path, folder: Path) -> Path:
    """The one of `pictures`, by stem, that belongs to `photo`.

    Raises:
        UserError: there is none; `folder` names where one was looked for.
    """
    if photo.stem not in pictures:
        raise UserError(f"{folder} holds no picture for {photo}, expected {photo.stem}.png there")
    return pictures[photo.stem]


def read_mask(path: Path) -> "Mask":
    """`(H, W)` bool, True where the picture is light: where the photograph is lost."""
    from rechroma.imaging.io import mask_from_gray, read_gray

    return mask_from_gray(read_gray(path))


def format_size(shape: tuple[int, ...]) -> str:
    """`640x480 px` for a `shape` of (480, 640, …)."""
    return f"{shape[1]}x{shape[0]} px"


def _identity(path: Path) -> tuple[int, int]:
    """The same for a file by whatever name."""
    status = path.stat()
    return status.st_dev, status.st_ino
