"""The submission: a zip file of restored photographs, and its checks."""

import io
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from rechroma.errors import UserError
from rechroma.imaging.types import Photo

Size = tuple[int, int]
"""Height and width, px."""

BIT_DEPTH = 24  # byte of a PNG file that holds the bits per channel; Pillow shows 16 as 8
FIXED_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest in a zip file: same pictures, same bytes


def write_submission(
    pictures: Iterable[tuple[str, Photo]], expected: Mapping[str, Size], path: Path
) -> None:
    """Write pictures as PNG files into the zip file `path`, if they are the expected ones.

    Args:
        pictures: file names, ending in .png, and `(H, W, 3)` uint8 RGB pictures.
        expected: size of each input by file name.
        path: written whole or not at all; the same pictures in the same order give the same bytes.

    Raises:
        UserError: as in `check_submission`; nothing is written then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            for name, picture in pictures:
                if name in archive.NameToInfo:
                    raise UserError(f"{path}: {name}: twice in the archive")
                stream = io.BytesIO()
                Image.fromarray(picture).save(stream, "PNG")
                archive.writestr(zipfile.ZipInfo(name, FIXED_DATE), stream.getvalue())
        check_submission(part, expected, str(path))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def check_submission(path: Path, expected: Mapping[str, Size], where: str = "") -> None:
    """Check that a submission has exactly one RGB picture of the right size for each input.

    Args:
        path: the zip file.
        expected: size of each input by file name.
        where: the name of the file in messages; by default its path.

    Raises:
        UserError: the file is not a zip file, or a picture is missing, extra, duplicate, misnamed
            (in a folder, or without .png), of the wrong size, not PNG, or not 8-bit RGB.
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
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    nested = sorted(name for name in names if "/" in name or "\\" in name)
    other = sorted(name for name in names if not name.endswith(".png"))
    faults = {
        "twice in the archive": twice,
        "in a folder, expected none": nested,
        "no .png": other,
        "missing": sorted(expected.keys() - set(names)),
        "not among the inputs": sorted(set(names) - expected.keys()),
    }
    for fault, faulty in faults.items():
        if faulty:
            more = f" and {len(faulty) - 3} more" if len(faulty) > 3 else ""
            raise UserError(f"{where}: {', '.join(faulty[:3])}{more}: {fault}")


def _check_picture(where: str, content: bytes, expected: Size) -> None:
    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
            size = (picture.height, picture.width)
            kind, mode = picture.format, picture.mode
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise UserError(f"{where} is no picture: {error}") from None
    if kind != "PNG":
        raise UserError(f"{where} is {kind}, expected PNG")
    if mode != "RGB":
        raise UserError(f"{where} is of mode {mode}, expected 8-bit RGB")
    if content[BIT_DEPTH] != 8:
        raise UserError(f"{where} is of {content[BIT_DEPTH]} bits, expected 8-bit RGB")
    if size != expected:
        raise UserError(
            f"{where} is {size[1]}x{size[0]} px, expected its input's {expected[1]}x{expected[0]}"
        )
