"""Pictures as arrays: the only place that knows modes, orientation, color order of files."""

import base64
import io
import os
import re
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from rechroma.imaging.color import to_luma
from rechroma.imaging.decode import (
    PIXEL_LIMIT,
    SUFFIXES,
    PhotoError,
    decode_image,
    opacity,
    open_image,
    upright,
)
from rechroma.imaging.types import Luma, Mask, Photo
from rechroma.outputs import whole_file

DVC_OBJECT = re.compile(r"/files/md5/[0-9a-f]{2}/[0-9a-f]{30}$")  # a file in DVC's cache


def list_photos(path: Path) -> list[Path]:
    """Picture files in the folder `path` and below, sorted; a file gives itself.

    Known by their suffix. Hidden files and folders are skipped. Linked folders are followed, each
    real folder once, so that a loop of links ends.

    Raises:
        PhotoError: there is nothing at `path`.
    """
    if not path.is_dir():
        if not path.exists():
            raise PhotoError(str(path), "does not exist")
        return [path]
    found: list[Path] = []
    seen = {path.resolve()}
    for folder, subfolders, files in os.walk(path, followlinks=True):
        here = Path(folder)
        kept = []
        for name in sorted(subfolders):
            real = (here / name).resolve()
            if not name.startswith(".") and real not in seen:
                seen.add(real)
                kept.append(name)
        subfolders[:] = kept
        found += [here / name for name in files if not name.startswith(".")]
    return sorted(file for file in found if file.suffix.lower() in SUFFIXES)


def is_inside(file: Path, folder: Path) -> bool:
    """Whether `file`, its links followed, lies in `folder` (or in DVC's cache, by DVC's link)."""
    try:
        real = file.resolve()
    except (OSError, RuntimeError):  # a loop of links
        return False
    return real.is_relative_to(folder.resolve()) or bool(DVC_OBJECT.search(real.as_posix()))


def read_color(
    source: Path | BinaryIO, name: str | None = None, pixel_limit: int = PIXEL_LIMIT
) -> Photo:
    """The picture in `source` as `(H, W, 3)` uint8 RGB, upright (EXIF orientation applied).

    Of 16 bits, the high byte; `is_deep` tells on which scale 32-bit integers are. Transparent parts
    stand on white. Color profiles are not applied. Of several frames, the first.

    Args:
        source: a file, or a stream that can seek.
        name: how errors name it; by default the file's path.
        pixel_limit: the largest picture that is decoded.

    Raises:
        PhotoError: missing, empty, no picture, damaged, or larger than `pixel_limit`.
    """
    return np.array(_decode(source, name, pixel_limit).convert("RGB"))


def read_gray(
    source: Path | BinaryIO, name: str | None = None, pixel_limit: int = PIXEL_LIMIT
) -> Luma:
    """As `read_color`, but `(H, W)` uint8 luma; gray files keep their values."""
    return np.array(_decode(source, name, pixel_limit).convert("L"))


def read_opacity(path: Path) -> Luma | None:
    """How opaque the picture is, `(H, W)` uint8 from 0 (transparent); None if it is so throughout.

    Upright; errors as of `read_color`.
    """
    with open_image(path) as picture:
        if not picture.has_transparency_data:
            return None
        return np.array(opacity(upright(picture)))


def gray_from_array(values: Any, name: str) -> Luma:
    """The picture in an array, or in nested lists, as `(H, W)` uint8 luma.

    Args:
        values: `(H, W)` gray or `(H, W, 3)` RGB; whole numbers from 0 to 255 of any integer type,
            or bool, where True is white.
        name: how errors name it.

    Raises:
        PhotoError: another shape, other numbers, or no array at all.
    """
    expected = "expected (H, W) gray or (H, W, 3) RGB of whole numbers from 0 to 255"
    try:
        picture = np.asarray(values)
    except ValueError:  # NumPy's word for rows of unequal lengths
        raise PhotoError(name, f"is no regular array, {expected}") from None
    if (
        picture.dtype.kind not in "bui"
        or picture.size == 0
        or (picture.ndim != 2 and picture.shape[2:] != (3,))
    ):
        reason = f"is an array of shape {picture.shape} and type {picture.dtype}, {expected}"
        raise PhotoError(name, reason)
    lowest, highest = picture.min(), picture.max()
    if lowest < 0 or highest > 255:
        raise PhotoError(name, f"is an array of numbers from {lowest} to {highest}, {expected}")
    levels = picture.astype(np.uint8)
    if picture.dtype == np.bool_:
        levels *= np.uint8(255)
    return levels if levels.ndim == 2 else to_luma(levels)


def encode_png(picture: Photo | Luma | Mask) -> bytes:
    """The PNG of an `(H, W, 3)` uint8 RGB, `(H, W)` uint8 gray or `(H, W)` bool (0/255) picture.

    Same picture, same bytes.
    """
    if picture.dtype == np.bool_:
        picture = picture.astype(np.uint8) * np.uint8(255)
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", compress_level=1)
    return stream.getvalue()


def write_png(path: Path, picture: Photo | Luma | Mask) -> None:
    """Write `picture` to `path` as `encode_png` gives it.

    The file appears whole or not at all; its folder is made.
    """
    with whole_file(path) as part:
        part.write_bytes(encode_png(picture))


def data_uri(photo: Photo) -> str:
    """An `(H, W, 3)` uint8 RGB photo as a JPEG inside a `data:` address, to be looked at."""
    jpeg = io.BytesIO()
    Image.fromarray(photo).save(jpeg, format="JPEG", quality=92, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg.getvalue()).decode()}"


def _decode(source: Path | BinaryIO, name: str | None, pixel_limit: int) -> Image.Image:
    with open_image(source, name, pixel_limit) as picture:
        return decode_image(picture, name or str(source))
