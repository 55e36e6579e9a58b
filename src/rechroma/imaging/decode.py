"""Image files decoded with Pillow: the formats and sizes that are read, to upright 8-bit pixels."""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from rechroma.errors import UserError

FORMATS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp",),
}
EXPECTED = f"expected {', '.join(FORMATS)}"
SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)
PIXEL_LIMIT = (
    200_000_000  # the largest cameras reach 150 megapixels; beyond is a decompression bomb
)
RAW_MODE_16 = re.compile(r";16[BLN]")  # Pillow's name for 16-bit pixels in a file

_opening = threading.Lock()
logger = logging.getLogger(__name__)


class PhotoError(UserError):
    """The error for one picture that cannot be used: its name and the reason.

    >>> print(PhotoError("holiday.png", "is empty"))
    holiday.png: is empty
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


@contextmanager
def open_image(
    source: Path | BinaryIO, name: str | None = None, pixel_limit: int = PIXEL_LIMIT
) -> Iterator[Image.Image]:
    """Open a picture; an error in it, until it is closed, becomes a `PhotoError`.

    Args:
        source: a file, or a stream that can seek.
        name: of the picture, in errors; by default the file's path.
        pixel_limit: the largest picture that is opened, px.

    Raises:
        PhotoError: missing, empty, not a picture, damaged, or larger than `pixel_limit`.

    >>> import io
    >>> stream = io.BytesIO()
    >>> Image.new("L", (4, 3)).save(stream, format="PNG")
    >>> with open_image(stream) as picture:
    ...     picture.size
    (4, 3)
    """
    name = name or str(source)
    try:
        if isinstance(source, Path) and _may_block(source):
            raise PhotoError(name, f"is no picture but a pipe or a device, {EXPECTED}")
        with _no_pixel_limit():
            picture = Image.open(source, formats=list(FORMATS))
        picture.filename = ""  # prevents memory mapping, see `_load`
        with picture:
            if picture.width * picture.height > pixel_limit:
                raise PhotoError(
                    name,
                    f"is {picture.width}x{picture.height} px, "
                    f"expected at most {pixel_limit // 10**6} megapixels",
                )
            yield picture
    except (PhotoError, MemoryError):
        raise
    except FileNotFoundError:
        raise PhotoError(name, "is missing") from None
    except UnidentifiedImageError:
        raise PhotoError(name, _why_unknown(source)) from None
    except Exception as error:  # Pillow's decoders raise nearly anything on a broken file
        shown = " ".join(str(error).split()) or type(error).__name__
        raise PhotoError(name, f"cannot be read: {shown}") from None


def decode_image(picture: Image.Image, name: str) -> Image.Image:
    """The pixels of an opened picture: upright, 8 bits a channel, transparent parts on white.

    Args:
        picture: from `open_image`.
        name: of the picture, in the error.

    Raises:
        PhotoError: the picture holds floating-point values.

    >>> decode_image(Image.new("RGBA", (1, 1), (0, 0, 0, 0)), "clear.png").getpixel((0, 0))
    (255, 255, 255)
    """
    _load(picture)
    return _opaque(_eight_bits(upright(picture), name))


def is_16_bit(picture: Image.Image) -> bool:
    """Whether an opened picture has 16 bits a channel; to be called before decoding.

    A file of 32-bit integers does not name its range: it is taken as 16 bits where any value is
    above 255, else as 8.

    >>> is_16_bit(Image.new("I;16", (1, 1))), is_16_bit(Image.new("L", (1, 1)))
    (True, False)
    """
    if picture.mode == "I":
        return bool(np.max(picture.getextrema()) > 255)
    return picture.mode.startswith("I") or bool(
        RAW_MODE_16.search(str(getattr(picture, "tile", "")))
    )


def is_opaque(picture: Image.Image) -> bool:
    """Whether no part of an opened picture is transparent.

    >>> is_opaque(Image.new("RGBA", (1, 1), (0, 0, 0, 200)))
    False
    """
    return bool(np.asarray(opacity(picture)).min() == 255)


def _load(picture: Image.Image) -> None:
    """Read the pixels without memory mapping, with which Pillow 12.3 garbles turned TIFFs."""
    if not isinstance(picture, ImageFile):
        return
    filename, picture.filename = picture.filename, ""
    try:
        picture.load()
    finally:
        picture.filename = filename


@contextmanager
def _no_pixel_limit() -> Iterator[None]:
    """Pillow's own limit is switched off while a header is read: it warns at half of ours."""
    with _opening:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _may_block(path: Path) -> bool:
    """Whether `path` is named like a picture but is a pipe or a device, whose reading may not end.

    Pipes that a shell passes, such as `/dev/stdin`, have no suffix of a picture and are read.
    """
    if path.suffix.lower() not in SUFFIXES or not path.exists():
        return False
    return not path.is_file() and not path.is_dir()


def _why_unknown(source: Path | BinaryIO) -> str:
    empty = source.stat().st_size == 0 if isinstance(source, Path) else not source.seek(0, 2)
    return "is empty" if empty else f"is no picture, {EXPECTED}"


def upright(picture: Image.Image) -> Image.Image:
    """The image with its EXIF orientation applied; unchanged where that is broken.

    >>> upright(Image.new("L", (4, 3))).size
    (4, 3)
    """
    try:
        return ImageOps.exif_transpose(picture)
    except Exception as error:  # Pillow raises nearly anything on broken EXIF; the pixels are good
        logger.info("broken EXIF data, the orientation is ignored: %r", error)
        return picture


def _eight_bits(picture: Image.Image, name: str) -> Image.Image:
    if picture.mode == "F":
        raise PhotoError(name, "holds floating-point values, expected 8 or 16 bits")
    if not picture.mode.startswith("I"):
        return picture
    levels = np.asarray(picture)
    # Of 16 bits, the high byte.
    levels = np.clip(levels, 0, 65535) >> 8 if is_16_bit(picture) else np.clip(levels, 0, 255)
    return Image.fromarray(levels.astype(np.uint8))


def opacity(picture: Image.Image) -> Image.Image:
    """The alpha channel as an image of mode L: 255 where opaque, 0 where transparent.

    >>> opacity(Image.new("RGBA", (1, 1), (0, 0, 0, 200))).getpixel((0, 0))
    200
    """
    return picture.convert("RGBA").getchannel("A")


def _opaque(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture
    shown = picture.convert("RGBA")
    white = Image.new("RGBA", shown.size, "white")
    return Image.alpha_composite(white, shown).convert("RGB")
