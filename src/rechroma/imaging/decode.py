"""Image files opened and decoded: any format and depth, to upright pixels of 8 or 16 bits."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from rechroma.errors import UserError
from rechroma.imaging.formats import (
    EXPECTED,
    HEAD_BYTES,
    RAW_SUFFIXES,
    SUFFIXES,
    identify_format,
)
from rechroma.imaging.jpeg_damage import DamagedJpeg, find_jpeg_damage
from rechroma.imaging.pillow_settings import no_pixel_limit
from rechroma.imaging.png_chunks import PngSideData, read_side_data, without_chunks
from rechroma.imaging.tiff import check_developed, needs_raw_samples, tiff_header

PIXEL_LIMIT = (
    200_000_000  # the largest cameras reach 150 megapixels; beyond is a decompression bomb
)

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


@dataclass
class OpenedImage:
    """An image file whose header was read.

    Attributes:
        picture: Pillow's; its pixels may have fewer bits than the file, see `raw`.
        stream: the file, without the parts that decoders cannot take.
        name: of the picture, in errors.
        kind: its format, as `formats.identify_format` names it.
        raw: whether the samples must be read from `stream`, as Pillow cannot hold them.
        side_data: of a PNG.
        damage: of a JPEG.
        notes: a warning for each broken part.
    """

    picture: Image.Image
    stream: BinaryIO
    name: str
    kind: str
    raw: bool = False
    side_data: PngSideData = field(default_factory=PngSideData)
    damage: DamagedJpeg | None = None
    notes: list[str] = field(default_factory=list)


@contextmanager
def open_image(
    source: Path | BinaryIO, name: str | None = None, pixel_limit: int = PIXEL_LIMIT
) -> Iterator[OpenedImage]:
    """Open an image file; the format is that of its content, whatever its suffix is.

    Args:
        source: a file, or a stream that can seek.
        name: of the picture, in errors; by default the file's path.
        pixel_limit: the largest picture that is opened, px.

    Raises:
        PhotoError: missing, empty, not a picture, damaged, or larger than `pixel_limit`.

    >>> stream = io.BytesIO()
    >>> Image.new("L", (4, 3)).save(stream, format="PNG")
    >>> with open_image(stream) as opened:
    ...     opened.picture.size
    (4, 3)
    """
    name = name or str(source)
    suffix = source.suffix.lower() if isinstance(source, Path) else Path(name).suffix.lower()
    with decoder_errors(name):
        stream = _open_stream(source, name) if isinstance(source, Path) else source
    try:
        with decoder_errors(name):
            opened = _identify(stream, name, suffix, pixel_limit)
        with opened.picture:
            yield opened
    finally:
        if stream is not source:
            stream.close()


@contextmanager
def decoder_errors(name: str) -> Iterator[None]:
    """Errors of decoders become a `PhotoError`; they raise nearly anything on a broken file.

    >>> with decoder_errors("old.png"):
    ...     raise SyntaxError("broken header")
    Traceback (most recent call last):
    rechroma.imaging.decode.PhotoError: old.png: cannot be read: broken header
    """
    try:
        yield
    except (PhotoError, MemoryError):
        raise
    except UserError as error:
        raise PhotoError(name, str(error)) from None
    except FileNotFoundError:
        raise PhotoError(name, "is missing") from None
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, LookupError):  # by a decoder, of a tag that is not there
            reason = "the file is cut off or broken"
        raise PhotoError(name, f"cannot be read: {reason}") from None


def _open_stream(path: Path, name: str) -> BinaryIO:
    # The reading of a pipe or a device may not end. Pipes that a shell passes, such as /dev/stdin,
    # have no suffix of a picture and are read.
    named = path.suffix.lower() in SUFFIXES and path.exists()
    if named and not path.is_file() and not path.is_dir():
        raise PhotoError(name, f"is no picture but a pipe or a device, {EXPECTED}")
    stream = path.open("rb")
    if stream.seekable():
        return stream
    with stream:
        return io.BytesIO(stream.read())


def _identify(stream: BinaryIO, name: str, suffix: str, pixel_limit: int) -> OpenedImage:
    """The opened image in `stream`, whatever is needed to decode it checked or mended."""
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    kind = identify_format(head, suffix)
    if kind is None:
        raise PhotoError(name, f"is no picture, {EXPECTED}" if head else "is empty")
    if suffix in RAW_SUFFIXES and kind == "TIFF":
        raise PhotoError(name, f"is a raw file of a camera ({suffix}), develop it first")
    opened = OpenedImage(Image.new("L", (1, 1)), stream, name, kind)
    if kind == "PNG":
        opened.side_data = read_side_data(stream)
        opened.notes += opened.side_data.problems
        if opened.side_data.dropped:
            opened.stream = without_chunks(stream, opened.side_data.dropped)
    size = _open_picture(opened)
    if 0 in size:
        raise PhotoError(name, f"is {size[0]}x{size[1]} px, expected at least 1x1 px")
    if size[0] * size[1] > pixel_limit:
        limit = f"expected at most {pixel_limit // 10**6} megapixels"
        raise PhotoError(name, f"is {size[0]}x{size[1]} px, {limit}")
    if kind == "JPEG":
        stream.seek(0)
        opened.damage = find_jpeg_damage(stream.read())
        if opened.damage:
            opened.notes.append(opened.damage.problem)
            if opened.damage.first_lost == 0:
                raise PhotoError(name, f"cannot be read: {opened.damage.problem}")
            opened.stream = opened.damage.stream
            _open_picture(opened)
    return opened


def _open_picture(opened: OpenedImage) -> tuple[int, int]:
    """Open the stream with Pillow, or what of it Pillow cannot open; its width and height, px."""
    kind = opened.kind
    if kind == "HEIF":
        _register_heif()
    try:
        with no_pixel_limit():
            opened.picture = Image.open(opened.stream, formats=[kind])
    except UnidentifiedImageError as error:
        if kind == "TIFF":
            opened.raw = True
            with no_pixel_limit():
                opened.picture, size = tiff_header(opened.stream)
            return size
        reason = _why_refused(opened.stream, kind) or error
        raise UserError(f"is a broken {kind} file: {reason}") from None
    if kind == "TIFF":
        check_developed(opened.picture)
        opened.raw = needs_raw_samples(opened.picture)
    elif kind == "PNG":
        opened.raw = ";16B" in str(opened.picture.tile)
    return opened.picture.size


def _why_refused(stream: BinaryIO, kind: str) -> str:
    """The error that Pillow's plugin for a format raises, which `Image.open` does not pass on."""
    stream.seek(0)
    try:
        with no_pixel_limit():
            Image.OPEN[kind][0](stream, "")
    except Exception as error:  # Pillow's plugins raise nearly anything on a broken file
        return " ".join(str(error).split()) or type(error).__name__
    return ""


def _register_heif() -> None:
    try:
        import pillow_heif
    except ModuleNotFoundError:
        raise UserError("is HEIC, which needs pillow-heif: pip install 'rechroma[heif]'") from None
    pillow_heif.register_heif_opener()
