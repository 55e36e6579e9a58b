"""A PNG as its chunks, and back."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
Chunk = tuple[bytes, bytes]


def split_png(content: bytes) -> list[Chunk]:
    """Kind and body of each chunk of a sound PNG."""
    parts, position = [], len(SIGNATURE)
    while position + 12 <= len(content):
        (length,) = struct.unpack(">I", content[position : position + 4])
        body = content[position + 8 : position + 8 + length]
        parts.append((content[position + 4 : position + 8], body))
        position += 12 + length
    return parts


def join_png(parts: list[Chunk], wrong: int | None = None) -> bytes:
    """The PNG of these chunks; that of number `wrong` gets a wrong checksum."""
    written = [SIGNATURE]
    for number, (kind, body) in enumerate(parts):
        checksum = zlib.crc32(kind + body) ^ (number == wrong)
        written += [struct.pack(">I", len(body)), kind, body, struct.pack(">I", checksum)]
    return b"".join(written)
