"""The archive that is handed in, and its checks."""

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from rechroma.errors import UserError
from rechroma.imaging.types import Photo

Size = tuple[int, int]

BIT_DEPTH = 24  # where a PNG file says the bits of a channel; Pillow shows 16 of them as 8
FIXED_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold: same pictures, same bytes


def write_submission(
    pictures: Iterable[tuple[str, Photo]], expected: Mapping[str, Size], path: Path
) -> None:
    """Write pictures as PNG files into the zip file `path`, if they are the expected ones.

    Args:
        pictures: file name, ending in .png, and `(H, W, 3)` uint8 RGB of each.
        expected: `(height, width)` by file name of each input.
        path: written whole or not at all; the same pictures in the same order give the same bytes.

    Raises:
        UserError: as `check`; nothing is written then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            for name, picture in pictures:
                if name in archive.NameToInfo:
                    raise UserError(f"{path}: {name}: there twice")
                stream = io.BytesIO()
                Image.fromarray(picture).save(stream, "PNG")
                archive.writestr(zipfile.ZipInfo(name, FIXED_DATE), stream.getvalue())
        check_submission(part, expected, str(path))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def check_submission(path: Path, expected: Mapping[str, Size], where: str = "") -> None:
    """Make sure that a submission has exactly one RGB picture of the right size for each input.

    Args:
        path: the zip file.
        expected: `(height, width)` by file name of each input.
        where: how errors name the file; by default its path.

    Raises:
        UserError: the file is no zip, or a picture is missing, extra, there twice, misnamed (in a
            folder, or no .png), of the wrong size, no PNG, or not 8-bit RGB.
    """
    where = where or str(path)
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            _check_names(where, names, expected)
            for name in names:
                _check_picture(f"{where}: {name}", archive.read(name), expected[name])
    except zipfile.BadZipFile as error:
        raise UserError(f"{where} is no whole zip file: {error}") from None
    except FileNotFoundError:
        raise UserError(f"{where} is missing, expected a submission there") from None


def _check_names(where: str, names: list[str], expected: Mapping[str, Size]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1}) if _repeats(names) else []
    nested = sorted(name for name in names if "/" in name or "\\" in name)
    other = sorted(name for name in names if not name.endswith(".png"))
    faults = {
        "there twice": twice,
        "in a folder, expected none": nested,
        "no .png": other,
        "missing": sorted(expected.keys() - set(names)),
        "not among the inputs": sorted(set(names) - expected.keys()),
    }
    for fault, found in faults.items():
        if found:
            more = f" and {len(found) - 3} more" if len(found) > 3 else ""
            raise UserError(f"{where}: {', '.join(found[:3])}{more}: {fault}")


def _repeats(names: list[str]) -> bool:
    return len(set(names)) < len(names)


def _check_picture(where: str, file: bytes, size: Size) -> None:
    try:
        with Image.open(io.BytesIO(file)) as picture:
            picture.load()
            found = (picture.height, picture.width)
            kind, mode = picture.format, picture.mode
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise UserError(f"{where} is no picture: {error}") from None
    if kind != "PNG":
        raise UserError(f"{where} is {kind}, expected PNG")
    if mode != "RGB":
        raise UserError(f"{where} is of mode {mode}, expected 8-bit RGB")
    if file[BIT_DEPTH] != 8:
        raise UserError(f"{where} is of {file[BIT_DEPTH]} bits, expected 8-bit RGB")
    if found != size:
        raise UserError(
            f"{where} is {found[1]}x{found[0]} px, expected its input's {size[1]}x{size[0]}"
        )
