"""PNG by its chunks: broken or oversized side data dropped before decoding, texts read and written.

Pillow and OpenCV refuse a picture for a wrong checksum in a caption, or for a large profile. The
chunks that hold the pixels are left to them.
"""

import io
import struct
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PILLOW_BYTES = 1 << 20  # of a decompressed text or profile, at most, that Pillow reads
MOST_BYTES = 16 << 20  # of a decompressed text or profile, at most, that is read here
PIXEL_PROBLEM = "its pixels have a wrong checksum, some of them may be wrong"
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
XMP_KEY = "XML:com.adobe.xmp"


@dataclass
class PngSideData:
    """What a PNG holds beside its pixels.

    Attributes:
        texts: keyword and text of each text chunk, XMP among them, in their order.
        profile: the ICC profile, or None.
        significant_bits: of the deepest channel before the file was written (sBIT), or None.
        problems: a warning for each chunk that was dropped, and for broken pixels.
        dropped: positions in the file of the chunks that decoders must not see.
    """

    texts: list[tuple[str, str]] = field(default_factory=list)
    profile: bytes | None = None
    significant_bits: int | None = None
    problems: list[str] = field(default_factory=list)
    dropped: set[int] = field(default_factory=set)


def read_side_data(stream: BinaryIO) -> PngSideData:
    """The side data of the PNG in `stream`, whose position is kept. Never raises for bad content.

    >>> picture = SIGNATURE + chunk(b"tEXt", b"Title\\0Grandma") + chunk(b"IEND", b"")
    >>> read_side_data(io.BytesIO(picture)).texts
    [('Title', 'Grandma')]
    """
    data = PngSideData()
    before = stream.tell()
    for position, kind, length in _chunks(stream):
        named = f"{kind.decode('ascii', 'replace')} chunk"
        body, intact = _read_chunk(stream, kind, length)
        if kind[0] & 0x20 == 0:  # a capital letter: needed for the pixels
            if kind == b"IDAT" and not intact and PIXEL_PROBLEM not in data.problems:
                data.problems.append(PIXEL_PROBLEM)
            continue
        if not intact:
            data.problems.append(f"its {named} is broken (wrong checksum) and was ignored")
        elif length > MOST_BYTES or sum(len(text) for _, text in data.texts) > MOST_BYTES:
            data.problems.append(f"its {named} was ignored, it has more than 16 MB of them")
        else:
            try:
                if not _take(data, kind, body):
                    continue
            except (ValueError, IndexError, zlib.error) as error:
                reason = str(error) or "wrong content"
                data.problems.append(f"its {named} is broken ({reason}) and was ignored")
        data.dropped.add(position)
    stream.seek(before)
    return data


def without_chunks(
    stream: BinaryIO, dropped: Collection[int] = (), kinds: Collection[bytes] = ()
) -> BinaryIO:
    """The PNG in `stream` without the chunks at these positions, or of these kinds.

    >>> png = SIGNATURE + chunk(b"tEXt", b"a\\0b") + chunk(b"IEND", b"")
    >>> len(png) - len(without_chunks(io.BytesIO(png), {8}).read())
    15
    """
    cleaned = io.BytesIO()
    start = 0
    stream.seek(0)
    for position, kind, length in _chunks(stream):
        if position in dropped or kind in kinds:
            stream.seek(start)
            cleaned.write(stream.read(position - start))
            start = position + 12 + length
    stream.seek(start)
    cleaned.write(stream.read())
    cleaned.seek(0)
    return cleaned


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG.

    >>> chunk(b"IEND", b"")
    b'\\x00\\x00\\x00\\x00IEND\\xaeB`\\x82'
    """
    checksum = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + checksum


def text_body(keyword: str, text: str) -> bytes:
    """A keyword and a text as the body of an iTXt chunk, compressed if long; XMP never is.

    >>> text_body("Title", "Grandma")
    b'Title\\x00\\x00\\x00\\x00\\x00Grandma'
    """
    body = text.encode("utf-8", "replace")
    packed = len(body) > 4096 and keyword != XMP_KEY
    head = keyword.encode("latin-1", "replace")[:79] + (b"\0\1\0\0\0" if packed else b"\0\0\0\0\0")
    return head + (zlib.compress(body) if packed else body)


def _chunks(stream: BinaryIO) -> Iterator[tuple[int, bytes, int]]:
    """Position, kind and length of each chunk; the stream stands at its body meanwhile."""
    end = stream.seek(0, 2)
    position = len(SIGNATURE)
    while position + 12 <= end:
        stream.seek(position)
        length, kind = struct.unpack(">I4s", stream.read(8))
        if position + 12 + length > end or not kind.isalpha():
            return
        yield position, kind, length
        position += 12 + length


def _read_chunk(stream: BinaryIO, kind: bytes, length: int) -> tuple[bytes, bool]:
    """The first 16 MB of a chunk's body, and whether its checksum is right."""
    body = rest = stream.read(min(length, MOST_BYTES))
    checksum, left = zlib.crc32(rest, zlib.crc32(kind)), length - len(rest)
    while left:
        rest = stream.read(min(left, MOST_BYTES))
        checksum, left = zlib.crc32(rest, checksum), left - len(rest)
    return body, stream.read(4) == struct.pack(">I", checksum)


def _take(data: PngSideData, kind: bytes, body: bytes) -> bool:
    """Read a chunk of side data; whether decoders must not see it."""
    if kind in TEXTS:
        keyword, text, size = _read_text(kind, body)
        data.texts.append((keyword, text))
        return size > PILLOW_BYTES
    if kind == b"iCCP":
        data.profile = inflate(body[body.index(b"\0") + 2 :])
        return len(data.profile) > PILLOW_BYTES
    if kind == b"sBIT":
        data.significant_bits = max(body)
    return False


def _read_text(kind: bytes, body: bytes) -> tuple[str, str, int]:
    """Keyword and text of a text chunk, and the size of the text, bytes."""
    keyword, rest = _split(body)
    if kind == b"tEXt":
        text, encoding = rest, "latin-1"
    elif kind == b"zTXt":
        text, encoding = inflate(rest[1:]), "latin-1"
    else:
        packed = rest[0]
        _, rest = _split(rest[2:])  # language
        _, rest = _split(rest)  # translated keyword
        text, encoding = inflate(rest) if packed else rest, "utf-8"
    return keyword.decode("latin-1"), text.decode(encoding, "replace"), len(text)


def _split(body: bytes) -> tuple[bytes, bytes]:
    end = body.index(b"\0")
    return body[:end], body[end + 1 :]


def inflate(packed: bytes) -> bytes:
    """zlib's decompression, of at most 16 MB.

    Raises:
        ValueError: there is more, or it is cut off.
        zlib.error: it is broken.

    >>> inflate(zlib.compress(b"caption"))
    b'caption'
    """
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(packed, MOST_BYTES)
    if unpacker.unconsumed_tail:
        raise ValueError(f"more than {MOST_BYTES >> 20} MB")
    if not unpacker.eof:
        raise ValueError("cut off")
    return content
