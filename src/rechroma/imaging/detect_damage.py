"""Damage detected by rule: shapes of one gray that were drawn on a photograph."""

from typing import NamedTuple

import cv2
import numpy as np

from rechroma.imaging.flat_regions import (
    Edge,
    FlatRegion,
    Outline,
    Shape,
    edge,
    flat_regions,
    opened,
    outline,
)
from rechroma.imaging.types import Luma, Mask

# What tells drawn shapes from flat parts of photographs; chosen on one half of the photographs.
SMALLEST = 0.0005  # share of the photograph that a shape hides, at least
LINE = 8.0  # px, at least, from corner to corner of the outline, on average
ROUND = 0.8  # the same for small shapes: of the square root of the outline's length
OPENINGS = (3, 7, 13)  # px; necks through which a shape may run into parts of its own gray
GAPS = 4  # inside a shape, at most; boxes with text have more
FAINT = 3  # gray levels, at most, by which a photograph fades into its flat parts
FAINT_SHARE = 0.3  # of the border of a shape that may be faint
FAINT_LARGE = 0.6  # the same for thick shapes with long straight lines
LARGE_LINE = 12.0  # px
LARGE_THICKNESS = 8.0  # px
BLUR = 0.25  # of the step at the border that may go on one pixel further out
CORNERS = 24  # at most, and as many more as the square root of the outline's length
LEVELS = 9  # different grays, at least, beside a shape in a photograph that uses few
DENSE = 0.4  # share of the grays between the darkest and the lightest that photographs use
ALIGNED = 0.5  # of the border on the grid of JPEG's blocks: strong compression made the region
TOUCHING = 0.25  # of the border that may be the photograph's, except for rectangles
CLIPPED = 5  # gray levels from black and from white that cameras and scanners clip
RIVAL = 0.5  # of the thickness of a shape: flat parts so thick make it doubtful
SHAPES = 5  # drawn in one photograph, at most, of similar thickness
FADING = 0.6  # share of faint border from which on a flat part is none that was drawn
LETTERS = 3  # crisp regions of one gray that are text
LETTER = 1 / 8  # of the area of a shape that a letter beside it has, at least


class _Candidate(NamedTuple):
    region: FlatRegion
    body: Shape  # (h, w), the region without thin parts
    outline: Outline
    side: int  # px, of the opening that made the body
    thickness: float  # px, from the middle of the body to its border


class _Candidate(NamedTuple):
    region: FlatRegion
    body: Shape  # (h, w), the region without thin parts
    outline: Outline
    side: int  # px, of the opening that made the body
    thickness: float  # px, from the middle of the body to its border
    border: Edge


def find_damage(damaged: Luma) -> Mask:
    """The mask of the damage of a gray photograph, detected by rule.

    Args:
        damaged: `(H, W)` uint8.

    Returns:
        `(H, W)` bool, True where lost; all False where no damage is found.
    """
    mask = np.zeros(damaged.shape, dtype=bool)
    candidates = [
        _candidate(region)
        for region in flat_regions(damaged, SMALLEST * damaged.size)
        if not region.whole_side
    ]
    if not any(_is_geometric(c.outline) for c in candidates):
        return mask
    few_levels = _has_few_levels(damaged)
    accepted: set[int] = set()
    for _ in range(3):
        before = len(accepted)
        for number, candidate in enumerate(candidates):
            if number in accepted or not _is_geometric(candidate.outline):
                continue
            found = mask[candidate.region.box]
            border = candidate.border
            if found.any():
                border = edge(candidate.region, candidate.body, found, FAINT)
            candidates[number] = candidate = candidate._replace(border=border)
            others = [c for i, c in enumerate(candidates) if i != number]
            unaccepted = [c for i, c in enumerate(candidates) if i != number and i not in accepted]
            if _is_drawn(candidate, few_levels) and not _is_doubtful(candidate, others, unaccepted):
                accepted.add(number)
                mask[candidate.region.box] |= _grown(candidate).view(bool)
        if len(accepted) == before:
            break
    return mask


def _has_few_levels(luma: Luma) -> bool:
    used = np.flatnonzero(np.bincount(luma.ravel(), minlength=256))
    return len(used) < DENSE * (used[-1] - used[0] + 1)


def _candidate(region: FlatRegion) -> _Candidate:
    bodies = ((side, opened(region.shape, side)) for side in OPENINGS)
    outlined = [(side, body, outline(body)) for side, body in bodies]
    side, body, line = next((each for each in outlined if _is_geometric(each[2])), outlined[0])
    nothing = np.zeros(body.shape, dtype=bool)
    border = edge(region, body, nothing, FAINT)
    return _Candidate(region, body, line, side, _thickness(body), border)


def _thickness(shape: Shape) -> float:
    padded = cv2.copyMakeBorder(shape, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return float(cv2.distanceTransform(padded, cv2.DIST_L1, 3).max())


def _is_geometric(line: Outline) -> bool:
    return (
        0 < line.corners <= CORNERS + line.length**0.5
        and line.gaps <= GAPS
        and line.length / line.corners >= min(LINE, ROUND * line.length**0.5)
    )


def _is_drawn(candidate: _Candidate, few_levels: bool) -> bool:
    border, line = candidate.border, candidate.outline
    if not border.length:
        return False
    area, box = int(candidate.body.sum()), cv2.boundingRect(candidate.body)
    rectangle = area == box[2] * box[3] and area >= 0.95 * candidate.region.shape.sum()
    large = line.length / line.corners >= LARGE_LINE and candidate.thickness >= LARGE_THICKNESS
    return (
        border.faint <= (FAINT_LARGE if large else FAINT_SHARE)
        and border.blur <= BLUR
        and (border.levels >= min(LEVELS, border.length / 4) or not few_levels)
        and (border.outside <= TOUCHING or rectangle)
    )


def _group(level: int) -> int:
    return (level >= CLIPPED) + (level > 255 - CLIPPED)


def _is_doubtful(
    candidate: _Candidate, others: list[_Candidate], unaccepted: list[_Candidate]
) -> bool:
    group = _group(candidate.region.level)
    clear = sum((c.border.length * (1 - c.border.faint) for c in others), 0.0)
    on_grid = sum((c.border.length * (1 - c.border.faint) * c.border.aligned for c in others), 0.0)
    if clear >= candidate.border.length / 2 and on_grid >= ALIGNED * clear and candidate.border.aligned >= ALIGNED:
        return True
    rivals = [
        c
        for c in others
        if _group(c.region.level) == group
        and c.thickness >= RIVAL * candidate.thickness
        and c.border.faint <= FADING
    ]
    letters = [
        c for c in others if c.region.level == candidate.region.level and c.border.faint <= FAINT_SHARE and c.border.blur <= 0.5
        and c.body.sum() >= LETTER * candidate.body.sum()
    ]
    if len(letters) + 1 >= LETTERS:
        return True
    ragged = [c for c in rivals if not (_is_geometric(c.outline) and _is_drawn(c, False))]
    if len(rivals) >= SHAPES or (ragged and group == 1):
        return True
    if ragged:
        border = candidate.border
        length, corners, _ = candidate.outline
        return border.blur > 0.1 or border.faint > 0.1 or border.levels < 20 or length / corners < 12
    return False


def _grown(candidate: _Candidate) -> Shape:
    if candidate.side == OPENINGS[0]:
        return candidate.region.shape
    near = cv2.dilate(candidate.body, np.ones((candidate.side,) * 2, dtype=np.uint8))
    return candidate.region.shape & near
