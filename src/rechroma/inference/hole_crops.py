"""The holes of a photograph one by one: which part of it a network has to see to fill them."""

from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.resize import downscale_mask
from rechroma.imaging.types import Mask

Box = tuple[slice, slice]

OVERVIEW = 1024  # px; holes are told apart on a mask reduced to this longer side
CONTEXT = 0.5  # of a hole's longer side, that is seen around it on each side
NARROWEST = 128  # px of the photograph that are seen, at least, each way
MANY = 200  # holes; more are a scatter, and cut into squares together
THIN = 8  # times its thickness a hole may be long to be seen as a whole; else in pieces so long


class HoleCrop(NamedTuple):
    """One hole, a few close together, or a piece of a long one.

    Attributes:
        core: rows and columns whose lost pixels are to be filled.
        view: rows and columns to look at, the core and what is around it.
    """

    core: Box
    view: Box


def find_hole_crops(mask: Mask) -> list[HoleCrop]:
    """What to fill one after the other; every lost pixel is in one core.

    A compact hole is seen as a whole with as much around it again. What is long and thin
    (scratches, a scatter of spots) is cut into squares: reduced to a network's size as a whole,
    there would be nothing left of it.

    Args:
        mask: `(H, W)` bool, True where lost.
    """
    if not mask.any():
        return []
    if max(mask.shape) <= NARROWEST:
        everything = np.s_[0 : mask.shape[0], 0 : mask.shape[1]]
        return [HoleCrop(everything, everything)]
    coarse = downscale_mask(mask, OVERVIEW)
    px = max(mask.shape) / max(coarse.shape)
    found: list[HoleCrop] = []
    for box in _merge_touching(_boxes(coarse)):
        thickness = 2 * px * float(_depth(coarse[box]).max())
        for core in _pieces(_scaled(box, coarse.shape, mask.shape), thickness):
            if mask[core].any():
                found.append(HoleCrop(core, _around(core, thickness, mask.shape)))
    return found


def _boxes(mask: Mask) -> list[Box]:
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    boxes = [np.s_[y : y + height, x : x + width] for x, y, width, height, _ in stats[1:].tolist()]
    return boxes if len(boxes) <= MANY else [_hull(boxes)]


def _merge_touching(boxes: list[Box]) -> list[Box]:
    """The boxes, those that overlap or touch made one until none do."""
    merged: list[Box] = []
    for box in boxes:
        near = [other for other in merged if _touch(box, other)]
        while near:
            merged = [other for other in merged if other not in near]
            box = _hull([box, *near])
            near = [other for other in merged if _touch(box, other)]
        merged.append(box)
    return merged


def _touch(one: Box, other: Box) -> bool:
    return all(a.start <= b.stop and b.start <= a.stop for a, b in zip(one, other, strict=True))


def _hull(boxes: list[Box]) -> Box:
    rows, columns = zip(*boxes, strict=True)
    return (_span(rows), _span(columns))


def _span(slices: tuple[slice, ...]) -> slice:
    return slice(min(each.start for each in slices), max(each.stop for each in slices))


def _depth(mask: Mask) -> NDArray[np.float32]:
    """How far inside the hole each pixel lies, px; beyond the box nothing is lost."""
    padded = np.pad(mask.astype(np.uint8), 1)
    depth: NDArray[np.float32] = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_3)
    return depth


def _scaled(box: Box, coarse: tuple[int, ...], shape: tuple[int, ...]) -> Box:
    """The box on a photograph of `shape` that covers this one on a `coarse` one."""
    rows, columns = (
        slice(each.start * side // small, -(-each.stop * side // small))
        for each, small, side in zip(box, coarse, shape, strict=True)
    )
    return rows, columns


def _pieces(box: Box, thickness: float) -> list[Box]:
    side = max(THIN * round(thickness), NARROWEST)
    if max(_lengths(box)) <= 1.5 * side:
        return [box]
    rows, columns = ([*range(each.start, each.stop, side), each.stop] for each in box)
    return [
        np.s_[top:bottom, left:right]
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]


def _around(core: Box, thickness: float, shape: tuple[int, ...]) -> Box:
    margin = round(max(CONTEXT * max(_lengths(core)), thickness))
    rows, columns = (_widened(each, margin, side) for each, side in zip(core, shape, strict=True))
    return rows, columns


def _widened(span: slice, margin: int, side: int) -> slice:
    lacking = max(0, NARROWEST - (span.stop - span.start + 2 * margin))
    margin += -(-lacking // 2)
    return slice(max(0, span.start - margin), min(side, span.stop + margin))


def _lengths(box: Box) -> tuple[int, int]:
    return box[0].stop - box[0].start, box[1].stop - box[1].start
