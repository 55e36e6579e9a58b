"""Image files read with their metadata, and restored photographs written in the format chosen."""

from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rechroma.apps.batch.deep_files import write_deep_tiff, write_png
from rechroma.apps.batch.exif import (
    Metadata,
    is_signed,
    read_metadata,
    sign_exif,
)
from rechroma.apps.batch.fit_metadata import fit_metadata, metadata_options, png_texts
from rechroma.errors import UserError
from rechroma.imaging.color import is_gray, to_luma
from rechroma.imaging.decode import PhotoError, open_image
from rechroma.imaging.depth import to_8_bits, to_16_bits
from rechroma.imaging.formats import FORMATS, OTHER_SUFFIXES, SUFFIXES
from rechroma.imaging.pixels import decode_pixels
from rechroma.imaging.png_chunks import chunk
from rechroma.imaging.types import Mask
from rechroma.outputs import whole_file

Depth = Literal["auto", "8", "16"]

# Pillow's options for each format of `--format`; all but JPEG and AVIF are lossless.
WRITE_OPTIONS: dict[str, dict[str, object]] = {
    "png": {"format": "PNG", "compress_level": 1},
    "jpeg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    "tiff": {"format": "TIFF", "compression": "tiff_lzw"},
    "webp": {"format": "WEBP", "lossless": True, "quality": 30, "method": 2},
    "avif": {"format": "AVIF", "quality": 90, "subsampling": "4:4:4", "speed": 8},
    "jpeg2000": {"format": "JPEG2000", "irreversible": False},
}
LONGEST_SIDE = {"jpeg": 65_500, "webp": 16_383, "avif": 65_536}  # px that a format can hold
DEEP_FORMATS = ("png", "tiff")  # those that are written with 16 bits a channel


class ImageFile(NamedTuple):
    """The content of an image file.

    Attributes:
        pixels: `(H, W)` of a gray picture, else `(H, W, 3)` RGB; upright. uint8, or uint16 where
            the file has more than 8 bits.
        metadata: EXIF, color profile, resolution and captions, for the restored file.
        warnings: one for each thing that was assumed, ignored or lost in reading.
        lost: `(H, W)` bool, True where a damaged file could not be decoded; None where all was.
    """

    pixels: NDArray[Any]
    metadata: Metadata
    warnings: tuple[str, ...]
    lost: Mask | None = None


def read_image_file(path: Path) -> ImageFile:
    """The picture in the file at `path`, and its metadata. Errors as of `decode.open_image`."""
    with open_image(path) as opened:
        metadata = read_metadata(opened)
        decoded = decode_pixels(opened)
    pixels = decoded.pixels
    if pixels.ndim == 3 and is_gray(pixels):
        pixels = to_luma(pixels)
    return ImageFile(pixels, metadata, decoded.notes + metadata.warnings, decoded.lost)


def convert_depth(image: ImageFile, depth: Depth, target: Path) -> ImageFile:
    """The image in the depth that its restored file is to have.

    Args:
        image: as read.
        depth: `8`, `16`, or `auto`: that of the image, as far as the format can hold it.
        target: the restored file, whose suffix names the format.

    Raises:
        UserError: 16 bits are asked for, and the format cannot hold them.
    """
    deep = image.pixels.dtype == np.uint16
    name = format_of(target)
    if depth == "16" and name not in DEEP_FORMATS:
        raise UserError(f"{target}: {name} holds 8 bits, expected --format png or tiff for 16")
    if depth == "16":
        return image._replace(pixels=to_16_bits(image.pixels))
    if not deep or (depth == "auto" and name in DEEP_FORMATS):
        return image
    reason = "as --depth 8 asks" if depth == "8" else f"as {name} holds no more"
    warnings = (*image.warnings, f"16 bits were reduced to 8, {reason}")
    return image._replace(pixels=to_8_bits(image.pixels), warnings=warnings)


def format_of(path: Path) -> str | None:
    """The format that the suffix of a file names, a key of `WRITE_OPTIONS`; None for others.

    >>> format_of(Path("new.TIF"))
    'tiff'
    """
    suffix = path.suffix.lower()
    if suffix == ".dib":
        return None
    return next((name for name in WRITE_OPTIONS if suffix in FORMATS[name.upper()]), None)


def check_out(path: Path) -> None:
    """Check that a path to write to does not name a picture in a format that is not written.

    Raises:
        UserError: it does, such as new.heic.

    >>> check_out(Path("restored")), check_out(Path("new.png"))
    (None, None)
    """
    suffix = path.suffix.lower()
    if suffix in SUFFIXES | OTHER_SUFFIXES and format_of(path) is None and not path.is_dir():
        known = ", ".join(format_suffix(name) for name in WRITE_OPTIONS)
        raise UserError(f"{path}: {suffix} is not written, expected {known}, or a folder")


def format_suffix(name: str) -> str:
    """The usual suffix of files of the format `name`, a key of `WRITE_OPTIONS`.

    >>> format_suffix("jpeg")
    '.jpg'
    """
    return FORMATS[name.upper()][0]


def check_side(path: Path, picture: NDArray[Any]) -> None:
    """Check that the format of the file at `path` can hold a picture of this size.

    Raises:
        PhotoError: a side is too long for it.
    """
    name = format_of(path)
    limit = LONGEST_SIDE.get(name or "")
    if limit is not None and max(picture.shape[:2]) > limit:
        raise PhotoError(
            str(path),
            f"{name} holds at most {limit} px each way, the photograph is "
            f"{picture.shape[1]}x{picture.shape[0]} px; use --format png or tiff",
        )


def write_image_file(path: Path, picture: NDArray[Any], metadata: Metadata) -> tuple[str, ...]:
    """Write a picture with the metadata of its original.

    The suffix of `path` is the format. The file appears complete or not at all, and its EXIF names
    rechroma as the editor.

    Args:
        path: the file.
        picture: `(H, W, 3)` RGB or `(H, W)` gray; uint8, or uint16 for PNG and TIFF.
        metadata: of the original.

    Returns:
        A warning for each part of the metadata that the format cannot hold.

    Raises:
        PhotoError: a side is too long for the format.
    """
    name = format_of(path)
    assert name is not None, f"{path}: the command line checks the suffix"
    check_side(path, picture)
    fitted, warnings = fit_metadata(metadata, name)
    with whole_file(path) as part:
        if picture.dtype == np.uint8 and not (name == "png" and picture.ndim == 3):
            options = WRITE_OPTIONS[name] | metadata_options(name, fitted)
            Image.fromarray(picture).save(part, **options)  # type: ignore[arg-type]
        elif name == "png":
            texts = [chunk(b"iTXt", body) for body in png_texts(fitted)]
            signed = sign_exif(fitted).tobytes()
            write_png(part, picture, signed, fitted.profile, fitted.dpi, texts)
        else:
            assert name == "tiff", f"{name} of 16 bits"
            captions = fitted.captions
            exif = sign_exif(fitted)
            write_deep_tiff(part, picture, exif, fitted.profile, captions.xmp, captions.iptc)
    return warnings


def write_mask(path: Path, mask: Mask) -> None:
    """Write an `(H, W)` bool mask as a PNG of 0 and 255.

    It is signed as by `write_signed_png`.
    """
    write_signed_png(path, mask.astype(np.uint8) * np.uint8(255))


def write_signed_png(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture that rechroma made, `(H, W, 3)` RGB or `(H, W)` gray, as a PNG.

    Its EXIF names rechroma, so that inside an album it is not restored as a photograph.
    """
    write_image_file(path, picture, Metadata(Image.Exif(), None, None, ()))


def is_restored(path: Path) -> bool:
    """Whether rechroma wrote the picture at `path`: a restored photograph or a mask."""
    try:
        with open_image(path) as opened:
            return is_signed(opened.picture)
    except PhotoError:
        return False
