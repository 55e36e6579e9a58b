"""Photographs, masks and planes at other sizes; the large ones a band of rows at a time."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Planes = NDArray[np.float32]

BAND = 65_536  # px that are worked on at once: what fits a cache takes half the time


def fitted(shape: tuple[int, ...], size: int) -> tuple[int, int]:
    """Height and width of a photograph of `shape` reduced to a longer side of at most `size`."""
    factor = min(1.0, size / max(shape[:2]))
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def reduce(luma: Luma, size: int) -> Luma:
    """`(H, W)` uint8 with a longer side of at most `size` px: area means."""
    height, width = fitted(luma.shape, size)
    if (height, width) == luma.shape:
        return luma
    reduced: Luma = cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA)
    return reduced.reshape(height, width)


def reduce_mask(mask: Mask, size: int) -> Mask:
    """`(H, W)` bool likewise, lost wherever any pixel under it is lost."""
    height, width = fitted(mask.shape, size)
    if (height, width) == mask.shape:
        return mask
    # In float32: of very many pixels a single lost one must not be rounded away.
    return resize_plane(mask.astype(np.float32), (height, width), cv2.INTER_AREA) > 0


def resize(planes: Planes, shape: tuple[int, ...], interpolation: int) -> Planes:
    """`(C, h, w)` to `(C, H, W)`."""
    if planes.shape[1:] == tuple(shape):
        return planes
    return np.stack([resize_plane(plane, shape, interpolation) for plane in planes])


def resize_plane(plane: Planes, shape: tuple[int, ...], interpolation: int) -> Planes:
    """`(h, w)` to `(H, W)`."""
    resized: Planes = cv2.resize(plane, shape[::-1], interpolation=interpolation)
    return resized.reshape(shape)


def enlarge(planes: Planes, shape: tuple[int, ...]) -> Planes:
    """`(C, h, w)` to `(C, H, W)`, bicubic."""
    return resize(planes, shape, cv2.INTER_CUBIC)


def enlarged_bands(planes: Planes, shape: tuple[int, ...]) -> Iterator[tuple[slice, Planes]]:
    """`enlarge(planes, shape)` a band of rows at a time: the rows, and `(C, rows, W)` float32."""
    height, width = shape
    wide = resize(planes, (planes.shape[1], width), cv2.INTER_CUBIC)
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
