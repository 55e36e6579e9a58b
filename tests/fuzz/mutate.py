"""Image files broken at random: bytes, chunks, tags, markers, sizes, and decompression bombs."""

import struct
import zlib
from collections.abc import Callable

import numpy as np

from .png import join_png, split_png

Rng = np.random.Generator
Mutation = Callable[[bytes, Rng], bytes]
EDGES = (
    0,
    1,
    2,
    7,
    8,
    127,
    255,
    256,
    32767,
    32768,
    65535,
    65536,
    2**24,
    2**31 - 1,
    2**31,
    2**32 - 1,
)
SIZES = (0, 1, 3, 47, 65, 300, 3_000, 14_000, 65_535, 2**31 - 1)
TAGS = (256, 257, 258, 259, 262, 273, 277, 278, 279, 317, 339, 34665)  # of TIFF
BOMB = 40 << 20  # bytes, decompressed


def _at(content: bytes, rng: Rng, room: int = 1) -> int:
    """A random position that favors the header, in which nearly all meaning is."""
    top = max(1, len(content) - room)
    return int(rng.integers(0, min(top, 256) if rng.random() < 0.6 else top))


def _put(content: bytes, start: int, others: bytes) -> bytes:
    return content[:start] + others + content[start + len(others) :]


def flip_bits(content: bytes, rng: Rng) -> bytes:
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 9))):
        changed[_at(content, rng)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def change_bytes(content: bytes, rng: Rng) -> bytes:
    count = int(rng.integers(1, 17))
    return _put(content, _at(content, rng, count), rng.bytes(count))


def set_number(content: bytes, rng: Rng) -> bytes:
    """A number at a limit of its type, in either byte order."""
    width = int(rng.choice([1, 2, 4]))
    number = int(rng.choice(EDGES)) & (2 ** (8 * width) - 1)
    order = "big" if rng.random() < 0.5 else "little"
    return _put(content, _at(content, rng, width), number.to_bytes(width, order))


def cut_off(content: bytes, rng: Rng) -> bytes:
    return content[: int(rng.integers(0, len(content)))]


def cut_start(content: bytes, rng: Rng) -> bytes:
    return content[_at(content, rng) :]


def delete_block(content: bytes, rng: Rng) -> bytes:
    start = _at(content, rng)
    return content[:start] + content[start + int(rng.integers(1, 200)) :]


def repeat_block(content: bytes, rng: Rng) -> bytes:
    start = _at(content, rng)
    end = start + int(rng.integers(1, 200))
    return content[:end] + content[start:end] * int(rng.integers(1, 20)) + content[end:]


def zero_block(content: bytes, rng: Rng) -> bytes:
    start = _at(content, rng)
    return _put(content, start, bytes(min(int(rng.integers(1, 400)), len(content) - start)))


def append_bytes(content: bytes, rng: Rng) -> bytes:
    return content + rng.bytes(int(rng.integers(1, 5000)))


ANY: tuple[Mutation, ...] = (
    *(flip_bits, change_bytes, set_number, cut_off, cut_start),
    *(delete_block, repeat_block, zero_block, append_bytes),
)


def png_chunks(content: bytes, rng: Rng) -> bytes:
    """Chunks swapped, repeated, deleted, renamed, changed inside; checksums right or wrong."""
    parts = split_png(content)
    one, other = (int(rng.integers(len(parts))) for _ in range(2))
    kind, body = parts[one]
    match int(rng.integers(6)):
        case 0:
            parts[one], parts[other] = parts[other], parts[one]
        case 1:
            parts.insert(other, parts[one])
        case 2:
            del parts[one]
        case 3:
            parts[one] = (bytes(rng.choice(NAMES)), body)
        case 4:
            parts[one] = (kind, change_bytes(body, rng) if body else rng.bytes(9))
        case _:
            parts.insert(other, (bytes(rng.choice(NAMES)), rng.bytes(int(rng.integers(0, 60)))))
    return join_png(parts, wrong=one if rng.random() < 0.3 else None)


NAMES = tuple(
    name.encode()
    for name in (
        *("IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "cHRM", "iCCP", "sBIT", "sRGB", "pHYs"),
        *("tEXt", "zTXt", "iTXt", "eXIf", "tIME", "bKGD", "hIST", "acTL", "fcTL", "fdAT", "xXxX"),
    )
)


def png_header(content: bytes, rng: Rng) -> bytes:
    """Another size, depth, color or interlacing in the header, its checksum right."""
    parts = split_png(content)
    fields = list(struct.unpack(">IIBBBBB", parts[0][1][:13]))
    if rng.random() < 0.6:
        fields[:2] = (int(rng.choice(SIZES)) for _ in range(2))
    else:
        fields[int(rng.integers(2, 7))] = int(rng.choice([0, 1, 2, 3, 4, 6, 8, 16, 32, 255]))
    parts[0] = (b"IHDR", struct.pack(">IIBBBBB", *fields))
    return join_png(parts)


def png_bomb(content: bytes, rng: Rng) -> bytes:
    """Side data or pixels that decompress to 40 MB."""
    parts = split_png(content)
    packed = zlib.compress(bytes(BOMB), 9)
    kind, head = [
        (b"zTXt", b"Comment\0\0"),
        (b"iTXt", b"Comment\0\1\0\0\0"),
        (b"iCCP", b"ICC\0\0"),
        (b"IDAT", b""),
    ][int(rng.integers(4))]
    at = next(index for index, part in enumerate(parts) if part[0] == b"IDAT")
    if kind == b"IDAT":
        parts[at] = (kind, packed)
    else:
        parts.insert(at, (kind, head + packed))
    return join_png(parts)


def jpeg_markers(content: bytes, rng: Rng) -> bytes:
    """A marker renamed, its length or content changed, a segment deleted or repeated."""
    starts = [
        at for at in range(len(content) - 4) if content[at] == 0xFF and content[at + 1] > 0xBF
    ]
    at = starts[int(rng.integers(min(len(starts), 24)))]
    end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    match int(rng.integers(6)):
        case 0:
            return _put(content, at + 1, bytes([int(rng.integers(0xC0, 0xFF))]))
        case 1:
            return _put(content, at + 2, int(rng.integers(0, 65536)).to_bytes(2, "big"))
        case 2:
            return content[:at] + content[end:]
        case 3:
            return content[:end] + content[at:end] * int(rng.integers(1, 4)) + content[end:]
        case 4:
            return _put(content, at + 4 + int(rng.integers(0, 20)), rng.bytes(1))
        case _:
            inside = int(rng.integers(at, len(content)))
            return _put(content, inside, bytes([0xFF, int(rng.integers(0xC0, 0xFF))]))


def jpeg_size(content: bytes, rng: Rng) -> bytes:
    """Another size in the frame's header."""
    for code in (0xC0, 0xC2):
        at = content.find(bytes([0xFF, code, 0, 11])), content.find(bytes([0xFF, code, 0, 17]))
        if max(at) >= 0:
            sides = (min(int(rng.choice(SIZES)), 65535) for _ in range(2))
            return _put(content, max(at) + 5, struct.pack(">HH", *sides))
    return set_number(content, rng)


def _first_directory(content: bytes) -> tuple[str, int, int] | None:
    """Byte order, position and number of entries of a TIFF's first directory; None of a BigTIFF."""
    if content[2:4] in (b"+\0", b"\0+"):
        return None
    order = "<" if content[:2] == b"II" else ">"
    (start,) = struct.unpack(order + "I", content[4:8])
    (count,) = struct.unpack(order + "H", content[start : start + 2])
    return order, start, count


def tiff_tags(content: bytes, rng: Rng) -> bytes:
    """Entries of the first directory: another tag, type, count or value."""
    directory = _first_directory(content)
    if directory is None:
        return set_number(content, rng)
    order, start, count = directory
    for _ in range(int(rng.integers(1, 4))):
        entry = start + 2 + 12 * int(rng.integers(count))
        match int(rng.integers(4)):
            case 0:
                tag = int(
                    rng.choice([256, 257, 258, 259, 262, 273, 277, 278, 279, 317, 339, 34665])
                )
                content = _put(content, entry, struct.pack(order + "H", tag))
            case 1:
                content = _put(content, entry + 2, struct.pack(order + "H", rng.integers(0, 20)))
            case 2:
                number = int(rng.choice(EDGES))
                content = _put(content, entry + 4, struct.pack(order + "I", number))
            case _:
                small = int(rng.integers(0, 20)) if rng.random() < 0.5 else int(rng.choice(EDGES))
                content = _put(content, entry + 8, struct.pack(order + "I", small))
    return content


def tiff_size(content: bytes, rng: Rng) -> bytes:
    """Another width or height, or a strip of many rows."""
    directory = _first_directory(content)
    if directory is None:
        return set_number(content, rng)
    order, start, count = directory
    wanted = int(rng.choice([256, 257, 278]))
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        if struct.unpack(order + "H", content[entry : entry + 2]) == (wanted,):
            value = struct.pack(order + "HII", 4, 1, int(rng.choice(SIZES)))
            return _put(content, entry + 2, value)
    return content


def tiff_bomb(content: bytes, rng: Rng) -> bytes:  # noqa: ARG001
    """A strip that decompresses to 40 MB, of a picture of 64x48 px or of a large one."""
    packed = zlib.compress(bytes(BOMB), 9)
    width, height = (64, 48) if rng.random() < 0.5 else (60_000, 60_000)
    bits = int(rng.choice([8, 16]))
    tags = [(256, width), (257, height), (258, bits), (259, 8), (262, 1), (273, 8 + 2 + 120 + 4)]
    tags += [(277, 1), (278, height), (279, len(packed)), (339, 1)]
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + body + bytes(4) + packed


SPECIAL: dict[str, tuple[Mutation, ...]] = {
    ".png": (png_chunks, png_chunks, png_header, png_bomb),
    ".jpg": (jpeg_markers, jpeg_markers, jpeg_size),
    ".tif": (tiff_tags, tiff_tags, tiff_size, tiff_bomb),
}


def mutate(content: bytes, suffix: str, rng: Rng) -> tuple[bytes, str]:
    """The broken file, and the names of the mutations that made it."""
    special = SPECIAL.get(suffix, ())
    if special and rng.random() < 0.6:
        chosen = [special[int(rng.integers(len(special)))]]
    else:
        chosen = [ANY[int(rng.integers(len(ANY)))]]
    while rng.random() < 0.3:
        chosen.append(ANY[int(rng.integers(len(ANY)))])
    for mutation in chosen:
        content = mutation(content, rng) if content else content
    return content, " ".join(mutation.__name__ for mutation in chosen)
