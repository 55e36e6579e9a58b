"""The pixels of an opened image: upright, opaque, 8 bits a channel or the 16 that its file has."""

import logging
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps
from PIL.ImageFile import ImageFile

from rechroma.imaging.decode import OpenedImage, PhotoError, decoder_errors
from rechroma.imaging.deep_samples import read_samples, samples_of_deep
from rechroma.imaging.depth import scale_samples, to_8_bits
from rechroma.imaging.jpeg_damage import find_jpeg_damage
from rechroma.imaging.pillow_settings import no_pixel_limit
from rechroma.imaging.types import Mask

ORIENTATION = 0x0112  # EXIF
MISSING = 128  # level of the pixels that a JPEG lacks

logger = logging.getLogger(__name__)


class Decoded(NamedTuple):
    """The pixels of an image file.

    Attributes:
        pixels: `(H, W)` of a gray file, `(H, W, 3)` RGB of others; uint8, or uint16 where the
            file has more than 8 bits. Upright; transparent parts are white.
        notes: a warning for each thing that was assumed, ignored or lost.
        lost: `(H, W)` bool, True where nothing could be decoded; None where all was.
    """

    pixels: NDArray[Any]
    notes: tuple[str, ...] = ()
    lost: Mask | None = None


def decode_pixels(opened: OpenedImage) -> Decoded:
    """Decode an image that `open_image` opened.

    Raises:
        PhotoError: it is damaged, or holds samples that cannot be read right.

    >>> import io
    >>> from rechroma.imaging.decode import open_image
    >>> stream = io.BytesIO()
    >>> Image.new("I;16", (2, 1), 500).save(stream, "PNG")
    >>> with open_image(stream) as opened:
    ...     decode_pixels(opened).notes
    ('uses only levels to 500 of its 16 bits, which were taken for 10 bits',)
    """
    notes = list(opened.notes)
    with decoder_errors(opened.name):
        with no_pixel_limit():  # Pillow opens each page of a TIFF to count them
            frames = getattr(opened.picture, "n_frames", 1)
        if frames > 1:
            notes.append(f"only the first of {frames} frames was restored")
        orientation = _orientation(opened.picture)
        deep = read_samples(opened, notes)
        if deep is None:
            pixels = _decode_8_bits(opened.picture, notes)
            _find_missing_data(opened, notes)
        else:
            scaled, assumed = scale_samples(deep)
            notes += assumed
            pixels = turn(_on_white(scaled, notes), orientation)
        lost = None
        if opened.damage and opened.damage.first_lost is not None:
            # As the file has its rows, then upright as the pixels are.
            height, width = pixels.shape[:2] if orientation < 5 else pixels.shape[1::-1]
            below = np.zeros((height, width), bool)
            below[opened.damage.first_lost :] = True
            lost = turn(below, orientation)
    return Decoded(pixels, tuple(notes), lost)


def decode_image(picture: Image.Image, name: str) -> Image.Image:
    """The pixels of a PIL image: upright, 8 bits a channel, transparent parts on white.

    Args:
        picture: from Pillow; not one of `open_image`.
        name: of the picture, in the error.

    Raises:
        PhotoError: the picture holds samples that cannot be read right.

    >>> half = Image.new("RGBA", (2, 1), (0, 0, 0, 255))
    >>> half.putpixel((0, 0), (0, 0, 0, 0))
    >>> decode_image(half, "half.png").getpixel((0, 0))
    (255, 255, 255)
    """
    with decoder_errors(name):
        _load(picture)
        values = samples_of_deep(picture)
        if values is None:
            return _opaque(_as_rgb_modes(upright(picture)), [])
        scaled, notes = scale_samples(values)
        for note in notes:
            logger.info("%s: %s", name, note)
        return upright(_like(picture, to_8_bits(scaled[..., 0])))


def upright(picture: Image.Image) -> Image.Image:
    """The image with its EXIF orientation applied; unchanged where that is broken.

    >>> upright(Image.new("L", (4, 3))).size
    (4, 3)
    """
    picture.load()
    try:
        with no_pixel_limit():  # Pillow warns of broken EXIF
            return ImageOps.exif_transpose(picture)
    except Exception as error:  # Pillow raises nearly anything on broken EXIF; the pixels are good
        logger.info("broken EXIF data, the orientation is ignored: %r", error)
        return picture


def opacity(picture: Image.Image) -> Image.Image:
    """The alpha channel as an image of mode L: 255 where opaque, 0 where transparent.

    >>> opacity(Image.new("RGBA", (1, 1), (0, 0, 0, 200))).getpixel((0, 0))
    200
    """
    return picture.convert("RGBA").getchannel("A")


def turn(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """An `(H, W, …)` array, turned and mirrored upright by an EXIF orientation, 1 to 8.

    >>> turn(np.array([[1, 2]]), 6).tolist()
    [[1], [2]]
    """
    if orientation in (5, 7):
        pixels = pixels.swapaxes(0, 1)
    turns = {3: 2, 6: 3, 7: 2, 8: 1}.get(orientation, 0)
    if orientation in (2, 4):
        pixels = pixels[:, ::-1] if orientation == 2 else pixels[::-1]
    return np.ascontiguousarray(np.rot90(pixels, turns))


def _load(picture: Image.Image) -> None:
    """Read the pixels without memory mapping, with which Pillow 12.3 garbles turned TIFFs.

    Images of `open_image` come from streams, which Pillow never maps.
    """
    if not isinstance(picture, ImageFile):
        return
    filename, picture.filename = picture.filename, ""
    try:
        picture.load()
    finally:
        picture.filename = filename


def _orientation(picture: Image.Image) -> int:
    try:
        with no_pixel_limit():  # Pillow warns of broken EXIF
            value = picture.getexif().get(ORIENTATION, 1)
    except Exception as error:  # Pillow raises nearly anything on broken EXIF; the pixels are good
        logger.info("broken EXIF data, the orientation is ignored: %r", error)
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _find_missing_data(opened: OpenedImage, notes: list[str]) -> None:
    """Note the damage of a JPEG whose data ends early behind sound markers.

    libjpeg shows what is missing in the gray of 128, with which few sound photographs end.
    """
    if opened.kind != "JPEG" or opened.damage:
        return
    width, height = opened.picture.size
    levels = np.asarray(opened.picture.getpixel((width - 1, height - 1)), dtype=int)
    if (abs(levels - MISSING) > 1).any():
        return
    opened.stream.seek(0)
    opened.damage = find_jpeg_damage(opened.stream.read(), suspected=True)
    if opened.damage:
        notes.append(opened.damage.problem)
        if opened.damage.first_lost == 0:
            raise PhotoError(opened.name, f"cannot be read: {opened.damage.problem}")


def _decode_8_bits(picture: Image.Image, notes: list[str]) -> NDArray[np.uint8]:
    picture.load()
    opaque = _opaque(_as_rgb_modes(upright(picture)), notes)
    if opaque.mode in ("1", "L"):
        return np.array(opaque.convert("L"))
    return np.array(opaque.convert("RGB"))


def _as_rgb_modes(picture: Image.Image) -> Image.Image:
    """The picture, converted from L*a*b*, which Pillow converts only by profiles."""
    if picture.mode != "LAB":
        return picture
    profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(picture, *profiles, outputMode="RGB")
    assert converted is not None, "profileToProfile returns a picture unless it works in place"
    return converted


def _opaque(picture: Image.Image, notes: list[str]) -> Image.Image:
    """The picture on white; opacity that hides all of it is taken for an error of its program."""
    if not picture.has_transparency_data:
        return picture
    shown = picture.convert("RGBA")
    lowest, highest = shown.getchannel("A").getextrema()
    if highest == 0:
        notes.append("opacity that hides the whole picture was ignored")
        return shown.convert("RGB")
    if lowest == 255:
        return shown.convert("RGB")
    notes.append("transparent parts were filled with white")
    white = Image.new("RGBA", shown.size, "white")
    return Image.alpha_composite(white, shown).convert("RGB")


def _on_white(picture: NDArray[Any], notes: list[str]) -> NDArray[Any]:
    """`(H, W, C)` uint8 or uint16 without its opacity: `(H, W)` gray or `(H, W, 3)` RGB."""
    count = picture.shape[2]
    if count in (2, 4):
        picture, alpha = picture[..., :-1], picture[..., -1:]
        top = np.iinfo(picture.dtype).max
        if not alpha.any():
            notes.append("opacity that hides the whole picture was ignored")
        elif alpha.min() < top:
            notes.append("transparent parts were filled with white")
            visible = alpha.astype(np.int64)
            mixed = picture * visible + int(top) * (top - visible)
            picture = ((mixed + top // 2) // top).astype(picture.dtype)
    return np.ascontiguousarray(picture[..., 0] if picture.shape[2] == 1 else picture)


def _like(picture: Image.Image, levels: NDArray[np.uint8]) -> Image.Image:
    """A gray image with the EXIF of another."""
    made = Image.fromarray(levels)
    if "exif" in picture.info:
        made.info["exif"] = picture.info["exif"]
    return made
