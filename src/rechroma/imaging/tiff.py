"""TIFF files of more than 8 bits, or of channels that Pillow does not read, as raw samples."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rechroma.errors import UserError
from rechroma.imaging.depth import Samples
from rechroma.imaging.jpeg_damage import MOST_PIXELS

if TYPE_CHECKING:
    from tifffile import TiffPage

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, CMYK = 0, 1, 2, 5  # PhotometricInterpretation
OPACITY = (1, 2)  # ExtraSamples: premultiplied or not
UNSIGNED, SIGNED, FLOAT = 1, 2, 3  # SampleFormat
CHANNELS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, CMYK: 4}
JPEG = 7  # Compression
DNG_VERSION = 50706
OPENCV_DEPTHS = (8, 10, 12, 14, 16)
OPENCV_CHANNELS = ((1, WHITE_IS_ZERO), (1, BLACK_IS_ZERO), (3, RGB), (4, RGB))

logger = logging.getLogger(__name__)


class TiffError(UserError):
    """The error for a kind of TIFF that cannot be read."""


class TiffPicture(NamedTuple):
    """The first picture of a TIFF.

    Attributes:
        samples: as stored.
        notes: a warning for each channel that was ignored.
    """

    samples: Samples
    notes: tuple[str, ...]


def needs_raw_samples(picture: Image.Image) -> bool:
    """Whether Pillow would lose bits of an opened TIFF, or take its signed samples as unsigned."""
    tags = picture.tag_v2  # type: ignore[attr-defined]
    bits, formats = (tags.get(tag, (1,)) for tag in (258, 339))
    return bool(max(bits) > 8 or set(formats) - {UNSIGNED, 4})  # 4 is "undefined"


def check_developed(picture: Image.Image) -> None:
    """Raise a TiffError if an opened TIFF is the raw file of a camera, or far too short."""
    tags = picture.tag_v2  # type: ignore[attr-defined]
    if DNG_VERSION in tags:
        raise TiffError("is a raw file of a camera (DNG), expected a developed photograph")
    # JPEG in a TIFF, which libtiff fills with gray where data is missing.
    if tags.get(259) == JPEG:
        width, height = picture.size
        if width * height > 8 * MOST_PIXELS * sum(tags.get(279) or tags.get(325) or ()):
            raise TiffError("is a TIFF that is cut off or broken")


def tiff_header(stream: BinaryIO) -> tuple[Image.Image, tuple[int, int]]:
    """A picture of no pixels that holds EXIF and profile, for a TIFF that Pillow cannot open.

    Returns:
        The picture, and width and height of the one in the file, px.

    Raises:
        TiffError: the TIFF is broken.
    """
    with _first_page(stream) as page:
        header = Image.new("L", (1, 1))
        exif = Image.Exif()
        stream.seek(0)
        try:
            exif.load_from_fp(stream)
            header.info["exif"] = exif.tobytes()
        except Exception:  # Pillow raises nearly anything on broken EXIF
            logger.info("broken EXIF", exc_info=True)
        for tag, name in ((34675, "icc_profile"), (700, "xmp")):
            if tag in page.tags:
                header.info[name] = bytes(page.tags[tag].value)
        return header, (page.imagewidth, page.imagelength)


def read_tiff(stream: BinaryIO) -> TiffPicture:
    """The samples of the first picture of the TIFF in `stream`.

    Raises:
        TiffError: the kind of TIFF cannot be read, or the file is cut off or broken.
    """
    with _first_page(stream) as page:
        kind = int(page.photometric or 0)
        channels = CHANNELS.get(kind)
        readable = kind != CMYK or int(page.sampleformat) == UNSIGNED
        if (
            not readable
            or channels is None
            or page.samplesperpixel < channels
            or page.imagedepth > 1
        ):
            raise TiffError(f"is a TIFF of {describe(page)}, which cannot be read")
        _check_complete(page, stream)
        values = _read_values(page, stream)  # (H, W, samples)
        stated = _stated_range(page)
        bits = page.bitspersample
    values, notes = _split_channels(values, channels, _extra_samples(page))
    if kind == CMYK:
        values = _from_cmyk(values, bits)
    return TiffPicture(Samples(values, bits, stated, kind == WHITE_IS_ZERO), notes)


def describe(page: "TiffPage") -> str:
    """The kind of a picture in words, such as `2 channels of 16 bits, LZW`."""
    formats = {SIGNED: " signed", FLOAT: " floating-point"}
    count = page.samplesperpixel
    parts = [
        f"{count} channel{'s' * (count > 1)} of {page.bitspersample}"
        f"{formats.get(int(page.sampleformat), '')} bits"
    ]
    if page.compression != 1:
        parts.append(f"compression {getattr(page.compression, 'name', page.compression)}")
    parts.append(f"photometric {getattr(page.photometric, 'name', page.photometric)}")
    return ", ".join(parts)


@contextmanager
def _first_page(stream: BinaryIO) -> Iterator["TiffPage"]:
    import tifffile

    # It logs what it finds odd; what matters is raised.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    stream.seek(0)
    try:
        with tifffile.TiffFile(stream) as file:
            page = file.pages.first
            if not isinstance(page, tifffile.TiffPage):
                raise TiffError("is a TIFF without a picture")
            yield page
    except (UserError, MemoryError):
        raise
    except Exception as error:  # tifffile raises nearly anything on a broken file
        logger.info("broken TIFF: %r", error)
        raise TiffError("is a TIFF that is cut off or broken") from None


def _check_complete(page: "TiffPage", stream: BinaryIO) -> None:
    """Pixels that a file lacks would be read as black."""
    size = stream.seek(0, 2)
    ends = [
        start + count for start, count in zip(page.dataoffsets, page.databytecounts, strict=False)
    ]
    stored = sum(page.databytecounts)
    plain = page.compression == 1 and page.bitspersample % 8 == 0
    if not ends or max(ends) > size or (plain and page.nbytes > stored):
        raise TiffError("is a TIFF that is cut off or broken")


def _read_values(page: "TiffPage", stream: BinaryIO) -> NDArray[Any]:
    """`(H, W, samples)` as stored, by tifffile, or by OpenCV where it lacks a codec."""
    shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
    try:
        values: NDArray[Any] = page.asarray()
    except (ValueError, NotImplementedError, ImportError) as error:
        decoded = _read_with_opencv(page, stream)
        if decoded is None:
            raise TiffError(
                f"is a TIFF of {describe(page)}, which cannot be read ({error}); "
                "save it without compression"
            ) from None
        return decoded.reshape(shape)
    if page.planarconfig == 2 and page.samplesperpixel > 1:
        values = np.moveaxis(values.reshape(shape[2], *shape[:2]), 0, -1)
    return values.reshape(shape)


def _read_with_opencv(page: "TiffPage", stream: BinaryIO) -> NDArray[Any] | None:
    """Of channels that OpenCV does not rearrange, else None."""
    unsigned = int(page.sampleformat) == UNSIGNED and page.bitspersample in OPENCV_DEPTHS
    if not unsigned or (page.samplesperpixel, page.photometric) not in OPENCV_CHANNELS:
        return None
    stream.seek(0)
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it prints
    try:
        values = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), cv2.IMREAD_UNCHANGED)
    finally:
        cv2.utils.logging.setLogLevel(level)
    if values is None or values.size != page.imagelength * page.imagewidth * page.samplesperpixel:
        return None
    if values.ndim == 3:
        values = values[..., [2, 1, 0, 3][: values.shape[2]]]  # OpenCV's is blue, green, red
    # It moves 10, 12 and 14 bits to the top of 16.
    unused = 8 * values.itemsize - page.bitspersample
    shifted: NDArray[Any] = values >> unused
    return shifted


def _stated_range(page: "TiffPage") -> tuple[float, float] | None:
    """Black and white by SMinSampleValue and SMaxSampleValue, or by Min- and MaxSampleValue."""
    for low, high in ((340, 341), (280, 281)):
        if high in page.tags:
            black = page.tags[low].value if low in page.tags else 0
            white = page.tags[high].value
            black, white = (float(np.ravel(each)[0]) for each in (black, white))
            if black < white:
                return black, white
    return None


def _extra_samples(page: "TiffPage") -> tuple[int, ...]:
    return tuple(int(each) for each in page.extrasamples or ())


def _split_channels(
    values: NDArray[Any], channels: int, extra: tuple[int, ...]
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The named channels and opacity; a warning about the others."""
    count = values.shape[2]
    # Without ExtraSamples a fourth channel of color is opacity, and others are not known.
    if not extra and (channels, count) == (3, 4):
        extra = (OPACITY[0],)
    kinds = (extra + (0,) * count)[: count - channels]
    opacity = [channels + index for index, kind in enumerate(kinds) if kind in OPACITY][:1]
    ignored = len(kinds) - len(opacity)
    notes = (f"{ignored} unnamed channel{'s' * (ignored > 1)} ignored",) if ignored else ()
    return values[..., [*range(channels), *opacity]] if count > channels else values, notes


def _from_cmyk(values: NDArray[Any], bits: int) -> NDArray[Any]:
    """`(H, W, 3)` RGB of inks as Pillow converts them; opacity is not kept."""
    top = 2**bits - 1
    ink = values.astype(np.int64)
    colors = (top - ink[..., :3]) * (top - ink[..., 3:4])
    mixed: NDArray[Any] = ((colors + top // 2) // top).astype(values.dtype)
    return mixed
