"""Pictures as arrays: the only place that knows modes, orientation, color order of files."""

import base64
import io
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from rechroma.errors import UserError
from rechroma.outputs import whole_file

Photo = NDArray[np.uint8]
Luma = NDArray[np.uint8]
Mask = NDArray[np.bool_]

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
GRAY_SPREAD = 8  # levels between the channels that JPEG alone brings into a gray photograph
GRAY_SHARE = 0.999  # share of the pixels that must keep within it
ROWS = 1024  # looked at at once where a whole photograph would take much memory
DVC_OBJECT = re.compile(r"/files/md5/[0-9a-f]{2}/[0-9a-f]{30}$")  # a file in DVC's cache
DEEP = re.compile(r";16[BLN]")  # in what Pillow calls the layout of pixels in a file

_opening = threading.Lock()


class PhotoError(UserError):
    """One picture cannot be used: its name and the reason."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


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


def leads_inside(file: Path, folder: Path) -> bool:
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
    with opened(path) as picture:
        if not picture.has_transparency_data:
            return None
        return np.array(_opacity(_upright(picture)))


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
    return levels if levels.ndim == 2 else luma(levels)


def luma(photo: Photo) -> Luma:
    """`(H, W)` uint8 luma of an `(H, W, 3)` uint8 RGB photo: exactly Pillow's `convert("L")`."""
    return np.array(Image.fromarray(photo).convert("L"))


def is_gray(photo: Photo) -> bool:
    """Whether an `(H, W, 3)` uint8 RGB photo holds no color but JPEG's rounding."""
    colored = 0
    for top in range(0, photo.shape[0], ROWS):
        red, green, blue = photo[top : top + ROWS].transpose(2, 0, 1)
        highest = np.maximum(np.maximum(red, green), blue)
        lowest = np.minimum(np.minimum(red, green), blue)
        colored += int(np.count_nonzero(highest - lowest > GRAY_SPREAD))
    allowed: float = (1 - GRAY_SHARE) * photo.shape[0] * photo.shape[1]
    return colored <= allowed


def square(photo: Photo, size: int) -> Photo:
    """The largest centered square of an `(H, W, 3)` uint8 photo, reduced to `(size, size, 3)`.

    Raises:
        ValueError: the shorter side is below `size`; photographs are never enlarged.
    """
    height, width = photo.shape[:2]
    side = min(height, width)
    if side < size:
        raise ValueError(f"photo is {width}x{height} px, expected at least {size} px each way")
    top, left = (height - side) // 2, (width - side) // 2
    centered = photo[top : top + side, left : left + side]
    return reduced(centered, size, size)


def reduced(photo: Photo, height: int, width: int) -> Photo:
    """An `(H, W, 3)` uint8 photo as `(height, width, 3)`, without aliasing (Lanczos)."""
    if photo.shape[:2] == (height, width):
        return photo
    filtered = Image.fromarray(photo).resize(
        (width, height), Image.Resampling.LANCZOS, reducing_gap=3.0
    )
    return np.array(filtered)


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


def as_uri(photo: Photo) -> str:
    """An `(H, W, 3)` uint8 RGB photo as a JPEG inside a `data:` address, to be looked at."""
    jpeg = io.BytesIO()
    Image.fromarray(photo).save(jpeg, format="JPEG", quality=92, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg.getvalue()).decode()}"


@contextmanager
def opened(
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


def decoded(picture: Image.Image, name: str) -> Image.Image:
    """An opened picture upright, 8 bits, without transparency.

    Raises:
        PhotoError: it holds floating-point values; `name` is how that is said.
    """
    picture.load()
    return _opaque(_eight_bits(_upright(picture), name))


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
    return bool(np.asarray(_opacity(picture)).min() == 255)


def _decode(source: Path | BinaryIO, name: str | None, pixel_limit: int) -> Image.Image:
    with opened(source, name, pixel_limit) as picture:
        return decoded(picture, name or str(source))


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


def _upright(picture: Image.Image) -> Image.Image:
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


def _opacity(picture: Image.Image) -> Image.Image:
    return picture.convert("RGBA").getchannel("A")


def _opaque(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture
    shown = picture.convert("RGBA")
    white = Image.new("RGBA", shown.size, "white")
    return Image.alpha_composite(white, shown).convert("RGB")
