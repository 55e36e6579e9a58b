"""Flat regions of a photograph with what tells whether they were drawn on it."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from rechroma.imaging.flat_regions import Edge, FlatRegion, Outline, Shape, edge, opened, outline
from rechroma.imaging.types import Luma

# What tells drawn shapes from flat parts of photographs; chosen on one half of the photographs.
FAINT = 3  # gray levels, at most, by which a photograph fades into its flat parts
OPENINGS = (3, 7, 13)  # px; necks through which a shape may run into parts of its gray
GAPS = 3  # inside a shape, at most; boxes with text have more
LINE = 8.0  # px, at least, from corner to corner of an outline, on average
SMALL_LINE = 0.65  # the same for small shapes: of the square root of the outline's length
CORNERS = 24  # of an outline, at most, and as many more as the square root of its length
SMOOTHED = 0.9  # as SMALL_LINE, after a wider opening
DENSE = 0.4  # share of the grays between the darkest and the lightest that photographs use
ROUND = 0.97  # intersection over union with a drawn circle
CLIPPED = 5  # gray levels from black and from white that cameras and scanners clip
CLEAR_LINE = 24.0  # px, of outlines so clear that only rivals twice as thick count


@dataclass(frozen=True)
class Candidate:
    """A flat region with what its rules need, most of it computed when it is asked for."""

    region: FlatRegion
    body: Shape  # (h, w), the region without thin parts
    side: int  # px, of the opening that made the body
    outline: Outline  # of the body
    known_border: Edge | None = None  # where it is compared with less than everything beside it

    @cached_property
    def border(self) -> Edge:
        """How the photograph goes on beside the body."""
        if self.known_border is not None:
            return self.known_border
        return edge(self.region, self.body, np.zeros(self.body.shape, dtype=bool), FAINT)

    @cached_property
    def thickness(self) -> float:
        """From the middle of the body to its border, px."""
        padded = cv2.copyMakeBorder(self.body, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        return float(cv2.distanceTransform(padded, cv2.DIST_L1, 3).max())

    @cached_property
    def shape(self) -> Shape:
        """`(h, w)`, the region without what it ran into through necks."""
        if self.side == OPENINGS[0]:
            return self.region.shape
        near = cv2.dilate(self.body, np.ones((self.side, self.side), dtype=np.uint8))
        shape: Shape = self.region.shape & near
        return shape


def has_few_levels(luma: Luma) -> bool:
    """Whether a photograph skips most grays, as quantized and binary ones do.

    >>> ramp = np.arange(64, dtype=np.uint8).reshape(8, 8)
    >>> has_few_levels(ramp), has_few_levels(4 * ramp)
    (False, True)
    """
    used = np.flatnonzero(np.bincount(luma.ravel(), minlength=256))
    return bool(len(used) < DENSE * (used[-1] - used[0] + 1))


def as_candidate(region: FlatRegion) -> Candidate:
    """A region with its body: the first opening whose outline is geometric, else the smallest."""
    smallest = None
    for side in OPENINGS:
        body = opened(region.shape, side)
        candidate = Candidate(region, body, side, outline(body))
        if is_geometric(candidate.outline, side):
            return candidate
        smallest = smallest or candidate
        if not candidate.outline.corners:
            break  # nothing is left of it
    assert smallest is not None
    return smallest


def straightness(line: Outline) -> float:
    """Length from corner to corner of an outline, px, on average."""
    return line.length / max(line.corners, 1)


def is_geometric(line: Outline, side: int) -> bool:
    """Whether an outline has as few corners as those of rectangles, circles and polygons."""
    least = min(LINE, SMALL_LINE * line.length**0.5)
    most = CORNERS + line.length**0.5
    if side != OPENINGS[0]:
        # Wide openings make straight lines themselves.
        least, most = min(2.0 * side, SMOOTHED * line.length**0.5), CORNERS
    return 0 < line.corners <= most and line.gaps <= GAPS and straightness(line) >= least


def is_rectangle(candidate: Candidate) -> bool:
    """Whether a region is a rectangle, and has hardly run into anything."""
    area, box = int(candidate.body.sum()), cv2.boundingRect(candidate.body)
    return area == box[2] * box[3] and area >= 0.95 * int(candidate.region.shape.sum())


def is_circle(candidate: Candidate) -> bool:
    """Whether a region looks like a circle that OpenCV draws."""
    x, y, width, height = cv2.boundingRect(candidate.body)
    if abs(width - height) > 1:
        return False
    radius = (max(width, height) - 1) // 2
    circle = np.zeros_like(candidate.body)
    cv2.circle(circle, (x + radius, y + radius), radius, 1, cv2.FILLED)
    both = int((circle & candidate.body).sum())
    return both >= ROUND * int((circle | candidate.body).sum())


def clipped_group(level: int) -> int:
    """0 for black, 2 for white, which are often clipped; 1 for the grays between."""
    return int(level >= CLIPPED) + int(level > 255 - CLIPPED)


def exact_like(candidate: Candidate) -> bool:
    """Whether a region is a rectangle, a circle, or has long straight lines and a clear border."""
    return (
        is_rectangle(candidate)
        or is_circle(candidate)
        or (straightness(candidate.outline) >= CLEAR_LINE and candidate.border.faint <= 0.1)
    )
