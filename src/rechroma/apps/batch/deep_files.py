"""PNG and TIFF files of 16 bits a channel, which Pillow writes of gray pictures alone."""

import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from PIL.TiffTags import BYTE, LONG, UNDEFINED

from rechroma.apps.batch.captions import IPTC_TAG, XMP_TAG
from rechroma.apps.batch.exif import IFDS
from rechroma.imaging.png_chunks import SIGNATURE, chunk

INCHES_A_METER = 39.3701
STRIP_BYTES = 1 << 20  # of the pixels that are compressed together, about
ICC_TAG = 34675
DEFLATE, HORIZONTAL = 8, 2  # TIFF's compression, and its predictor: differences along a row
HEADER = 8  # bytes


def write_deep_png(
    file: Path,
    picture: NDArray[np.uint16],
    exif: bytes,
    profile: bytes | None,
    dpi: tuple[float, float] | None,
    texts: list[bytes],
) -> None:
    """Write `(H, W, 3)` RGB or `(H, W)` gray as a PNG.

    Args:
        file: is overwritten.
        picture: uint16.
        exif: as Pillow's `Exif.tobytes` gives it.
        profile: an ICC profile, or None.
        dpi: horizontal and vertical resolution, dots an inch, or None.
        texts: chunks of texts.
    """
    bgr = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise OSError("OpenCV cannot encode the PNG")
    content: NDArray[np.uint8] = encoded.ravel()
    # Side data stand between the header and the pixels.
    start = len(SIGNATURE) + 12 + 13
    chunks = [chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(profile))] if profile else []
    if dpi:
        per_meter = [round(each * INCHES_A_METER) for each in dpi]
        chunks.append(chunk(b"pHYs", struct.pack(">IIB", *per_meter, 1)))
    chunks.append(chunk(b"eXIf", exif.removeprefix(b"Exif\0\0")))
    with file.open("wb") as stream:
        stream.write(content[:start].tobytes())
        stream.writelines([*chunks, *texts])
        stream.write(content[start:].data)


def write_deep_tiff(
    file: Path,
    picture: NDArray[np.uint16],
    exif: Image.Exif,
    profile: bytes | None,
    xmp: bytes | None,
    iptc: bytes | None,
) -> None:
    """Write `(H, W, 3)` RGB or `(H, W)` gray as a TIFF, compressed without loss.

    Args:
        file: is overwritten.
        picture: uint16.
        exif: all of its tags are written, and the directories below.
        profile: an ICC profile, or None.
        xmp: an XMP packet, or None.
        iptc: IPTC records, or None.
    """
    height, width = picture.shape[:2]
    channels = 1 if picture.ndim == 2 else picture.shape[2]
    rows = max(1, STRIP_BYTES // (width * channels * 2))
    strips = [_compress(picture[top : top + rows], channels) for top in range(0, height, rows)]
    sizes = [len(strip) for strip in strips]
    tags = ImageFileDirectory_v2(prefix=b"II")
    for tag, value in exif.items():
        tags[tag] = value
    for directory in IFDS:
        if values := exif.get_ifd(directory):
            tags[directory] = values
    for tag, content, kind in (
        (ICC_TAG, profile, UNDEFINED),
        (XMP_TAG, xmp, BYTE),
        (IPTC_TAG, iptc, UNDEFINED),
    ):
        if content:
            tags[tag] = content
            tags.tagtype[tag] = kind
    layout: dict[int, Any] = {
        256: width,
        257: height,
        258: (16,) * channels,
        259: DEFLATE,
        262: 1 if channels == 1 else 2,  # black is zero, or RGB
        # Counted from the end of the directory: Pillow adds its length.
        273: tuple(int(each) for each in np.cumsum([0, *sizes[:-1]])),
        277: channels,
        278: rows,
        279: tuple(sizes),
        284: 1,  # the channels of a pixel beside each other
        317: HORIZONTAL,
        339: (1,) * channels,  # unsigned
    }
    for tag, value in layout.items():
        tags[tag] = value
    tags.tagtype[273] = tags.tagtype[279] = LONG
    with file.open("wb") as stream:
        stream.write(b"II*\0" + struct.pack("<I", HEADER) + tags.tobytes(HEADER))
        for strip in strips:
            stream.write(strip)


def _compress(rows: NDArray[np.uint16], channels: int) -> bytes:
    samples = np.ascontiguousarray(rows, "<u2").reshape(len(rows), -1, channels)
    changes = samples.copy()
    changes[:, 1:] -= samples[:, :-1]  # modulo 65536
    return zlib.compress(changes.tobytes(), 1)
