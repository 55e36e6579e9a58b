"""Picture files to restore: read with all that goes along, and written in the user's format."""

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

# How the formats are written that `--format` knows: all but JPEG give the pixels back exactly.
WRITE_OPTIONS: dict[str, dict[str, object]] = {
    "png": {"format": "PNG", "compress_level": 1},
    "jpeg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    "tiff": {"format": "TIFF", "compression": "tiff_lzw"},
    "webp": {"format": "WEBP", "lossless": True, "quality": 30, "method": 2},
}
LONGEST_SIDE = {"jpeg": 65_500, "webp": 16_383}  # px that a format can hold


class ImageFile(NamedTuple):
    """A picture file as it is to be restored.

    Attributes:
        pixels: `(H, W)` uint8 where the picture is gray, else `(H, W, 3)` uint8 RGB; upright.
        metadata: what goes along into the restored file.
        warnings: what reading it cost, in words.
    """

    pixels: Photo | Luma
    metadata: Metadata
    warnings: tuple[str, ...]


def read_image_file(path: Path) -> ImageFile:
    """The picture in the file at `path` with all that a restored one should keep of it.

    Errors as of `photos.read_color`.
    """
    warnings: list[str] = []

    def note(picture: Image.Image) -> None:
        if getattr(picture, "n_frames", 1) > 1:
            warnings.append(f"the first of {picture.n_frames} frames")  # type: ignore[attr-defined]
        if is_16_bit(picture):
            warnings.append("16 bits were reduced to 8")
        if picture.has_transparency_data and not is_opaque(picture):
            warnings.append("transparent parts stand on white")

    with open_image(path) as picture:
        note(picture)
        kept = read_metadata(picture)
        whole = decode_image(picture, str(path))
        warnings += kept.left_out
        gray = len(whole.getbands()) < 3
        pixels = np.array(whole.convert("L" if gray else "RGB"))
    if not gray and is_gray(pixels):
        pixels = to_luma(pixels)
    return ImageFile(pixels, kept, tuple(warnings))


def format_of(path: Path) -> str | None:
    """The name in `WRITTEN` of the format that a file's suffix stands for, or None."""
    suffix = path.suffix.lower()
    return next((name for name in WRITE_OPTIONS if suffix in FORMATS[name.upper()]), None)


def format_suffix(name: str) -> str:
    """The suffix of files of the format `name` of `WRITTEN`."""
    return FORMATS[name.upper()][0]


def check_side(path: Path, picture: Photo | Luma) -> None:
    """Refuse a picture whose sides are longer than the format of the file at `path` can hold.

    Raises:
        PhotoError: they are.
    """
    name = format_of(path)
    limit = LONGEST_SIDE.get(name or "")
    if limit is not None and max(picture.shape[:2]) > limit:
        raise PhotoError(
            str(path),
            f"{name} holds at most {limit} px each way, the photograph is "
            f"{picture.shape[1]}x{picture.shape[0]} px; use --format png or tiff",
        )


def write_image_file(path: Path, picture: Photo | Luma, kept: Metadata) -> None:
    """Write `(H, W, 3)` uint8 RGB or `(H, W)` uint8 gray with the metadata of its original.

    The suffix of `path` says the format. The file appears whole or not at all, and says that
    rechroma processed it. Raises as `expect_room`.
    """
    name = format_of(path)
    assert name is not None, f"{path}: the command line lets no other suffix through"
    check_side(path, picture)
    exif = sign_exif(kept)
    extra: dict[str, object] = {"exif": exif.tobytes()}
    if name == "tiff" and has_ifds(exif):
        extra["compression"] = None  # Pillow's compressed TIFFs have no place for them
    if kept.profile:
        extra["icc_profile"] = kept.profile
    if kept.dpi:
        extra["dpi"] = kept.dpi
    with whole_file(path) as part:
        Image.fromarray(picture).save(part, **(WRITE_OPTIONS[name] | extra))  # type: ignore[arg-type]


def write_mask(path: Path, mask: Mask) -> None:
    """Write an `(H, W)` bool mask as a PNG of 0 and 255 that says that rechroma made it.

    So it is not taken for a photograph where it lies in an album.
    """
    levels = mask.astype(np.uint8) * np.uint8(255)
    write_image_file(path, levels, Metadata(Image.Exif(), None, None, ()))


def is_restored(path: Path) -> bool:
    """Whether the file at `path` is a picture that rechroma wrote."""
    try:
        with open_image(path) as picture:
            return is_signed(picture)
    except PhotoError:
        return False
