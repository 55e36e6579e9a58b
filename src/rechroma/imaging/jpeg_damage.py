"""JPEG files that are cut off or hold a damaged marker: what of them can be decoded.

libjpeg decodes such files without an error that Pillow passes on, and fills the rest with gray.
"""

import io
import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rechroma.errors import UserError
from rechroma.imaging.pillow_settings import no_pixel_limit
from rechroma.imaging.types import Doubt

MARKER = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)  # within the data of a scan
END = b"\xff\xd9"  # the marker at the end (EOI)
SCAN, START, STOP, INTERVAL, TEMPORARY = 0xDA, 0xD8, 0xD9, 0xDD, 0x01
RESTARTS = range(0xD0, 0xD8)
FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive
PROGRESSIVE = 0xC2
MOST_PIXELS = 64  # for each bit of the data: a block of 8x8 px has one bit at least
NOISE = bytes(range(1, 255)) * 64  # data of a scan that decodes to something, without a marker


class DamagedJpeg(NamedTuple):
    """A damaged JPEG file.

    Attributes:
        stream: the file with an end where its intact data ends, which decoders take.
        problem: the warning: what is damaged, and how much of the picture that costs.
        first_lost: the row below which nothing could be decoded, or None.
    """

    stream: io.BytesIO
    problem: str
    first_lost: int | None


class _Layout(NamedTuple):
    """How far the file is intact: position in bytes and the problem there, empty at its end.

    `size` is width and height, px, of a picture of Huffman codes, else 0, 0.
    """

    end: int
    problem: str
    progressive: bool
    restarts: bool
    size: tuple[int, int]


def find_jpeg_damage(data: bytes, suspected: bool = False) -> DamagedJpeg | None:
    """The damage of a JPEG file; None of a sound one, and of one without any data of pixels.

    Args:
        data: the file.
        suspected: whether pixels may be missing though all markers are sound; this is then tried.

    Raises:
        UserError: the file is far too short for its size.

    >>> stream = io.BytesIO()
    >>> noise = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    >>> Image.fromarray(noise).save(stream, "JPEG")
    >>> find_jpeg_damage(stream.getvalue()) is None
    True
    >>> find_jpeg_damage(stream.getvalue()[:2000]).first_lost
    40
    """
    layout = _walk(data)
    if layout is None:
        return None
    width, height = layout.size
    if width * height > MOST_PIXELS * 8 * len(data):
        raise UserError(f"cannot be read: {len(data)} bytes are too few for {width}x{height} px")
    if not layout.problem:
        # Behind the end may be more, such as a film. Where pixels are missing, the end is damage.
        behind = data[layout.end + 2 :].strip(b"\0")
        if not suspected and (not behind or behind.startswith(b"\xff\xd8")):
            return None
        whole, continued = (data[: layout.end] + rest + END for rest in (b"", NOISE))
        if _first_undecoded(io.BytesIO(whole), continued) is None:
            return None
        problem = f"the JPEG has a damaged marker at byte {layout.end}"
        layout = layout._replace(problem=problem, restarts=False)
    # libjpeg goes on after a restart marker; without these nothing behind the damage is of use.
    intact = data if layout.restarts else data[: layout.end]
    stream = io.BytesIO(intact + END)
    first = _first_undecoded(stream, data[: layout.end] + NOISE + END)
    height = len(_decode(stream))
    stream.seek(0)
    if first is None:
        return DamagedJpeg(stream, f"{layout.problem}; all of the picture could be decoded", None)
    share = f"{(height - first) / height:.0%} of its rows"
    if layout.progressive or layout.restarts:
        cost = "lack detail" if layout.progressive else "may be wrong"
        return DamagedJpeg(stream, Doubt(f"{layout.problem}; {share} {cost}"), None)
    problem = f"{layout.problem}; {share} (from row {first} on) could not be decoded"
    return DamagedJpeg(stream, Doubt(problem), first)


def _walk(data: bytes) -> _Layout | None:
    """Follow the markers from the start; None where the data ends before the first scan."""
    position, scans = 2, 0
    progressive = restarts = False
    size = (0, 0)

    def stop(problem: str) -> _Layout | None:
        return _Layout(position, problem, progressive, restarts, size) if scans else None

    while True:
        while data[position : position + 2] == b"\xff\xff":  # fill bytes
            position += 1
        if position + 2 > len(data):
            return stop("the JPEG lacks its end")
        if data[position] != 0xFF:
            return stop(f"the JPEG is damaged at byte {position}")
        code = data[position + 1]
        if code == STOP:
            return stop("")
        if code in (START, TEMPORARY, *RESTARTS):
            return stop(f"the JPEG has a damaged marker at byte {position}")
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        follows = position + 2 + length
        # A segment must end where the next marker is, a scan's header anywhere.
        if length < 2 or (code != SCAN and data[follows : follows + 1] not in (b"\xff", b"")):
            return stop(f"the JPEG has a damaged marker at byte {position}")
        if follows > len(data):
            return stop("the JPEG is cut off")
        if code in FRAMES:
            progressive = code == PROGRESSIVE
            size = _number(data, position + 7), _number(data, position + 5)
        elif code == INTERVAL:
            restarts = data[position + 4 : position + 6] != b"\0\0"
        position = follows
        if code == SCAN:
            scans += 1
            found = _end_of_scan(data, position, restarts)
            if found is None:
                position = len(data)
                return stop("the JPEG is cut off")
            position = found


def _number(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 2], "big")


def _end_of_scan(data: bytes, start: int, restarts: bool) -> int | None:
    """The position of the marker that ends a scan, None if there is none."""
    for marker in MARKER.finditer(data, start):
        if not (restarts and marker[1][0] in RESTARTS):
            return marker.start()
    return None


def _first_undecoded(stream: io.BytesIO, continued: bytes) -> int | None:
    """The first row that depends on what follows the intact data, None if none does."""
    differs = _decode(stream) != _decode(io.BytesIO(continued))
    rows = np.flatnonzero(differs.reshape(len(differs), -1).any(axis=1))
    return int(rows[0]) if rows.size else None


def _decode(stream: io.BytesIO) -> NDArray[np.uint8]:
    stream.seek(0)
    with no_pixel_limit():  # Pillow warns of broken EXIF, too
        picture = Image.open(stream, formats=["JPEG"])
    with picture:
        return np.asarray(picture)
