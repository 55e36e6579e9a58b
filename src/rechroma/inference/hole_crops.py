"""Hole crops: the parts of a photograph that a network looks at to fill its holes."""

from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.resize import downscale_mask
from rechroma.imaging.types import Mask

Box = tuple[slice, slice]  # rows and columns

OVERVIEW = 1024  # px; holes are separated on a mask reduced to this longer side
CONTEXT_SHARE = 0.5  # of a hole's longer side that is added around it on each side
NARROWEST = 128  # px; a context has at least so many rows and columns
MANY_HOLES = 200  # more are a scatter of spots, which is cut into squares as one hole
MAX_ASPECT = 8  # a hole's length over its thickness; longer ones are cut into pieces so long


class HoleCrop(NamedTuple):
    """One hole, a few close together, or a piece of a long one.

    Attributes:
        core: rows and columns whose lost pixels are filled.
        context: rows and columns of the core and its surroundings, for the network to look at.
    """

    core: Box
    context: Box


def find_hole_crops(mask: Mask) -> list[HoleCrop]:
    """The crops in which the holes of a mask are filled; every lost pixel is in exactly one core.

    A compact hole is one crop, with half its length around it on each side. Long and thin damage
    (scratches, a scatter of spots) is cut into squares: as a single crop, reduced to a network's
    size, it would vanish.

    Args:
        mask: `(H, W)` bool, True where lost.

    >>> mask = np.zeros((900, 1000), bool)
    >>> mask[400:500, 300:500] = True
    >>> (crop,) = find_hole_crops(mask)
    >>> crop.core
    (slice(400, 500, None), slice(300, 500, None))
    >>> crop.context
    (slice(300, 600, None), slice(200, 600, None))
    """
    if not mask.any():
        return []
    # A small photograph is one crop.
    if max(mask.shape) <= NARROWEST:
        everything = np.s_[0 : mask.shape[0], 0 : mask.shape[1]]
        return [HoleCrop(everything, everything)]
    # Holes are found on a reduced mask: a box around each, those that touch merged.
    coarse = downscale_mask(mask, OVERVIEW)
    scale = max(mask.shape) / max(coarse.shape)
    crops: list[HoleCrop] = []
    for box in _merge_touching(_hole_boxes(coarse)):
        # Its thickness, px of the photograph, decides whether it is long.
        thickness = 2 * scale * float(_depth(coarse[box]).max())
        # A long one is cut into squares; those without a lost pixel are dropped.
        for core in _cut_pieces(_scale_box(box, coarse.shape, mask.shape), thickness):
            if mask[core].any():
                crops.append(HoleCrop(core, _add_context(core, thickness, mask.shape)))
    return crops


def _hole_boxes(mask: Mask) -> list[Box]:
    """The bounding box of each connected hole, or a single one around all where they are many."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    boxes = [np.s_[y : y + height, x : x + width] for x, y, width, height, _ in stats[1:].tolist()]
    return boxes if len(boxes) <= MANY_HOLES else [_hull(boxes)]


def _merge_touching(boxes: list[Box]) -> list[Box]:
    """The boxes, those that overlap or touch replaced by their hull until none do."""
    merged: list[Box] = []
    for box in boxes:
        near = [other for other in merged if _touch(box, other)]
        while near:  # a hull may touch boxes that neither of its parts touched
            merged = [other for other in merged if other not in near]
            box = _hull([box, *near])
            near = [other for other in merged if _touch(box, other)]
        merged.append(box)
    return merged


def _touch(one: Box, other: Box) -> bool:
    return all(a.start <= b.stop and b.start <= a.stop for a, b in zip(one, other, strict=True))


def _hull(boxes: list[Box]) -> Box:
    """The smallest box around all `boxes`."""
    rows, columns = zip(*boxes, strict=True)
    return (_span(rows), _span(columns))


def _span(slices: tuple[slice, ...]) -> slice:
    return slice(min(each.start for each in slices), max(each.stop for each in slices))


def _depth(mask: Mask) -> NDArray[np.float32]:
    """`(H + 2, W + 2)` px from each lost pixel to the nearest known one; the border is known."""
    padded = np.pad(mask.astype(np.uint8), 1)
    depth: NDArray[np.float32] = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_3)
    return depth


def _scale_box(box: Box, coarse: tuple[int, ...], shape: tuple[int, ...]) -> Box:
    """The box on a photograph of `shape` that covers `box` on a mask of shape `coarse`."""
    rows, columns = (
        slice(span.start * side // small, -(-span.stop * side // small))
        for span, small, side in zip(box, coarse, shape, strict=True)
    )
    return rows, columns


def _cut_pieces(box: Box, thickness: float) -> list[Box]:
    """The box, cut into squares where it is long for its thickness."""
    side = max(MAX_ASPECT * round(thickness), NARROWEST)
    if max(_lengths(box)) <= 1.5 * side:
        return [box]
    rows, columns = ([*range(span.start, span.stop, side), span.stop] for span in box)
    return [
        np.s_[top:bottom, left:right]
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]


def _add_context(core: Box, thickness: float, shape: tuple[int, ...]) -> Box:
    """The core with its surroundings, as far as a photograph of `shape` has them."""
    margin = round(max(CONTEXT_SHARE * max(_lengths(core)), thickness))
    rows, columns = (_widen(span, margin, side) for span, side in zip(core, shape, strict=True))
    return rows, columns


def _widen(span: slice, margin: int, side: int) -> slice:
    """`span` with `margin` added at both ends, at least `NARROWEST` long, within 0…`side`."""
    lacking = max(0, NARROWEST - (span.stop - span.start + 2 * margin))
    margin += -(-lacking // 2)
    return slice(max(0, span.start - margin), min(side, span.stop + margin))


def _lengths(box: Box) -> tuple[int, int]:
    return box[0].stop - box[0].start, box[1].stop - box[1].start
