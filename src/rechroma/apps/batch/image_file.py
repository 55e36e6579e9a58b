"""Image files read with their metadata, and restored photographs written in the format chosen."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from rechroma.apps.batch.exif import Metadata, has_ifds, is_signed, read_metadata, sign_exif
from rechroma.imaging.color import is_gray, to_luma
from rechroma.imaging.decode import (
    FORMATS,
    PhotoError,
    decode_image,
    is_16_bit,
    is_opaque,
    open_image,
)
from rechroma.imaging.types import Luma, Mask, Photo
from rechroma.outputs import whole_file

# Pillow's options for each format of `--format`; all but JPEG are lossless.
WRITE_OPTIONS: dict[str, dict[str, object]] = {
    "png": {"format": "PNG", "compress_level": 1},
    "jpeg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    "tiff": {"format": "TIFF", "compression": "tiff_lzw"},
    "webp": {"format": "WEBP", "lossless": True, "quality": 30, "method": 2},
}
LONGEST_SIDE = {"jpeg": 65_500, "webp": 16_383}  # px that a format can hold


class ImageFile(NamedTuple):
    """The content of an image file.

    Attributes:
        pixels: `(H, W)` uint8 of a gray picture, else `(H, W, 3)` uint8 RGB; upright.
        metadata: EXIF, color profile and resolution, for the restored file.
        warnings: one for each thing that was lost in reading, such as the low byte of 16 bits.
    """

    pixels: Photo | Luma
    metadata: Metadata
    warnings: tuple[str, ...]


def read_image_file(path: Path) -> ImageFile:
    """The picture in the file at `path`, and its metadata. Errors as of `imaging.io.read_color`."""
    warnings: list[str] = []

    def add_warnings(picture: Image.Image) -> None:
        if getattr(picture, "n_frames", 1) > 1:
            frames = picture.n_frames  # type: ignore[attr-defined]
            warnings.append(f"only the first of {frames} frames was restored")
        if is_16_bit(picture):
            warnings.append("16 bits were reduced to 8")
        if picture.has_transparency_data and not is_opaque(picture):
            warnings.append("transparent parts were filled with white")

    with open_image(path) as picture:
        add_warnings(picture)
        metadata = read_metadata(picture)
        warnings += metadata.warnings
        pixels = pixels_of(decode_image(picture, str(path)))
    return ImageFile(pixels, metadata, tuple(warnings))


def pixels_of(picture: Image.Image) -> Photo | Luma:
    """The pixels of a picture of 8 bits: `(H, W)` uint8 if it is gray, else `(H, W, 3)` uint8 RGB.

    >>> pixels_of(Image.new("RGB", (2, 1), (7, 7, 7))).tolist()
    [[7, 7]]
    """
    if len(picture.getbands()) < 3:
        return np.array(picture.convert("L"))
    photo = np.array(picture.convert("RGB"))
    return to_luma(photo) if is_gray(photo) else photo


def format_of(path: Path) -> str | None:
    """The format that the suffix of a file names, a key of `WRITE_OPTIONS`; None for others.

    >>> format_of(Path("new.TIF"))
    'tiff'
    """
    suffix = path.suffix.lower()
    return next((name for name in WRITE_OPTIONS if suffix in FORMATS[name.upper()]), None)


def format_suffix(name: str) -> str:
    """The usual suffix of files of the format `name`, a key of `WRITE_OPTIONS`.

    >>> format_suffix("jpeg")
    '.jpg'
    """
    return FORMATS[name.upper()][0]


def check_side(path: Path, picture: Photo | Luma) -> None:
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


def write_image_file(path: Path, picture: Photo | Luma, metadata: Metadata) -> None:
    """Write `(H, W, 3)` uint8 RGB or `(H, W)` uint8 gray with the metadata of its original.

    The suffix of `path` is the format. The file appears complete or not at all, and its EXIF names
    rechroma as the editor.

    Raises:
        PhotoError: a side is too long for the format.
    """
    name = format_of(path)
    assert name is not None, f"{path}: the command line checks the suffix"
    check_side(path, picture)
    exif = sign_exif(metadata)
    extra: dict[str, object] = {"exif": exif.tobytes()}
    if name == "tiff" and has_ifds(exif):
        extra["compression"] = None  # Pillow cannot write them into compressed TIFFs
    if metadata.profile:
        extra["icc_profile"] = metadata.profile
    if metadata.dpi:
        extra["dpi"] = metadata.dpi
    with whole_file(path) as part:
        Image.fromarray(picture).save(part, **(WRITE_OPTIONS[name] | extra))  # type: ignore[arg-type]


def write_mask(path: Path, mask: Mask) -> None:
    """Write an `(H, W)` bool mask as a PNG of 0 and 255.

    Its EXIF names rechroma, so that a mask inside an album is not restored as a photograph.
    """
    levels = mask.astype(np.uint8) * np.uint8(255)
    write_image_file(path, levels, Metadata(Image.Exif(), None, None, ()))


def is_restored(path: Path) -> bool:
    """Whether rechroma wrote the picture at `path`: a restored photograph or a mask."""
    try:
        with open_image(path) as picture:
            return is_signed(picture)
    except PhotoError:
        return False
