"""Pictures in requests: files as bytes or base64 text, or arrays."""

import base64
import io
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rechroma.deployment.request_limits import RequestLimits
from rechroma.errors import UserError
from rechroma.imaging.decode import PhotoError, open_image
from rechroma.imaging.io import (
    color_from_array,
    gray_from_array,
    mask_from_gray,
    read_color,
    read_gray,
    read_opacity,
)
from rechroma.imaging.mask_levels import NoMaskError, split_levels
from rechroma.imaging.types import Luma, Mask, Photo


def is_empty(value: Any) -> bool:
    """Whether a request leaves the mask out: empty text, bytes or array, null, or not a number."""
    if isinstance(value, np.ndarray):
        return value.size == 0
    return not value if isinstance(value, str | bytes | list) else bool(pd.isna(value))


def read_mask(picture: bytes | NDArray[Any], name: str) -> Mask:
    """`(H, W)` bool; errors call it `name`. What a mask is: `imaging.mask_levels`."""
    gray = _read_luma(picture, name)
    if isinstance(picture, bytes):
        opacity = read_opacity(io.BytesIO(picture), name)
        painted = None if opacity is None else mask_from_gray(opacity)
        if painted is not None and 0 < painted.mean() < 1:
            return painted
    elif gray.max() <= 1:  # all ones of an array are all lost
        return gray.astype(bool)
    try:
        return split_levels(gray).light
    except NoMaskError as error:
        raise UserError(f"{name}: {error}") from None


def read_color_picture(picture: bytes | NDArray[Any], name: str) -> Photo:
    """`(H, W, 3)` uint8 RGB of a picture; errors call it `name`."""
    if isinstance(picture, bytes):
        return read_color(io.BytesIO(picture), name)
    return color_from_array(picture, name)


def _read_luma(picture: bytes | NDArray[Any], name: str) -> Luma:
    """`(H, W)` uint8 of a picture; errors call it `name`."""
    if isinstance(picture, bytes):
        return read_gray(io.BytesIO(picture), name)
    return gray_from_array(picture, name)


def as_picture(value: Any, name: str, limits: RequestLimits) -> bytes | NDArray[Any]:
    """The picture file or array in any of the accepted forms, within the limits."""
    if isinstance(value, list):
        value = _as_array(value, name)
    if isinstance(value, np.ndarray):
        height, width = np.atleast_2d(value).shape[:2]
        limits.check_pixels(height, width, name)
        return value
    if isinstance(value, str):
        limits.check_bytes(len(value) * 3 // 4, name)
        value = _decode_base64(value, name)
    if isinstance(value, bytes):
        limits.check_bytes(len(value), name)
        with open_image(io.BytesIO(value), name) as opened:
            limits.check_pixels(opened.picture.height, opened.picture.width, name)
        return value
    raise UserError(
        f"{name}: expected a picture file as base64 text or bytes, or an array, "
        f"got {type(value).__name__}"
    )


def _as_array(rows: list[Any], name: str) -> NDArray[Any]:
    try:
        return np.asarray(rows)
    except ValueError:  # rows of unequal lengths
        return gray_from_array(rows, name)  # which raises the error of an irregular array
    except OverflowError:
        raise PhotoError(name, "is an array of too large numbers, expected 0 to 255") from None


def _decode_base64(text: str, name: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)  # may be in lines of 76
    except ValueError as error:
        shown = text if len(text) <= 20 else f"{text[:20]}…"
        raise UserError(
            f"{name}: expected a picture file as base64 text, got '{shown}' ({error})"
        ) from error
