"""Image files to arrays and back: the only module that knows about modes and color order."""

import base64
import io
import logging
import re
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from rechroma.imaging.album import list_album
from rechroma.imaging.color import to_luma
from rechroma.imaging.decode import PIXEL_LIMIT, PhotoError, decoder_errors, open_image
from rechroma.imaging.depth import to_8_bits
from rechroma.imaging.pixels import decode_pixels, opacity, upright
from rechroma.imaging.types import Luma, Mask, Photo
from rechroma.outputs import whole_file

DVC_OBJECT = re.compile(r"/files/md5/[0-9a-f]{2}/[0-9a-f]{30}$")  # a file in DVC's cache
logger = logging.getLogger(__name__)

LIGHT = 127  # gray levels of a mask above this one are light


def list_photos(path: Path) -> list[Path]:
    """The photographs of `album.list_album`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("b.png", "a.jpg", "notes.txt"):
    ...         (Path(folder) / name).touch()
    ...     [file.name for file in list_photos(Path(folder))]
    ['a.jpg', 'b.png']
    """
    return list_album(path).photos


def is_inside(file: Path, folder: Path) -> bool:
    """Whether `file`, its links followed, lies in `folder`; so does DVC's link into its cache.

    >>> is_inside(Path("photos/../secret.png"), Path("photos"))
    False
    """
    try:
        real = file.resolve()
    except (OSError, RuntimeError):  # a loop of links
        return False
    return real.is_relative_to(folder.resolve()) or bool(DVC_OBJECT.search(real.as_posix()))


def read_color(
    source: Path | BinaryIO, name: str | None = None, pixel_limit: int = PIXEL_LIMIT
) -> Photo:
    """The picture in `source` as `(H, W, 3)` uint8 RGB, its EXIF orientation applied.

    Deeper files are scaled to 16 bits (`depth.scale_samples`), of which the high byte is used. Of
    several frames the first is. Transparent parts are shown on white. Color profiles are not
    applied.

    Args:
        source: a file, or a stream that can seek.
        name: of the picture, in errors; by default the file's path.
        pixel_limit: the largest picture that is decoded, px.

    Raises:
        PhotoError: missing, empty, not a picture, damaged, or larger than `pixel_limit`.

    >>> read_color(io.BytesIO(encode_png(np.full((1, 1, 3), (9, 8, 7), np.uint8)))).tolist()
    [[[9, 8, 7]]]
    """
    pixels = _decode(source, name, pixel_limit)
    return pixels if pixels.ndim == 3 else np.dstack([pixels] * 3)


def read_gray(
    source: Path | BinaryIO, name: str | None = None, pixel_limit: int = PIXEL_LIMIT
) -> Luma:
    """The picture in `source` as `(H, W)` uint8 luma; gray files keep their values.

    Arguments and errors as of `read_color`.

    >>> read_gray(io.BytesIO(encode_png(np.array([[5, 6]], np.uint8)))).tolist()
    [[5, 6]]
    """
    pixels = _decode(source, name, pixel_limit)
    return pixels if pixels.ndim == 2 else to_luma(pixels)


def read_opacity(
    source: Path | BinaryIO, name: str | None = None, pixel_limit: int = PIXEL_LIMIT
) -> Luma | None:
    """The opacity of a picture: `(H, W)` uint8 from 0 (transparent) to 255 (opaque).

    Upright; None if the file has no opacity. Arguments and errors as of `read_color`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "clear.png"
    ...     Image.new("LA", (1, 1), (0, 30)).save(file)
    ...     read_opacity(file).tolist()
    [[30]]
    """
    with open_image(source, name, pixel_limit) as opened, decoder_errors(name or str(source)):
        if not opened.picture.has_transparency_data:
            return None
        return np.array(opacity(upright(opened.picture)))


def mask_from_gray(gray: Luma) -> Mask:
    """The mask that a gray picture shows: `(H, W)` uint8 to bool, True where light (above 127).

    >>> mask_from_gray(np.array([[0, 127, 128, 255]], np.uint8)).tolist()
    [[False, False, True, True]]
    """
    mask: Mask = gray > LIGHT
    return mask


def gray_from_array(values: Any, name: str) -> Luma:
    """The picture in an array, or in nested lists, as `(H, W)` uint8 luma.

    Args:
        values: `(H, W)` gray or `(H, W, 3)` RGB; whole numbers from 0 to 255 of any integer type,
            or bool, where True is white.
        name: of the picture, in errors.

    Raises:
        PhotoError: another shape, other numbers, or no array at all.

    >>> gray_from_array([[0, 90], [180, 255]], "photo").tolist()
    [[0, 90], [180, 255]]
    """
    expected = "expected (H, W) gray or (H, W, 3) RGB of whole numbers from 0 to 255"
    try:
        picture = np.asarray(values)
    except ValueError:  # rows of unequal lengths
        raise PhotoError(name, f"is no regular array, {expected}") from None
    if (
        picture.dtype.kind not in "bui"
        or picture.size == 0
        or (picture.ndim != 2 and picture.shape[2:] != (3,))
    ):
        reason = f"is an array of shape {picture.shape} and type {picture.dtype}, {expected}"
        raise PhotoError(name, reason)
    lowest, highest = picture.min(), picture.max()
    if lowest < 0 or highest > 255:
        raise PhotoError(name, f"is an array of numbers from {lowest} to {highest}, {expected}")
    levels = picture.astype(np.uint8)
    if picture.dtype == np.bool_:
        levels *= np.uint8(255)
    return levels if levels.ndim == 2 else to_luma(levels)


def color_from_array(values: Any, name: str) -> Photo:
    """The picture in an array, or in nested lists, as `(H, W, 3)` uint8 RGB.

    Arguments and errors as of `gray_from_array`.

    >>> color_from_array([[0, 90]], "photo").tolist()
    [[[0, 0, 0], [90, 90, 90]]]
    """
    gray = gray_from_array(values, name)  # which also checks the array
    array = np.asarray(values)
    if array.ndim == 2:
        return np.dstack([gray] * 3)
    levels = array.astype(np.uint8)
    return levels * np.uint8(255) if array.dtype == np.bool_ else levels


def encode_png(picture: Photo | Luma | Mask) -> bytes:
    """The PNG of an `(H, W, 3)` uint8 RGB, `(H, W)` uint8 gray or `(H, W)` bool (0/255) picture.

    Same picture, same bytes.

    >>> encode_png(np.zeros((2, 2), np.uint8))[:4]
    b'\\x89PNG'
    """
    if picture.dtype == np.bool_:
        picture = picture.astype(np.uint8) * np.uint8(255)
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", compress_level=1)
    return stream.getvalue()


def write_png(path: Path, picture: Photo | Luma | Mask) -> None:
    """Write the bytes of `encode_png` to the file `path`.

    The file appears complete or not at all; its folder is made.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_png(Path(folder) / "new/mask.png", np.array([[False, True]]))
    ...     read_gray(Path(folder) / "new/mask.png").tolist()
    [[0, 255]]
    """
    with whole_file(path) as part:
        part.write_bytes(encode_png(picture))


def data_uri(photo: Photo) -> str:
    """A `data:` URI with the JPEG of an `(H, W, 3)` uint8 RGB photo, to be shown in a page.

    >>> data_uri(np.zeros((2, 2, 3), np.uint8))[:23]
    'data:image/jpeg;base64,'
    """
    jpeg = io.BytesIO()
    Image.fromarray(photo).save(jpeg, format="JPEG", quality=92, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg.getvalue()).decode()}"


def _decode(source: Path | BinaryIO, name: str | None, pixel_limit: int) -> Photo | Luma:
    with open_image(source, name, pixel_limit) as opened:
        decoded = decode_pixels(opened)
    for note in decoded.notes:
        logger.info("%s: %s", name or source, note)
    return to_8_bits(decoded.pixels)
