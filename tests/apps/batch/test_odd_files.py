"""The results of `rechroma restore` on odd files, which docs/odd-files.md lists."""

import contextlib
import io
import json
import os
import re
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from rechroma.apps.batch.exif import Metadata
from rechroma.apps.batch.image_file import is_restored, read_image_file, write_image_file
from rechroma.apps.cli.main import main
from rechroma.imaging.color import to_luma
from rechroma.imaging.png_chunks import SIGNATURE, chunk
from rechroma.models.store import save_model

PAGE = Path(__file__).resolve().parents[3] / "docs" / "odd-files.md"
HEAD = """\
# Odd files

This page lists what `rechroma restore` does with unusual files. A test,
`tests/apps/batch/test_odd_files.py`, restores all of them in one album and compares this page with
the results. No file stops an album, no output is half written, and no input is changed. The exit
code is 1 when any file failed, else 0.

| file | result | message |
| --- | --- | --- |
"""
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)
HOLE = np.s_[14:30, 14:52]
NO_DAMAGE = "^no damage found, color only$"
LATE = "^the file was saved as JPEG after it was damaged$"
CUT = "^cannot be read: …$"


def _gray() -> np.ndarray:
    """A photograph with noise, `(48, 64)` uint8, and a hole of the gray 60."""
    rows, columns = np.mgrid[0:48, 0:64]
    noise = np.random.default_rng(0).normal(0, 4, (48, 64))
    gray = np.clip(150 + 40 * np.sin(columns / 9) + 30 * np.cos(rows / 7) + noise, 70, 250)
    gray[HOLE] = 60
    return gray.astype(np.uint8)


GRAY = _gray()
SEPIA = (GRAY[..., None] * np.array([1, 0.9, 0.75])).astype(np.uint8)
TONED = r"^toned print \(sepia\): its tint was removed$"
COLOR = cv2.applyColorMap(GRAY, cv2.COLORMAP_VIRIDIS)
MASK = np.zeros(GRAY.shape, bool)
MASK[HOLE] = True
DEEP = GRAY.astype(np.uint16) * 257 - np.random.default_rng(2).integers(0, 200, GRAY.shape).astype(
    np.uint16
)
DEEP[HOLE] = 60 * 257
DEEP_COLOR = COLOR.astype(np.uint16) * 257
NOISE = np.random.default_rng(1).integers(80, 180, (2000, 1)).astype(np.uint8)


def saved(picture=GRAY, kind="PNG", mode=None, **options) -> bytes:
    """A picture as the bytes of a file."""
    made = Image.fromarray(picture)
    stream = io.BytesIO()
    (made.convert(mode) if mode else made).save(stream, kind, **options)
    return stream.getvalue()


def frames(kind: str, **options) -> bytes:
    others = [Image.fromarray(np.roll(GRAY, shift)).convert("RGB") for shift in (5, 9)]
    return saved(kind=kind, mode="RGB", save_all=True, append_images=others, **options)


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(exif=exif)


def claiming(width: int, height: int) -> bytes:
    """A PNG with a picture of this size in its header, and hardly any pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(64))
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return SIGNATURE + b"".join(parts)


def deep(suffix: str, picture: np.ndarray) -> bytes:
    """16 bits a channel."""
    return cv2.imencode(suffix, picture.astype(np.uint16) * 257)[1].tobytes()


def png(picture: np.ndarray, color_type: int = 0, sbit: int | None = None) -> bytes:
    """A PNG of 16 bits of these values; its color type 0 is gray, 4 gray and opacity."""
    header = struct.pack(">IIBBBBB", 64, 48, 16, color_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in picture)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    if sbit:
        parts.insert(1, chunk(b"sBIT", bytes([sbit])))
    return SIGNATURE + b"".join(parts)


def bmp(picture: np.ndarray) -> bytes:
    """A BMP of blue, green, red and opacity, which Pillow does not write."""
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = struct.pack("<IiiHHIIiiII", 108, 64, 48, 1, 32, 3, picture.size, 0, 0, 0, 0)
    header += struct.pack("<4I", *masks) + b"BGRs" + bytes(48)
    start = 14 + len(header)
    pixels = picture[::-1].tobytes()
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + pixels


def png_with(kind: bytes, body: bytes, checksum: bytes | None = None) -> bytes:
    """The gray PNG with a further chunk."""
    added = chunk(kind, body)
    return saved()[:33] + (added[:-4] + checksum if checksum else added) + saved()[33:]


def wrong_pixel_checksum() -> bytes:
    start = saved().index(b"IDAT")
    (length,) = struct.unpack(">I", saved()[start - 4 : start])
    return with_bytes(saved(), start + 4 + length, b"\0\0\0\0")


def with_bytes(content: bytes, start: int, others: bytes) -> bytes:
    return content[:start] + others + content[start + len(others) :]


def packed(values: np.ndarray, bits: int) -> np.ndarray:
    """Bytes of the lowest `bits` of each value, rows beginning with a byte: `(H, bytes)`."""
    split = np.unpackbits(values.astype(">u2").view(np.uint8).reshape(*values.shape, 2), axis=2)
    return np.packbits(split[..., 16 - bits :].reshape(len(values), -1), axis=1)


def tiff(
    values: np.ndarray,
    order: str = "little-endian",
    *,
    white_is_zero: bool = False,
    bits: int = 0,
    smin: float | None = None,
    smax: float | None = None,
    extra: int | None = None,
    compression: int = 1,
    dng: bool = False,
) -> bytes:
    """An uncompressed gray TIFF of 64 x 48 px and these samples, or these bytes of packed ones."""
    sign = "<" if order == "little-endian" else ">"
    channels = values.shape[2] if values.ndim == 3 else 1
    pixels = values.astype(values.dtype.newbyteorder(sign)).tobytes()
    tags = [
        *((256, "H", [64]), (257, "H", [48])),
        (258, "H", [bits or 8 * values.dtype.itemsize] * channels),
        *((259, "H", [compression]), (262, "H", [0 if white_is_zero else 1]), (273, "I", [None])),
        *((277, "H", [channels]), (278, "H", [48]), (279, "I", [len(pixels)])),
        *([(338, "H", [extra])] if extra is not None else []),
        (339, "H", [{"u": 1, "i": 2, "f": 3}[values.dtype.kind]] * channels),
        *([(340, "f", [smin]), (341, "f", [smax])] if smin is not None else []),
        *([(50706, "B", [1, 4, 0, 0])] if dng else []),
    ]
    kinds = {"B": 1, "H": 3, "I": 4, "f": 11}
    start = 8 + 2 + 12 * len(tags) + 4
    directory, rest = struct.pack(f"{sign}H", len(tags)), b""
    for tag, kind, numbers in tags:
        numbers = [start + 64 if number is None else number for number in numbers]
        content = struct.pack(f"{sign}{len(numbers)}{kind}", *numbers)
        if len(content) > 4:
            rest, content = rest + content, struct.pack(f"{sign}I", start + len(rest))
        head = struct.pack(f"{sign}HHI", tag, kinds[kind], len(numbers))
        directory += head + content.ljust(4, b"\0")
    magic = (b"II*\0" if sign == "<" else b"MM\0*") + struct.pack(f"{sign}I", 8)
    return magic + directory + bytes(4) + rest.ljust(64, b"\0") + pixels


def painted() -> bytes:
    layer = np.zeros((*GRAY.shape, 4), np.uint8)
    layer[MASK] = (220, 30, 30, 255)
    return saved(layer)


def folder(path: Path) -> None:
    path.mkdir()
    (path / "inside the folder.png").write_bytes(saved())


def restored_before(path: Path) -> None:
    write_image_file(path, COLOR, Metadata(Image.Exif(), None, None, ()))


def link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


class Kind(NamedTuple):
    """An odd file.

    Attributes:
        name: in the album; with a leading `/`, beside the album and an argument of its own.
        make: its bytes, or a function that writes it.
        becomes: the result: restored, failed, or skipped without a message.
        message: a regular expression of its warnings and its error; empty if there are none.
        mask: bytes of its mask, where it has one.
    """

    name: str
    make: bytes | Callable[[Path], None]
    becomes: str = "restored"
    message: str = ""
    mask: bytes | None = None


NOT_ONE = "^is no picture, expected PNG, JPEG, WebP, TIFF, BMP, GIF, JPEG 2000, AVIF, PNM, TGA or"
FAILED, SKIPPED = "failed", "skipped"
NO_HEIF = r"^is HEIC, which needs pillow-heif: pip install 'rechroma\[heif\]'$"
JPEG, PROGRESSIVE = (saved(kind="JPEG", quality=95, progressive=each) for each in (False, True))
FEW = "^uses only levels to .* of its 16 bits, which were taken for"
# Title, samples, tags, message: each in both byte orders.
DEPTHS = (
    ("8-bit white is zero", 255 - GRAY, {"white_is_zero": True}, ""),
    ("16-bit white is zero", 65535 - DEEP, {"white_is_zero": True}, ""),
    (
        "32-bit white is zero",
        2**32 - 1 - DEEP.astype(np.uint32) * 65537,
        {"white_is_zero": True},
        "",
    ),
    ("12 of 16 bits", DEEP >> 4, {}, f"{FEW} 12 bits$"),
    ("10 of 16 bits", DEEP >> 6, {}, f"{FEW} 10 bits$"),
    ("8 of 16 bits", DEEP >> 8, {}, f"{FEW} 8 bits$"),
    ("12 of 16 bits as stated", DEEP >> 4, {"smin": 0, "smax": 4095}, ""),
    ("16-bit signed", (DEEP >> 1).astype(np.int16), {}, "^16 signed bits, black was taken for 0$"),
    (
        "16-bit signed, black below 0",
        (DEEP.astype(np.int32) - 32768).astype(np.int16),
        {},
        "^16 signed bits, black was taken for -32768$",
    ),
    ("8-bit signed", (GRAY.astype(np.int16) - 128).astype(np.int8), {}, "taken for -128$"),
    ("32-bit unsigned", DEEP.astype(np.uint32) * 65537, {}, ""),
    ("64-bit floating-point", DEEP / 65535, {}, "white was taken for 1$"),
)
GRAY_PROFILE = SRGB[:16] + b"GRAY" + SRGB[20:]
CMYK_PROFILE = SRGB[:16] + b"CMYK" + SRGB[20:]
ADOBE = SRGB[:4] + b"ADBE" + SRGB[8:]

KINDS = {
    # Formats and modes
    "gray PNG": Kind("gray.png", saved()),
    "gray BMP": Kind("bitmap.bmp", saved(kind="BMP")),
    "gray TIFF, compressed": Kind("lzw.tif", saved(kind="TIFF", compression="tiff_lzw")),
    "lossless WebP": Kind("lossless.webp", saved(kind="WEBP", lossless=True)),
    "PNG in RGB that is gray": Kind("rgb.png", saved(mode="RGB")),
    "PNG in color": Kind(
        "color.png", saved(COLOR), message="^looks like a color photograph: keeping"
    ),
    "JPEG saved after the damage": Kind("late.jpg", saved(kind="JPEG"), message=LATE),
    "progressive JPEG": Kind("progressive.jpg", saved(kind="JPEG", progressive=True), message=LATE),
    "CMYK JPEG": Kind("cmyk.jpg", saved(kind="JPEG", mode="CMYK"), message=LATE),
    "CMYK TIFF": Kind("cmyk-lzw.tif", saved(kind="TIFF", mode="CMYK")),
    "palette PNG": Kind("palette.png", saved(mode="P")),
    "palette PNG with a transparent color": Kind(
        "palette-clear.png",
        saved(mode="P", transparency=200),
        message="^transparent parts were filled with white$",
    ),
    "1-bit PNG": Kind("1-bit.png", saved(mode="1"), message=NO_DAMAGE),
    "gray PNG with opacity, half transparent": Kind(
        "half.png",
        saved(np.dstack([GRAY, np.full_like(GRAY, 128)])),
        message="^transparent parts were filled with white$",
    ),
    "RGBA PNG, wholly opaque": Kind("opaque.png", saved(mode="RGBA")),
    "palette PNG of colors": Kind(
        "palette-color.png", saved(COLOR, mode="P"), message="; looks like a color photograph"
    ),
    "sepia PNG": Kind("sepia.png", saved(SEPIA), message=TONED),
    "yellowed JPEG": Kind(
        "yellowed.jpg", saved(SEPIA, "JPEG"), message=f"after it was damaged; {TONED[1:]}"
    ),
    "photograph in a white border": Kind(
        "border.png",
        saved(np.pad(GRAY, ((8, 8), (8, 8)), constant_values=250)),
        message="^its border stays gray; --crop cuts it off$",
    ),
    # Depths
    "16-bit gray PNG": Kind("16-bit.png", deep(".png", GRAY)),
    "16-bit gray TIFF": Kind("16-bit-tiff.tif", deep(".tif", GRAY)),
    "16-bit RGB PNG": Kind("16-bit-rgb.png", deep(".png", np.dstack([GRAY] * 3))),
    "16-bit RGB TIFF": Kind("16-bit-rgb-tiff.tif", deep(".tif", np.dstack([GRAY] * 3))),
    "16-bit RGB PNG in color": Kind(
        "16-bit-color.png", deep(".png", COLOR), message="^looks like a color photograph"
    ),
    "16-bit RGB TIFF of LZW": Kind(
        "16-bit-lzw.tif",
        cv2.imencode(".tif", DEEP_COLOR, [cv2.IMWRITE_TIFF_COMPRESSION, 5])[1].tobytes(),
        message="^looks like a color photograph",
    ),
    "16-bit gray PNG with opacity": Kind(
        "16-bit-opaque.png", png(np.dstack([DEEP, DEEP * 0 + 65535]), color_type=4)
    ),
    "16-bit PGM": Kind("pgm-16-bit.pgm", b"P5 64 48 65535\n" + DEEP.astype(">u2").tobytes()),
    "12-bit PGM": Kind("pgm-12-bit.pgm", b"P5 64 48 4095\n" + (DEEP >> 4).astype(">u2").tobytes()),
    **{
        f"{title} TIFF, {order}": Kind(
            f"{title.replace(' ', '-')}-{order}.tif", tiff(values, order, **tags), message=message
        )
        for order in ("little-endian", "big-endian")
        for title, values, tags, message in DEPTHS
    },
    "12-bit TIFF, packed": Kind("12-bit-packed.tif", tiff(packed(DEEP >> 4, 12), bits=12)),
    "12 of 16 bits in a PNG that says so": Kind("png-12-bit.png", png(DEEP >> 4, sbit=12)),
    "12 of 16 bits in a PNG that does not": Kind(
        "12-of-16-bits.png", png(DEEP >> 4), message="^uses only levels to .* taken for 12 bits$"
    ),
    "8 of 16 bits in a PNG": Kind(
        "8-of-16-bits.png", png(DEEP >> 8), message="^uses only levels to .* taken for 8 bits$"
    ),
    "32-bit TIFF of values to 255": Kind(
        "32-bit.tif", saved(GRAY.astype(np.int32), "TIFF"), message="taken for 8 bits$"
    ),
    "32-bit TIFF of values to 65535": Kind(
        "32-bit-deep.tif", saved(GRAY.astype(np.int32) * 257, "TIFF"), message="for 16 bits$"
    ),
    "floating-point TIFF of 0 to 1": Kind(
        "float-1.tif", saved(GRAY / np.float32(255), "TIFF"), message="white was taken for 1$"
    ),
    "floating-point TIFF of 0 to 255": Kind(
        "float.tif", saved(GRAY.astype(np.float32), "TIFF"), message="white was taken for 255$"
    ),
    "floating-point TIFF that states its range": Kind(
        "float-stated.tif", tiff(GRAY * np.float32(30), smin=0.0, smax=7650.0)
    ),
    "floating-point TIFF of any range": Kind(
        "float-any.tif",
        saved(GRAY * np.float32(1e4), "TIFF"),
        FAILED,
        "^holds floating-point values from .*, expected 0 to 1, or SMinSampleValue",
    ),
    # Channels
    "8-bit TIFF of gray and an unnamed channel": Kind(
        "unnamed.tif", tiff(np.dstack([GRAY, GRAY])), message="^1 unnamed channel ignored$"
    ),
    "16-bit TIFF of gray and opacity": Kind(
        "gray-alpha.tif", tiff(np.dstack([DEEP, DEEP * 0 + 65535]), extra=2)
    ),
    "TIFF of two channels in a kind that cannot be read": Kind(
        "lzw-channels.tif",
        tiff(np.dstack([DEEP, DEEP]), compression=5),
        FAILED,
        "^is a TIFF of 2 channels of 16 bits, compression LZW, .* save it without compression$",
    ),
    "raw file of a camera called .tif": Kind(
        "raw.tif", tiff(GRAY, dng=True), FAILED, "^is a raw file of a camera"
    ),
    "raw file of a camera": Kind("raw.nef", tiff(GRAY), SKIPPED),
    "raw file of a camera, given by its name": Kind(
        "/named-raw.nef", tiff(GRAY), FAILED, "^is a raw file of a camera"
    ),
    "BMP with opacity 0 everywhere": Kind(
        "hidden-bmp.bmp",
        bmp(np.dstack([GRAY] * 3 + [GRAY * 0])),
        message="^opacity that hides the whole picture was ignored$",
    ),
    "PNG with opacity 0 everywhere": Kind(
        "hidden-png.png",
        saved(np.dstack([GRAY, GRAY * 0])),
        message="^opacity that hides the whole picture was ignored$",
    ),
    "16-bit PNG with opacity 0 everywhere": Kind(
        "hidden-16.png",
        png(np.dstack([DEEP, DEEP * 0]), color_type=4),
        message="^opacity that hides the whole picture was ignored$",
    ),
    # Several pictures
    "animated WebP": Kind(
        "animated.webp",
        frames("WEBP", lossless=True),
        message="^only the first of 3 frames was restored$",
    ),
    "animated PNG": Kind(
        "animated-png.png", frames("PNG"), message="^only the first of 3 frames was restored$"
    ),
    "TIFF of several pages": Kind(
        "pages.tif", frames("TIFF"), message="^only the first of 3 frames was restored$"
    ),
    "JPEG of several pictures (MPO)": Kind(
        "mpo.jpg",
        frames("MPO"),
        message="^only the first of 3 frames was restored; the file was saved as JPEG after",
    ),
    # Other formats
    "GIF": Kind("still.gif", saved(kind="GIF")),
    "GIF called .png": Kind("gif.png", saved(kind="GIF")),
    "GIF of several frames": Kind(
        "moving.gif", frames("GIF"), message="^only the first of 3 frames was restored$"
    ),
    "JPEG 2000": Kind("jp2.jp2", saved(kind="JPEG2000")),
    "JPEG 2000 of 16 bits": Kind("jp2-16-bit.jp2", saved(DEEP, kind="JPEG2000")),
    "AVIF": Kind("lossy.avif", saved(kind="AVIF", quality=90)),
    "PGM": Kind("pgm.pgm", saved(kind="PPM")),
    "PBM": Kind("pbm.pbm", saved(kind="PPM", mode="1"), message=NO_DAMAGE),
    "TGA": Kind("tga.tga", saved(kind="TGA")),
    "DIB": Kind("dib.dib", saved(kind="DIB")),
    "JPEG called .jfif": Kind("jfif.jfif", saved(kind="JPEG"), message=LATE),
    "JPEG called .jpe": Kind("jpe.jpe", saved(kind="JPEG"), message=LATE),
    "JPEG called .JPG_large": Kind("large.JPG_large", saved(kind="JPEG"), message=LATE),
    "TIFF called .tif_1": Kind("tif-1.tif_1", saved(kind="TIFF")),
    "HEIC without pillow-heif": Kind("heic.heic", HEIC, FAILED, NO_HEIF),
    "HEIC called .jpg": Kind("phone.jpg", HEIC, FAILED, NO_HEIF),
    "PDF called .png": Kind("letter.png", b"%PDF-1.7\n" + bytes(300), FAILED, NOT_ONE),
    "SVG called .png": Kind("drawing.png", b"<svg xmlns=''/>", FAILED, NOT_ONE),
    # Names
    "PNG called .jpg": Kind("wrong-suffix.jpg", saved()),
    "suffix in capitals": Kind("CAPITALS.PNG", saved()),
    "no suffix, in a folder": Kind("no-suffix", saved()),
    "no suffix, given by its name": Kind("/named-without-suffix", saved()),
    "name in Korean": Kind("할머니의 사진.png", saved()),
    "name with spaces and quotes": Kind('grandma\'s  "best" one .png', saved()),
    "name with an emoji": Kind("👵🏽📷.png", saved()),
    "name with a line break": Kind("two\nlines.png", saved()),
    "name that begins with a dash": Kind("--out.png", saved()),
    "name of 255 bytes": Kind("x" * 251 + ".png", saved()),
    "hidden file": Kind(".hidden.png", saved(), SKIPPED),
    "what macOS leaves beside a photograph": Kind("._gray.png", b"\0\5\26\7", SKIPPED),
    "notes": Kind("notes.txt", b"To Grandma, 1931", SKIPPED),
    "notes, given by their name": Kind("/named-notes.txt", b"To Grandma", FAILED, NOT_ONE),
    "folder called .png": Kind("folder.png", folder),
    "link to a photograph": Kind("link.png", link("gray.png")),
    "link to nothing": Kind("broken-link.png", link("gone.png"), FAILED, "^is missing$"),
    "link to itself": Kind("loop.png", link("loop.png"), FAILED, CUT),
    "file that may not be read": Kind("unreadable.png", saved(), FAILED, CUT),
    "pipe called .png": Kind(
        "pipe.png", os.mkfifo, FAILED, "^is no picture but a pipe or a device"
    ),
    "link to a device": Kind("device.png", link("/dev/zero"), FAILED, "^is no picture but a pipe"),
    # Contents
    "empty file": Kind("empty.png", b"", FAILED, "^is empty$"),
    "text called .jpg": Kind("text.jpg", b"To Grandma, 1931", FAILED, NOT_ONE),
    "JPEG cut off": Kind(
        "cut-jpeg.jpg",
        JPEG[: 2 * len(JPEG) // 3],
        message="^the JPEG is cut off; .*% of its rows .from row .* on. could not be decoded",
    ),
    "JPEG cut off before its pixels": Kind("cut-header.jpg", JPEG[:300], FAILED, CUT),
    "JPEG without its last two bytes": Kind(
        "no-end.jpg", JPEG[:-2], message="^the JPEG is cut off; all of the picture could be decoded"
    ),
    "JPEG with a damaged marker": Kind(
        "marker.jpg",
        with_bytes(JPEG, 2 * len(JPEG) // 3, b"\xff\xd3"),
        message="^the JPEG has a damaged marker at byte .* could not be decoded",
    ),
    "JPEG that ends too early": Kind(
        "early-end.jpg",
        with_bytes(JPEG, 2 * len(JPEG) // 3, b"\xff\xd9"),
        message="^the JPEG has a damaged marker at byte .* could not be decoded",
    ),
    "progressive JPEG cut off": Kind(
        "cut-progressive.jpg",
        PROGRESSIVE[: len(PROGRESSIVE) // 2],
        message="^the JPEG is cut off; .* lack detail; no damage found, color only$",
    ),
    "JPEG with a film behind it": Kind("film.jpg", JPEG + b"film" * 99, message=LATE),
    "PNG with a broken text": Kind(
        "broken-text.png",
        png_with(b"tEXt", b"Title\0Grandma", checksum=b"\0\0\0\0"),
        message="^its tEXt chunk is broken .wrong checksum. and was ignored$",
    ),
    "PNG with a large text": Kind(
        "large-text.png", png_with(b"zTXt", b"Title\0\0" + zlib.compress(bytes(2 << 20)))
    ),
    "PNG with a huge text": Kind(
        "huge-text.png",
        png_with(b"zTXt", b"Title\0\0" + zlib.compress(bytes(20 << 20))),
        message="^its zTXt chunk is broken .more than 16 MB. and was ignored$",
    ),
    "PNG with a large profile": Kind(
        "large-profile.png",
        png_with(b"iCCP", b"big\0\0" + zlib.compress(SRGB + bytes(2 << 20))),
    ),
    "PNG with a broken profile": Kind(
        "cut-profile.png",
        png_with(b"iCCP", b"cut\0\0" + zlib.compress(SRGB)[:99]),
        message="^its iCCP chunk is broken .cut off. and was ignored$",
    ),
    "PNG with a wrong checksum of its pixels": Kind(
        "pixels.png",
        wrong_pixel_checksum(),
        message="^its pixels have a wrong checksum, some of them may be wrong$",
    ),
    "PNG with a broken header": Kind(
        "header.png",
        with_bytes(saved(), 29, b"\0\0\0\0"),
        FAILED,
        "^is a broken PNG file: broken PNG file .bad header checksum",
    ),
    "PNG cut off": Kind("cut.png", saved()[:900], FAILED, CUT),
    "TIFF cut off": Kind("cut-tiff.tif", saved(kind="TIFF")[:900], FAILED, CUT),
    "16-bit TIFF cut off": Kind("cut-deep.tif", tiff(DEEP)[:900], FAILED, CUT),
    "header of 30000x30000 px": Kind(
        "bomb.png",
        claiming(30_000, 30_000),
        FAILED,
        "^is 30000x30000 px, expected at most 200 megapixels$",
    ),
    "header of 13000x13000 px without the pixels": Kind(
        "large-header.png", claiming(13_000, 13_000), FAILED, CUT
    ),
    "1x1 px": Kind("1x1.png", saved(GRAY[:1, :1]), message=NO_DAMAGE),
    "1x2000 px": Kind("1x2000.png", saved(NOISE), message=NO_DAMAGE),
    "2000x1 px": Kind("2000x1.png", saved(NOISE.T), message=NO_DAMAGE),
    "all of one gray": Kind("one-gray.png", saved(np.full_like(GRAY, 90)), message=NO_DAMAGE),
    "all black": Kind("black.png", saved(np.zeros_like(GRAY)), message=NO_DAMAGE),
    "all white": Kind("white.png", saved(np.full_like(GRAY, 255)), message=NO_DAMAGE),
    "restored by rechroma before": Kind(
        "before.png", restored_before, message="^looks like a color photograph"
    ),
    "restored by rechroma before, in the folder of --out": Kind(
        "restored/before-too.png", restored_before, SKIPPED
    ),
    # Metadata
    "turned by EXIF": Kind("turned.png", turned(6)),
    "turned and mirrored by EXIF": Kind("mirrored.png", turned(7)),
    "broken EXIF": Kind(
        "broken-exif.png",
        saved(exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"),
        message="^broken parts of the EXIF not copied$",
    ),
    "no EXIF where EXIF should be": Kind(
        "no-exif.png", saved(exif=b"Exif\0\0nothing at all"), message="^broken EXIF not copied$"
    ),
    "color profile of sRGB": Kind("srgb.png", saved(mode="RGB", icc_profile=SRGB)),
    "color profile of Adobe RGB": Kind("adobe.png", saved(mode="RGB", icc_profile=ADOBE)),
    "color profile of gray": Kind(
        "gray-profile.png",
        saved(icc_profile=GRAY_PROFILE),
        message="^color profile of kind GRAY not copied, the restored photograph is RGB$",
    ),
    "color profile of CMYK": Kind(
        "cmyk-profile.tif",
        saved(kind="TIFF", mode="CMYK", icc_profile=CMYK_PROFILE),
        message="^color profile of kind CMYK not copied",
    ),
    "broken color profile": Kind(
        "broken-profile.png", saved(icc_profile=b"short"), message="^color profile of kind unknown"
    ),
    # Masks, given with --mask
    "mask, white where lost": Kind("white-mask.png", saved(), mask=saved(MASK)),
    "mask, black where lost": Kind("black-mask.png", saved(), mask=saved(~MASK)),
    "mask, painted on a transparent layer": Kind("painted-mask.png", saved(), mask=painted()),
    "mask saved as JPEG": Kind("jpeg-mask.png", saved(), mask=saved(MASK, "JPEG", mode="L")),
    "mask of an empty file": Kind("empty-mask.png", saved(), FAILED, "^its mask is empty$", b""),
    "mask of text": Kind("text-mask.png", saved(), FAILED, "^its mask is no picture", b"text"),
    "mask of another size": Kind(
        "small-mask.png",
        saved(),
        FAILED,
        "^its mask is 64x47 px, expected 64x48 px$",
        saved(MASK[:47]),
    ),
    "mask as light as dark": Kind(
        "half-mask.png",
        saved(),
        FAILED,
        "^its mask: 50% of the mask is light, .* --mask-polarity white or black$",
        saved(np.tile([[False, True]], (48, 32))),
    ),
    "mask all black": Kind(
        "black-all-mask.png",
        saved(),
        message="^its mask is empty, color only$",
        mask=saved(MASK & False),
    ),
    "mask all white": Kind(
        "white-all-mask.png",
        saved(),
        message="^its mask is empty, color only$",
        mask=saved(MASK | True),
    ),
    "mask that is not there": Kind(
        "lonely.png",
        saved(),
        FAILED,
        "^masks holds no mask for it, expected lonely.png there",
        None,
    )._replace(mask=bytes(1)),
}
MISSING_MASK = "mask that is not there"


class Outcome(NamedTuple):
    """The result of a file; `message` without paths and without Pillow's own message."""

    becomes: str
    message: str
    source: Path
    target: Path
    lost: float


class Album(NamedTuple):
    """The result of the album: exit codes, standard error, and the outcome of each file."""

    code: object
    shown: str
    outcomes: dict[str, Outcome]
    before: dict[str, bytes]
    desk: Path


def path_of(kind: Kind) -> Path:
    if kind.mask is not None:
        return Path("masked") / kind.name
    return Path(kind.name[1:]) if kind.name.startswith("/") else Path("album") / kind.name


def contents(top: Path) -> dict[str, bytes]:
    """The content of every file below `top`, by its path."""
    return {
        path.relative_to(top).as_posix(): path.read_bytes()
        for path in sorted(top.rglob("*"))
        if path.is_file()
    }


def deny(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Deny reading a file; permissions do not, as tests in containers run as root."""
    real = Path.open

    def opened(path, *arguments, **options):
        if path.name == name:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", opened)


def row_of(kind: Kind, rows: dict[str, dict]) -> Outcome:
    source = path_of(kind)
    if kind.make is folder:
        source /= "inside the folder.png"
    row = rows.get(str(source))
    if row is None:
        return Outcome(SKIPPED, "", source, source, 0.0)
    message = "; ".join([*row["warnings"], *row["notes"], *filter(None, [row["error"]])])
    mask = Path("masks") / f"{source.stem}.png"
    message = message.replace(f"{source}: ", "").replace(f"its mask {mask}", "its mask")
    message = message.replace(f"{mask}: is", "its mask is").replace(f"{mask}:", "its mask:")
    message = re.sub("cannot be read: .*", "cannot be read: …", message, flags=re.DOTALL)
    return Outcome(row["status"], message, source, Path(row["restored"]), row["lost"])


@pytest.fixture(scope="module")
def album(tmp_path_factory, tiny_settings, outspoken):
    """All odd files, restored by the command: those with masks by a second call."""
    desk = tmp_path_factory.mktemp("desk")
    settings = tiny_settings(**{"restore.size": 64, "model.hues": False})
    save_model(outspoken(settings), settings.restore, desk / "tiny")
    shown = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(shown):
        patch.chdir(desk)
        named = []
        for name in ("album/restored", "masked", "masks"):
            Path(name).mkdir(parents=True)
        for title, kind in KINDS.items():
            path = path_of(kind)
            if isinstance(kind.make, bytes):
                path.write_bytes(kind.make)
            else:
                kind.make(path)
            if kind.mask is not None and title != MISSING_MASK:
                (Path("masks") / f"{path.stem}.png").write_bytes(kind.mask)
            named += [str(path)] if kind.name.startswith("/") else []
        before = contents(desk)
        deny(patch, "unreadable.png")
        patch.setitem(sys.modules, "pillow_heif", None)  # as without the extra
        codes, rows = [], {}
        for *chosen, report in (
            ("album", *named, "--out", "album/restored", "album.json"),
            ("masked", "--mask", "masks", "--out", "masked-restored", "masked.json"),
        ):
            with pytest.raises(SystemExit) as end:
                main(["restore", *chosen, "--model", "tiny", "--report", report])
            codes.append(end.value.code)
            assert Path(report).exists(), shown.getvalue()
            content = json.loads(Path(report).read_text(encoding="utf-8"))
            rows |= {row["photo"]: row for row in content["photographs"]}
    outcomes = {title: row_of(kind, rows) for title, kind in KINDS.items()}
    return Album(codes, shown.getvalue(), outcomes, before, desk)


@pytest.mark.parametrize("title", KINDS)
def test_an_odd_file_has_the_expected_result_and_message(album, title):
    kind, outcome = KINDS[title], album.outcomes[title]
    assert outcome.becomes == kind.becomes, outcome
    assert re.search(kind.message, outcome.message) if kind.message else not outcome.message, (
        outcome
    )


@pytest.mark.parametrize("title", [title for title in KINDS if KINDS[title].becomes == "restored"])
def test_a_restored_photograph_has_its_size_and_keeps_the_known_gray(album, title):
    outcome = album.outcomes[title]
    target = read_image_file(album.desk / outcome.source).pixels
    again = read_image_file(album.desk / outcome.target).pixels
    target, again = (each if each.ndim == 2 else to_luma(each) for each in (target, again))
    assert (again.shape, again.dtype) == (target.shape, target.dtype)
    assert (again == target).mean() >= 1 - outcome.lost - 1e-6
    assert is_restored(album.desk / outcome.target)


@pytest.mark.parametrize(("title", "turns"), [("turned by EXIF", 3), ("gray PNG", 0)])
def test_a_photograph_turned_by_exif_is_restored_upright(album, title, turns):
    with Image.open(album.desk / album.outcomes[title].target) as picture:
        again = np.asarray(picture.convert("L"))
    known = np.rot90(~MASK, turns)
    np.testing.assert_array_equal(again[known], np.rot90(GRAY, turns)[known])


def test_all_failures_are_named_and_set_the_exit_code(album):
    assert album.code == [1, 1]
    assert "Traceback" not in album.shown
    assert "internal error" not in album.shown
    failed = [each for each in album.outcomes.values() if each.becomes == FAILED]
    named = [line for line in album.shown.splitlines() if line.startswith("rechroma: ")]
    assert len(named) == len(failed)


def test_no_input_is_changed_and_no_output_is_half_written(album):
    after = contents(album.desk)
    assert {name: after[name] for name in album.before} == album.before
    made = {
        each.target.as_posix() for each in album.outcomes.values() if each.becomes == "restored"
    }
    indexes = {"album/restored/.rechroma.json", "masked-restored/.rechroma.json"}
    assert set(after) - set(album.before) == made | indexes | {"album.json", "masked.json"}


def test_rgb_profiles_are_copied(album):
    for title, profile in (("color profile of sRGB", SRGB), ("color profile of Adobe RGB", ADOBE)):
        with Image.open(album.desk / album.outcomes[title].target) as picture:
            assert picture.info["icc_profile"] == profile


def page(outcomes: dict[str, Outcome]) -> str:
    lines = [f"| {title} | {each.becomes} | {each.message} |" for title, each in outcomes.items()]
    return HEAD + "\n".join(lines) + "\n"


def test_the_page_of_odd_files_lists_the_results(album):
    text = page(album.outcomes)
    if os.environ.get("RECHROMA_WRITE_DOCS"):
        PAGE.write_text(text, encoding="utf-8")
    assert text == PAGE.read_text(encoding="utf-8"), (
        "docs/odd-files.md is out of date: run this file with RECHROMA_WRITE_DOCS=1"
    )


def test_a_name_that_is_not_utf_8_is_restored_and_reported(tmp_path, album, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"album/caf\xe9.png")
    Path("album").mkdir()
    try:
        Path(name).write_bytes(saved())
    except OSError:
        pytest.skip("this file system takes no such names")
    with pytest.raises(SystemExit) as end:
        main(
            [
                *("restore", "album", "--out", "new", "--report", "report.json"),
                *("--model", str(album.desk / "tiny")),
            ]
        )
    assert end.value.code == 0
    (row,) = json.loads(Path("report.json").read_text(encoding="utf-8"))["photographs"]
    assert row["photo"] == name
    assert Path(row["restored"]).exists()
