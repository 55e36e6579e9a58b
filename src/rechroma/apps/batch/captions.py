"""Captions of an image file beside EXIF: XMP, IPTC, comments and the texts of PNG."""

import re
import struct
from collections.abc import Iterable
from typing import Any, NamedTuple

from PIL import Image

from rechroma.imaging.decode import OpenedImage
from rechroma.imaging.png_chunks import XMP_KEY

COMMENT = "Comment"  # the keyword of a comment without one
XMP_TAG, IPTC_TAG = 700, 33723  # of TIFF
IPTC_BLOCK = 0x0404  # in Photoshop's part of a JPEG
RAW_IPTC = "Raw profile type iptc"  # ImageMagick's keyword, which ExifTool and exiv2 know
# The pixels of a restored photograph are upright.
ORIENTATION = re.compile(rb"(tiff:Orientation(?:=[\"']|>))\s*[2-8]")
PHOTOSHOP = b"Photoshop 3.0\0"


class Captions(NamedTuple):
    """The captions of an image file.

    Attributes:
        xmp: an XMP packet, or None.
        iptc: IPTC records, or None.
        texts: keyword and text of each comment and PNG text.
    """

    xmp: bytes | None = None
    iptc: bytes | None = None
    texts: tuple[tuple[str, str], ...] = ()


def read_captions(opened: OpenedImage) -> Captions:
    """The captions of an opened image; the orientation in its XMP becomes upright."""
    texts = {key: text for key, text in opened.side_data.texts if key.startswith("Raw profile")}
    plain = [
        (key, text)
        for key, text in opened.side_data.texts
        if key != XMP_KEY and not key.startswith("Raw profile type")
    ]
    info = opened.picture.info
    if (comment := info.get("comment")) and opened.kind != "PNG":
        plain.append((COMMENT, _as_text(comment)))
    xmp = next((text.encode() for key, text in opened.side_data.texts if key == XMP_KEY), None)
    if xmp is None:
        xmp = info.get("xmp")
        xmp = xmp.encode() if isinstance(xmp, str) else xmp
    if xmp is not None:
        xmp = ORIENTATION.sub(rb"\g<1>1", xmp)
    iptc = _iptc(opened.picture) or _unhex(texts.get(RAW_IPTC, ""))
    return Captions(xmp or None, iptc, tuple(plain))


def merge_texts(texts: Iterable[tuple[str, str]]) -> str:
    """Texts with keywords as a single one, for formats that hold no more.

    >>> merge_texts([("Comment", "family, 1957"), ("Author", "E. Kim")])
    'family, 1957\\nAuthor: E. Kim'
    """
    return "\n".join(text if key == COMMENT else f"{key}: {text}" for key, text in texts)


def iptc_segment(iptc: bytes) -> bytes:
    """IPTC records as the APP13 segment of a JPEG.

    >>> iptc_segment(b"abc")[4:17]
    b'Photoshop 3.0'
    """
    block = b"8BIM" + struct.pack(">HHI", IPTC_BLOCK, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
    body = PHOTOSHOP + block
    return b"\xff\xed" + struct.pack(">H", len(body) + 2) + body


def iptc_text(iptc: bytes) -> tuple[str, str]:
    """IPTC records as a keyword and a text of a PNG, in the way of ImageMagick.

    >>> iptc_text(b"abc")
    ('Raw profile type iptc', '\\niptc\\n       3\\n616263\\n')
    """
    digits = iptc.hex()
    lines = "\n".join(digits[start : start + 72] for start in range(0, len(digits), 72))
    return RAW_IPTC, f"\niptc\n{len(iptc):8}\n{lines}\n"


def _unhex(text: str) -> bytes | None:
    """The bytes in a text of `iptc_text`, None if it is none."""
    try:
        _, length, *digits = text.split()
        content = bytes.fromhex("".join(digits))[: int(length)]
    except ValueError:
        return None
    # ImageMagick wraps the records in Photoshop's block.
    start = content.find(b"8BIM\4\4")
    return content if start < 0 else content[start + 12 :]


def _iptc(picture: Image.Image) -> bytes | None:
    photoshop: Any = picture.info.get("photoshop")
    value: Any = photoshop.get(IPTC_BLOCK) if isinstance(photoshop, dict) else None
    if value is None:
        value = getattr(picture, "tag_v2", {}).get(IPTC_TAG)
        if isinstance(value, tuple) and all(isinstance(each, int) for each in value):
            value = struct.pack(f"<{len(value)}I", *value)  # some programs store it as numbers
    return value if isinstance(value, bytes) and value else None


def _as_text(comment: Any) -> str:
    if isinstance(comment, bytes):
        try:
            comment = comment.decode("utf-8")
        except UnicodeDecodeError:
            comment = comment.decode("latin-1")
    return str(comment).rstrip("\0")
