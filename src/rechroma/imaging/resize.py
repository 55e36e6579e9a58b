"""Photographs, masks and planes at other sizes; large planes a band of rows at a time."""

from collections.abc import Iterator

import cv2
import numpy as np
from PIL import Image

from rechroma.imaging.types import Luma, Mask, Photo, Plane, Planes

BAND = 65_536  # px of a band: what fits the processor's cache takes half the time


def fit_shape(shape: tuple[int, ...], size: int) -> tuple[int, int]:
    """Height and width, px, of a photograph of `shape` reduced to a longer side of at most `size`.

    >>> fit_shape((300, 400, 3), 100)
    (75, 100)
    >>> fit_shape((30, 40), 100)
    (30, 40)
    """
    factor = min(1.0, size / max(shape[:2]))
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def downscale_luma(luma: Luma, size: int) -> Luma:
    """`(H, W)` uint8 reduced to a longer side of at most `size` px by area means.

    >>> downscale_luma(np.array([[0, 100], [100, 200]], np.uint8), 1).tolist()
    [[100]]
    """
    height, width = fit_shape(luma.shape, size)
    if (height, width) == luma.shape:
        return luma
    reduced: Luma = cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA)
    return reduced.reshape(height, width)


def downscale_mask(mask: Mask, size: int) -> Mask:
    """`(H, W)` bool reduced to a longer side of at most `size` px.

    A pixel of the result is lost where any pixel of the area that it covers is lost.

    >>> downscale_mask(np.array([[False, True], [False, False]]), 1).tolist()
    [[True]]
    """
    height, width = fit_shape(mask.shape, size)
    if (height, width) == mask.shape:
        return mask
    # In float32: a single lost pixel among very many must not be rounded away.
    return resize_plane(mask.astype(np.float32), (height, width), cv2.INTER_AREA) > 0


def resize_planes(planes: Planes, shape: tuple[int, ...], interpolation: int) -> Planes:
    """`(C, h, w)` float32 at `shape` (H, W), by one of OpenCV's interpolations: `(C, H, W)`.

    >>> resize_planes(np.ones((2, 4, 4), np.float32), (2, 3), cv2.INTER_AREA).shape
    (2, 2, 3)
    """
    if planes.shape[1:] == tuple(shape):
        return planes
    return np.stack([resize_plane(plane, shape, interpolation) for plane in planes])


def resize_plane(plane: Plane, shape: tuple[int, ...], interpolation: int) -> Plane:
    """`(h, w)` float32 at `shape` (H, W), by one of OpenCV's interpolations.

    >>> resize_plane(np.eye(2, dtype=np.float32), (1, 1), cv2.INTER_AREA).tolist()
    [[0.5]]
    """
    resized: Plane = cv2.resize(plane, shape[::-1], interpolation=interpolation)
    return resized.reshape(shape)


def upscale(planes: Planes, shape: tuple[int, ...]) -> Planes:
    """`(C, h, w)` float32 enlarged to `shape` (H, W) by bicubic interpolation: `(C, H, W)`.

    >>> upscale(np.full((1, 2, 2), 0.5, np.float32), (3, 3)).mean().item()
    0.5
    """
    return resize_planes(planes, shape, cv2.INTER_CUBIC)


def upscale_bands(planes: Planes, shape: tuple[int, ...]) -> Iterator[tuple[slice, Planes]]:
    """`upscale(planes, shape)` one band of rows at a time, for results too large for memory.

    Args:
        planes: `(C, h, w)` float32.
        shape: H and W, px.

    Yields:
        The rows of the band, and its `(C, rows, W)` float32 values; up to rounding those of
        `upscale`.

    >>> bands = upscale_bands(np.ones((1, 2, 2), np.float32), (3, 3))
    >>> [(rows.start, rows.stop, values.shape) for rows, values in bands]
    [(0, 3, (1, 3, 3))]
    """
    height, width = shape
    # Bicubic interpolation is separable. Along the rows first: the planes are still low.
    wide = resize_planes(planes, (planes.shape[1], width), cv2.INTER_CUBIC)  # (C, h, W)
    # Then along the columns, as a product with OpenCV's own weights: those of an enlarged identity.
    weights = resize_plane(
        np.eye(planes.shape[1], dtype=np.float32), (height, planes.shape[1]), cv2.INTER_CUBIC
    )  # (H, h)
    rows = max(1, BAND // width)
    for top in range(0, height, rows):
        band = slice(top, min(top + rows, height))
        # Only the few rows of the planes near the band have a weight in it.
        weighted = np.flatnonzero(weights[band].any(axis=0))
        near = slice(weighted[0], weighted[-1] + 1)
        yield band, np.matmul(weights[band, near], wide[:, near])  # (C, rows, W)


def center_square(photo: Photo, size: int) -> Photo:
    """The largest centered square of an `(H, W, 3)` uint8 photo, reduced to `(size, size, 3)`.

    Raises:
        ValueError: the shorter side is below `size`; photographs are never enlarged.

    >>> center_square(np.zeros((30, 40, 3), np.uint8), 16).shape
    (16, 16, 3)
    """
    height, width = photo.shape[:2]
    side = min(height, width)
    if side < size:
        raise ValueError(f"photo is {width}x{height} px, expected at least {size} px each way")
    top, left = (height - side) // 2, (width - side) // 2
    return downscale(photo[top : top + side, left : left + side], size, size)


def downscale(photo: Photo, height: int, width: int) -> Photo:
    """An `(H, W, 3)` uint8 photo as `(height, width, 3)`, without aliasing (Lanczos).

    >>> downscale(np.full((8, 8, 3), 90, np.uint8), 2, 4).shape
    (2, 4, 3)
    """
    if photo.shape[:2] == (height, width):
        return photo
    reduced = Image.fromarray(photo).resize(
        (width, height), Image.Resampling.LANCZOS, reducing_gap=3.0
    )
    return np.array(reduced)
