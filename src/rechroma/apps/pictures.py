"""Pictures as people give them to the Python API, as arrays."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rechroma.apps.batch.mask_file import parse_mask
from rechroma.errors import UserError
from rechroma.imaging.io import (
    color_from_array,
    gray_from_array,
    mask_from_gray,
    read_color,
    read_gray,
    read_opacity,
)
from rechroma.imaging.mask_levels import NoMaskError
from rechroma.imaging.pixels import decode_image, opacity, upright
from rechroma.imaging.types import Luma, Mask, Photo

Picture = str | Path | Image.Image | NDArray[Any]


def to_gray(picture: Picture, name: str) -> Luma:
    """`(H, W)` uint8 luma."""
    if isinstance(picture, str | Path):
        return read_gray(Path(picture))
    if isinstance(picture, Image.Image):
        return np.array(_decoded(picture, name).convert("L"))
    return gray_from_array(picture, name)


def to_color(picture: Picture, name: str) -> Photo:
    """`(H, W, 3)` uint8 RGB."""
    if isinstance(picture, str | Path):
        return read_color(Path(picture))
    if isinstance(picture, Image.Image):
        return np.array(_decoded(picture, name).convert("RGB"))
    return color_from_array(picture, name)


def _decoded(picture: Image.Image, name: str) -> Image.Image:
    """A PIL image upright, 8 bits, without transparency; the image itself is not changed."""
    try:
        return decode_image(picture, name)
    except OSError as error:  # the file of an image that was opened and not yet read
        raise UserError(f"{name}: cannot be read: {error}") from error


def to_mask(picture: Picture) -> Mask:
    """`(H, W)` bool; of whole numbers up to 1, ones are lost."""
    if isinstance(picture, str | Path):
        path = Path(picture)
        return _light_or_painted(read_gray(path), read_opacity(path))
    if isinstance(picture, Image.Image):
        gray = to_gray(picture, "mask")
        transparent = picture.has_transparency_data
        alpha = np.array(opacity(upright(picture))) if transparent else None
        return _light_or_painted(gray, alpha)
    gray = gray_from_array(picture, "mask")  # which also checks the array
    return gray.astype(bool) if gray.max() <= 1 else _light_or_painted(gray, None)


def _light_or_painted(gray: Luma, alpha: Luma | None) -> Mask:
    """The painted part of a partly transparent picture, the light part of any other."""
    partly_transparent = alpha is not None and 0 < mask_from_gray(alpha).mean() < 1
    try:
        return parse_mask(gray, alpha, "auto" if partly_transparent else "white", "mask").lost
    except NoMaskError as error:
        raise UserError(f"mask: {error}") from None


def check_sizes(**pictures: NDArray[Any]) -> None:
    """Raise a UserError unless both pictures have one size; the second is the expected one."""
    (name, one), (other_name, other) = pictures.items()
    if one.shape[:2] != other.shape[:2]:
        sizes = [f"{each.shape[1]}x{each.shape[0]} px" for each in (one, other)]
        raise UserError(f"{name}: is {sizes[0]}, expected {sizes[1]} as the {other_name}")
