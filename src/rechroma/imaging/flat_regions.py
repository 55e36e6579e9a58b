"""Flat regions: connected pixels of exactly one gray, and how their border looks."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.types import Luma, Mask

AROUND = np.ones((3, 3), dtype=np.uint8)
CORE = 9  # px, at least, that have nothing but their own gray around
CANDIDATES = 64  # regions looked at, the largest cores first; floodFill can number 255
GAP = 12.0  # px², of gaps inside a shape that count
STRAIGHT = 1.0  # px by which a line of the outline may be off a straight one
JPEG_BLOCK = 8  # px
MARGIN = 2  # px around a region that are compared with it

Shape = NDArray[np.uint8]  # (H, W), 1 inside


class FlatRegion(NamedTuple):
    """A connected region of one gray, cut out with a margin of up to 2 px."""

    box: tuple[slice, slice]  # where the window lies in the photograph
    luma: Luma  # (h, w), the window of the photograph
    shape: Shape  # (h, w), 1 in the region
    level: int  # its gray
    whole_side: bool  # whether it takes a whole side, or reaches from side to side, as frames do


class Outline(NamedTuple):
    """The outline of a shape, approximated by straight lines."""

    length: float  # px, of all contours, those of the gaps included
    corners: int
    gaps: int  # parts inside that do not belong to the shape


class Edge(NamedTuple):
    """How the photograph goes on at the border of a region."""

    length: int  # pixel pairs that were compared
    faint: float  # share of the border where the neighbor has nearly the gray of the region
    blur: float  # how much of the step goes on one pixel further out; about 0 at a drawn border
    levels: int  # different grays beside the region
    aligned: float  # share of the clear border that lies on the grid of JPEG's blocks
    outside: float  # share of the border that is a border of the photograph


def flat_regions(luma: Luma, smallest: float) -> Iterator[FlatRegion]:
    """The connected regions of one gray that have a core of 3 x 3 px, the largest cores first.

    Args:
        luma: `(H, W)` uint8.
        smallest: px, area of the smallest region that is looked at.

    >>> luma = np.arange(100, dtype=np.uint8).reshape(10, 10)
    >>> luma[2:7, 3:8] = 60
    >>> [(region.level, int(region.shape.sum())) for region in flat_regions(luma, 16)]
    [(60, 25)]
    """
    # Cores: pixels whose 3 x 3 neighborhood has one gray.
    flat = cv2.morphologyEx(luma, cv2.MORPH_GRADIENT, AROUND) == 0  # (H, W)
    _, cores, boxes, _ = cv2.connectedComponentsWithStats(flat.view(np.uint8))
    areas = boxes[:, cv2.CC_STAT_AREA]
    largest = [core for core in np.argsort(-areas, kind="stable") if core and areas[core] >= CORE]
    # floodFill grows each core to all connected pixels of its gray; marks have a border of 1 px.
    canvas = luma.copy()  # floodFill wants to be allowed to write, though it does not
    marks = np.zeros(np.add(luma.shape, 2), dtype=np.uint8)
    grown = marks[1:-1, 1:-1]
    for number, core in enumerate(largest[:CANDIDATES], start=1):
        x, y, width = boxes[core, :3]
        x += np.argmax(cores[y, x : x + width] == core)
        if grown[y, x]:
            continue
        flags = 8 | cv2.FLOODFILL_MASK_ONLY | number << 8
        area, *_, (x, y, width, height) = cv2.floodFill(
            canvas, marks, (int(x), int(y)), 0, flags=flags
        )
        if area >= smallest:
            box = (
                slice(max(y - MARGIN, 0), y + height + MARGIN),
                slice(max(x - MARGIN, 0), x + width + MARGIN),
            )
            shape = (grown[box] == number).view(np.uint8)
            sides = (grown[0], grown[-1], grown[:, 0], grown[:, -1])
            whole_side = any((side == number).all() for side in sides) or any(
                (first == number).any() and (last == number).any()
                for first, last in (sides[:2], sides[2:])
            )
            yield FlatRegion(box, luma[box], shape, int(luma[box][shape > 0][0]), whole_side)


def opened(shape: Shape, side: int = 3) -> Shape:
    """A shape without its parts thinner than `side` px; the photograph's border counts as inside.

    >>> shape = np.zeros((5, 9), dtype=np.uint8)
    >>> shape[1:4, 1:4] = shape[2, 4:8] = 1  # a square with a tail
    >>> int(opened(shape).sum())
    9
    """
    square = np.ones((side, side), dtype=np.uint8)
    return np.asarray(cv2.morphologyEx(shape, cv2.MORPH_OPEN, square), dtype=np.uint8)


def outline(shape: Shape, straight: float = STRAIGHT) -> Outline:
    """Length and number of corners of the outline of a shape.

    Drawn rectangles, circles and polygons have few corners for their length, flat parts of a
    photograph have one every few pixels.

    >>> shape = np.zeros((30, 30), dtype=np.uint8)
    >>> shape[5:26, 5:26] = 1
    >>> outline(shape)
    Outline(length=80.0, corners=4, gaps=0)
    """
    padded = cv2.copyMakeBorder(shape, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    contours, tree = cv2.findContours(padded, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return Outline(
        sum(cv2.arcLength(contour, closed=True) for contour in contours),
        sum(len(cv2.approxPolyDP(contour, straight, closed=True)) for contour in contours),
        sum(
            bool(node[3] >= 0) and cv2.contourArea(contour) >= GAP  # with a contour around
            for contour, node in zip(contours, tree[0] if contours else (), strict=True)
        ),
    )


def edge(region: FlatRegion, shape: Shape, ignored: Mask, faint: int) -> Edge:
    """How the photograph goes on at the border of a region.

    Args:
        region: where and of which gray.
        shape: `(h, w)`, 1 in the part of the region whose border is looked at.
        ignored: `(h, w)` bool, pixels that are not compared: other damage.
        faint: gray levels up to which a neighbor counts as the same gray.
    """
    top, left = region.box[0].start, region.box[1].start
    inside = shape.view(bool)
    free = ~inside & ~ignored
    width = inside.shape[1]
    outside = sum(int(side.sum()) for side in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))
    # (rows, columns): the pixel is inside, it is free beside it and one further on.
    sides = (
        (inside[:, 2:], free[:, 1:-1], free[:, :-2], 2, -1),  # to the left
        (inside[:, :-2], free[:, 1:-1], free[:, 2:], 0, 1),
        (inside[2:], free[1:-1], free[:-2], 2 * width, -width),  # up
        (inside[:-2], free[1:-1], free[2:], 0, width),
    )
    luma = np.ascontiguousarray(region.luma).ravel()
    grays, further, grid = [], [], []
    for within, beside, beyond, origin, toward in sides:
        rows, columns = np.divmod(np.flatnonzero(within & beside & beyond), within.shape[1])
        pixels = rows * width + columns + origin
        grays.append(luma[pixels + toward])
        further.append(luma[pixels + 2 * toward])
        # The border lies before the first pixel on one of its sides, behind it on the other.
        start = left if abs(toward) == 1 else top
        place = pixels % width if abs(toward) == 1 else pixels // width
        grid.append((start + place + (toward > 0)) % JPEG_BLOCK == 0)
    gray, second, on_grid = map(np.concatenate, (grays, further, grid))
    change = gray.astype(np.int16) - region.level
    step = np.abs(change)
    # At a blurred border the next pixel is still further away; texture goes either way.
    slope = np.sign(change) * (second.astype(np.int16) - gray)
    if not step.size:
        return Edge(0, 1.0, 1.0, 0, 0.0, 1.0)
    return Edge(
        length=step.size,
        faint=float((step <= faint).mean()),
        blur=float(slope.sum() / max(step.sum(), 1)),
        levels=int(np.count_nonzero(np.bincount(gray))),
        aligned=float(on_grid[step > faint].mean()) if (step > faint).any() else 0.0,
        outside=outside / (outside + step.size),
    )
