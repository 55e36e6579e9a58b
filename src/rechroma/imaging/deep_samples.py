"""The samples of files of more than 8 bits, which Pillow reduces to 8 but for gray ones."""

import logging
import re
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from rechroma.imaging.decode import OpenedImage, PhotoError
from rechroma.imaging.depth import Samples
from rechroma.imaging.pillow_settings import no_pixel_limit
from rechroma.imaging.png_chunks import PIXEL_PROBLEM, without_chunks
from rechroma.imaging.tiff import TiffError, read_tiff

PNM_HEADER = re.compile(rb"P([56])(?:\s+(?:#[^\n]*\n\s*)*(\d+)){3}\s")
PNM_NUMBER = re.compile(rb"#[^\n]*\n|(\d+)")
GRAY_AND_OPACITY = 4  # a color type of PNG
HEAD = 4096  # bytes that hold the header of PNM, JPEG 2000 and AVIF
NOT_PIXELS = (b"eXIf", b"iCCP", b"tEXt", b"zTXt", b"iTXt")

logger = logging.getLogger(__name__)


def read_samples(opened: OpenedImage, notes: list[str]) -> Samples | None:
    """The samples of a file of more than 8 bits; None where Pillow's 8 bits are all there is."""
    picture = opened.picture
    if opened.raw and opened.kind == "PNG":
        return _read_png(opened, notes)
    if opened.raw:
        try:
            samples, ignored = read_tiff(opened.stream)
        except TiffError as error:
            if picture.format != "TIFF":  # Pillow could not open it either
                raise
            logger.info("%s: %s", opened.name, error)
            opened.stream.seek(0)
        else:
            notes += ignored
            return samples
    if opened.kind == "PPM":
        binary = _read_pnm(opened.stream)
        if binary is not None:
            return binary
    if isinstance(picture, TiffImageFile):
        with no_pixel_limit():
            picture.load_prepare()  # checks Pillow's limit, too
    deep = samples_of_deep(picture)
    bits = _bits_in_header(opened) if deep is None else 8
    if bits > 8:
        notes.append(f"{bits} bits were reduced to 8")
    return deep


def _read_png(opened: OpenedImage, notes: list[str]) -> Samples | None:
    """The samples of a PNG of 16 bits; None where its pixels are broken and have color."""
    picture, bits = opened.picture, opened.side_data.significant_bits
    picture.load()  # raises where OpenCV would fill what is missing with black
    if picture.mode == "I;16":
        values = np.asarray(picture).astype(np.uint16)[..., None]
        key = picture.info.get("transparency")  # the gray that is transparent
        if isinstance(key, int):
            values = np.concatenate([values, (values != key) * np.uint16(65535)], axis=2)
    elif PIXEL_PROBLEM in notes:  # Pillow shows what is left of them, in 8 bits
        notes.append("16 bits were reduced to 8")
        return None
    else:
        values = _read_png_of_color(opened)
    # A file that breaks PNG's rule keeps its samples at the bottom of the 16 bits.
    stated = (0, 2**bits - 1) if bits and 8 <= bits < 16 else None
    return Samples(values, 16, stated)


def _read_png_of_color(opened: OpenedImage) -> NDArray[np.uint16]:
    """`(H, W, C)` by OpenCV: Pillow holds 16 bits of gray alone."""
    opened.stream.seek(25)
    color_type = opened.stream.read(1)[0]
    bare = without_chunks(opened.stream, kinds=NOT_PIXELS)
    values = cv2.imdecode(np.frombuffer(bare.read(), np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.ndim != 3 or values.dtype != np.uint16:
        raise PhotoError(opened.name, "cannot be read: the PNG is damaged")
    # OpenCV's order is blue, green, red, and gray with opacity becomes color.
    order = [2, 3] if color_type == GRAY_AND_OPACITY else [2, 1, 0, 3][: values.shape[2]]
    reordered: NDArray[np.uint16] = values[..., order]
    return reordered


def _read_pnm(stream: BinaryIO) -> Samples | None:
    """The samples of a binary PGM or PPM of more than 8 bits, else None."""
    stream.seek(0)
    head = stream.read(HEAD)
    stream.seek(0)
    header = PNM_HEADER.match(head)
    if not header:
        return None
    numbers = [int(each[1]) for each in PNM_NUMBER.finditer(head[2 : header.end()]) if each[1]]
    width, height, white = numbers[:3]
    if not 255 < white < 65536:
        return None
    channels = 1 if header[1] == b"5" else 3
    stream.seek(header.end())
    content = stream.read(2 * width * height * channels)
    if len(content) < 2 * width * height * channels:
        raise ValueError("image file is truncated")
    values = np.frombuffer(content, ">u2").reshape(height, width, channels)
    return Samples(values.astype(np.uint16), white.bit_length(), (0, white), certain=True)


def samples_of_deep(picture: Image.Image) -> Samples | None:
    """The samples of a PIL image of a mode of more than 8 bits, else None."""
    if picture.mode == "F":
        return Samples(np.asarray(picture)[..., None], 32)
    if picture.mode.startswith("I"):
        values = np.asarray(picture)
        bits = 8 * values.dtype.itemsize
        if picture.format in ("PPM", "JPEG2000") and picture.mode == "I":
            bits = 16  # Pillow scales them to 16 bits
        return Samples(values.astype(np.uint16 if bits == 16 else values.dtype)[..., None], bits)
    return None


def _bits_in_header(opened: OpenedImage) -> int:
    """The bits of a file that Pillow reduces to 8; 8 where it does not, or the header is silent."""
    if opened.kind not in ("JPEG2000", "AVIF", "HEIF", "TIFF", "PPM"):
        return 8
    if opened.kind == "TIFF":
        return int(max(opened.picture.tag_v2.get(258, (8,))))  # type: ignore[attr-defined]
    opened.stream.seek(0)
    head = opened.stream.read(HEAD)
    opened.stream.seek(0)
    if opened.kind == "JPEG2000" and (start := head.find(b"\xff\x4f\xff\x51")) >= 0:
        # SIZ: marker, length and capabilities, eight sizes, the number of channels, then depths.
        depth = head[start + 42 : start + 43]
        return (depth[0] & 0x7F) + 1 if depth else 8
    if opened.kind in ("AVIF", "HEIF") and (start := head.find(b"pixi")) >= 0:
        return max(head[start + 9 : start + 10], default=8)
    return 8
