"""Picture files as bytes and as base64 text."""

import base64
import io
import struct
import zlib

import numpy as np
from PIL import Image


def encoded(photo: np.ndarray, kind: str = "PNG", mode: str = "RGB", **options: object) -> bytes:
    return _saved(Image.fromarray(photo).convert(mode), kind, **options)


def file(picture: np.ndarray, kind: str = "PNG") -> bytes:
    """The file of an array in the mode that its shape and type have."""
    return _saved(Image.fromarray(picture), kind)


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, format=kind, **options)
    return stream.getvalue()


def text(picture: np.ndarray, kind: str = "PNG") -> str:
    return base64.b64encode(file(picture, kind)).decode()


def decode(restored: str) -> np.ndarray:
    """The pixels of a PNG in RGB that is base64 text."""
    picture = Image.open(io.BytesIO(base64.b64decode(restored)))
    assert (picture.format, picture.mode) == ("PNG", "RGB")
    return np.asarray(picture)


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 64))
        + chunk(b"IEND", b"")
    )
