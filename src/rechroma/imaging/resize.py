"""Photographs, masks and planes at other sizes; the large ones a band of rows at a time."""

from collections.abc import Iterator

import cv2
import numpy as np
from PIL import Image

from rechroma.imaging.types import Luma, Mask, Photo, Planes

BAND = 65_536  # px that are worked on at once: what fits a cache takes half the time


def fit_shape(shape: tuple[int, ...], size: int) -> tuple[int, int]:
    """Height and width of a photograph of `shape` reduced to a longer side of at most `size`."""
    factor = min(1.0, size / max(shape[:2]))
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def downscale_luma(luma: Luma, size: int) -> Luma:
    """`(H, W)` uint8 with a longer side of at most `size` px: area means."""
    height, width = fit_shape(luma.shape, size)
    if (height, width) == luma.shape:
        return luma
    reduced: Luma = cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA)
    return reduced.reshape(height, width)


def downscale_mask(mask: Mask, size: int) -> Mask:
    """`(H, W)` bool likewise, lost wherever any pixel under it is lost."""
    height, width = fit_shape(mask.shape, size)
    if (height, width) == mask.shape:
        return mask
    # In float32: of very many pixels a single lost one must not be rounded away.
    return resize_plane(mask.astype(np.float32), (height, width), cv2.INTER_AREA) > 0


def resize_planes(planes: Planes, shape: tuple[int, ...], interpolation: int) -> Planes:
    """`(C, h, w)` to `(C, H, W)`."""
    if planes.shape[1:] == tuple(shape):
        return planes
    return np.stack([resize_plane(plane, shape, interpolation) for plane in planes])


def resize_plane(plane: Planes, shape: tuple[int, ...], interpolation: int) -> Planes:
    """`(h, w)` to `(H, W)`."""
    resized: Planes = cv2.resize(plane, shape[::-1], interpolation=interpolation)
    return resized.reshape(shape)


def upscale(planes: Planes, shape: tuple[int, ...]) -> Planes:
    """`(C, h, w)` to `(C, H, W)`, bicubic."""
    return resize_planes(planes, shape, cv2.INTER_CUBIC)


def upscale_bands(planes: Planes, shape: tuple[int, ...]) -> Iterator[tuple[slice, Planes]]:
    """`enlarge(planes, shape)` a band of rows at a time: the rows, and `(C, rows, W)` float32."""
    height, width = shape
    wide = resize_planes(planes, (planes.shape[1], width), cv2.INTER_CUBIC)
    # How much each row of the planes counts in each row of the result: OpenCV's own weights.
    weights = resize_plane(
        np.eye(planes.shape[1], dtype=np.float32), (height, planes.shape[1]), cv2.INTER_CUBIC
    )
    rows = max(1, BAND // width)
    for top in range(0, height, rows):
        band = slice(top, min(top + rows, height))
        counted = np.flatnonzero(weights[band].any(axis=0))
        near = slice(counted[0], counted[-1] + 1)
        yield band, np.matmul(weights[band, near], wide[:, near])


def center_square(photo: Photo, size: int) -> Photo:
    """The largest centered square of an `(H, W, 3)` uint8 photo, reduced to `(size, size, 3)`.

    Raises:
        ValueError: the shorter side is below `size`; photographs are never enlarged.
    """
    height, width = photo.shape[:2]
    side = min(height, width)
    if side < size:
        raise ValueError(f"photo is {width}x{height} px, expected at least {size} px each way")
    top, left = (height - side) // 2, (width - side) // 2
    centered = photo[top : top + side, left : left + side]
    return downscale(centered, size, size)


def downscale(photo: Photo, height: int, width: int) -> Photo:
    """An `(H, W, 3)` uint8 photo as `(height, width, 3)`, without aliasing (Lanczos)."""
    if photo.shape[:2] == (height, width):
        return photo
    filtered = Image.fromarray(photo).resize(
        (width, height), Image.Resampling.LANCZOS, reducing_gap=3.0
    )
    return np.array(filtered)
