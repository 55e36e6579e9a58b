"""Image files decoded with Pillow: which formats, how large, upright, 8 bits, opaque."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

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
PIXEL_LIMIT = 200_000_000  # the largest cameras reach 150 megapixels; beyond is a picture bomb
DEEP = re.compile(r";16[BLN]")  # in what Pillow calls the layout of pixels in a file

_opening = threading.Lock()


class PhotoError(UserError):
    """One picture cannot be used: its name and the reason."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


@contextmanager
def open_image(
    source: Path | BinaryIO, name: str | None = None, pixel_limit: int = PIXEL_LIMIT
) -> Iterator[Image.Image]:
    """An opened picture; what goes wrong with it, until it is closed, becomes a `PhotoError`."""
    name = name or str(source)
    try:
        if isinstance(source, Path) and _would_wait(source):
            raise PhotoError(name, f"is no picture but a pipe or a device, {EXPECTED}")
        with _no_pixel_limit():
            picture = Image.open(source, formats=list(FORMATS))
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
    """An opened picture upright, 8 bits, without transparency.

    Raises:
        PhotoError: it holds floating-point values; `name` is how that is said.
    """
    picture.load()
    return _opaque(_eight_bits(upright(picture), name))


def is_deep(picture: Image.Image) -> bool:
    """Whether the values of an opened picture are on a scale of 16 bits; asked before decoding.

    A file of 32-bit integers does not say on which scale they are: it is that of 16 bits where any
    value is beyond 255, else that of 8.
    """
    if picture.mode == "I":
        return bool(np.max(picture.getextrema()) > 255)
    return picture.mode.startswith("I") or bool(DEEP.search(str(getattr(picture, "tile", ""))))


def is_opaque(picture: Image.Image) -> bool:
    """Whether no part of an opened picture is transparent."""
    return bool(np.asarray(opacity(picture)).min() == 255)


@contextmanager
def _no_pixel_limit() -> Iterator[None]:
    """Pillow's own limit warns at half of ours; it is put aside while a header is read."""
    with _opening:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _would_wait(path: Path) -> bool:
    """Whether `path` lies in an album like a picture, but may be waited for without an end.

    Pipes that a shell hands over, such as `/dev/stdin`, have no suffix of a picture and are read.
    """
    if path.suffix.lower() not in SUFFIXES or not path.exists():
        return False
    return not path.is_file() and not path.is_dir()


def _why_unknown(source: Path | BinaryIO) -> str:
    empty = source.stat().st_size == 0 if isinstance(source, Path) else not source.seek(0, 2)
    return "is empty" if empty else f"is no picture, {EXPECTED}"


def upright(picture: Image.Image) -> Image.Image:
    """The image turned as its EXIF orientation says; as it is where that is broken."""
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # broken EXIF must not cost the photograph
        return picture


def _eight_bits(picture: Image.Image, name: str) -> Image.Image:
    if picture.mode == "F":
        raise PhotoError(name, "holds floating-point values, expected 8 or 16 bits")
    if not picture.mode.startswith("I"):
        return picture
    levels = np.asarray(picture)
    levels = np.clip(levels, 0, 65535) >> 8 if is_deep(picture) else np.clip(levels, 0, 255)
    return Image.fromarray(levels.astype(np.uint8))


def opacity(picture: Image.Image) -> Image.Image:
    """The alpha channel, of mode L: 255 where the image is opaque."""
    return picture.convert("RGBA").getchannel("A")


def _opaque(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture
    shown = picture.convert("RGBA")
    white = Image.new("RGBA", shown.size, "white")
    return Image.alpha_composite(white, shown).convert("RGB")
