"""Which flat regions of a photograph were drawn on it: their outline, border and rivals."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from rechroma.imaging.drawn_shapes import (
    CLEAR_LINE,
    FAINT,
    LINE,
    OPENINGS,
    Candidate,
    clipped_group,
    exact_like,
    is_geometric,
    is_rectangle,
    straightness,
)
from rechroma.imaging.flat_regions import JPEG_BLOCK, edge, opened
from rechroma.imaging.letters import FAINT_SHARE, has_text
from rechroma.imaging.types import Mask

# What tells drawn shapes from flat parts of photographs; chosen on one half of the photographs.
FAINT_LARGE = 0.5  # share of the border of large shapes that may be faint
BLUR = 0.25  # of the step at the border that may go on one pixel further out
ON_GRID = 0.9  # of the border that may lie on the grid of JPEG's blocks
THINNEST = 3.0  # px, from the middle to the border, of shapes without long straight lines
RIVAL = 0.5  # of the thickness of a shape: other regions so thick can make it doubtful
SHAPES = 8  # drawn in one photograph, at most, of similar thickness
MASSIVE = 20.0  # px, of shapes that may have nearly the gray of their surroundings
FAINT_MASSIVE = 0.7  # share of their border that may be faint
THIN_LINE = 16.0  # px, of thinner shapes
LARGE_LINE = 9.0  # px, from corner to corner of the outlines of large shapes
LARGE_THICKNESS = 8.0  # px, of large shapes
LEVELS = 9  # different grays, at least, beside a shape in a photograph that uses few
ALIGNED = 0.5  # of the border on the grid of JPEG's blocks, if the other flat regions are on it
TOUCHING = 0.25  # of the border that may be the photograph's, except for rectangles
CLIPPED_TOUCHING = 0.08  # the same for black and white
CLIPPED_LIKE = 0.4  # share of the thickness of a black or white shape
FADING = 0.5  # share of faint border from which on a region is an ordinary flat part
FADING_BLUR = 0.8  # the same for blur
CLEAR_FAINT = 0.2  # the same for the share of faint border
CLEAR_BLOCK = 0.15  # share of faint border of a shape on the grid of JPEG's blocks
FEW_RAGGED = 2  # drawn shapes for each ragged region that is as thick as them
LONE = 10.0  # px, from the middle to the border of thick regions without rivals
LONE_FAINT = 0.75  # share of their border that may be faint
LONE_SHARP = 0.5  # the same of thinner ones
LONE_BLUR = 0.15  # share of the step at the border that may go on further out
LONE_LEVELS = 16  # different grays beside it
LONE_RIVAL = 0.6  # of the thickness of a region; another so thick is a rival
CUT = 0.1  # share of the border of a region that is known damage, at least
CUT_FAINT = 0.5  # share of the rest that may be faint
PLAIN_FAINT = 0.25  # share of the border of shapes that stand out
PLAIN_BLUR = 0.15  # share of the step that may go on further out
PLAIN_LEVELS = (64, 40, 64)  # different grays beside black, gray and white ones
LONG_LINE = 40.0  # px, of outlines that no part of a photograph has
LONG_BLUR = 0.6


def is_drawn(candidate: Candidate, few_levels: bool) -> bool:
    """Whether the photograph stops at the border of a region and does not fade into it."""
    line = candidate.outline
    if not is_geometric(line, candidate.side) or not candidate.border.length:
        return False
    border = candidate.border
    large = (
        straightness(line) >= LARGE_LINE
        and candidate.thickness >= LARGE_THICKNESS
        and border.levels >= LEVELS
    )
    clipped = clipped_group(candidate.region.level) != 1
    blur = BLUR
    allowed = FAINT_LARGE if large else FAINT_SHARE
    exact = large and is_rectangle(candidate)
    massive = large and candidate.thickness >= MASSIVE
    if clipped and not exact:
        allowed = min(allowed, FAINT_SHARE)
    if massive and not clipped and abs(border.blur) <= 0.1 and border.aligned <= 0.3:
        allowed = FAINT_MASSIVE
    if exact and border.aligned <= 0.3:
        allowed = FAINT_MASSIVE
        blur = max(blur, 0.4 if border.faint <= 0.2 else blur)
    if straightness(line) >= LONG_LINE and border.levels >= 20:
        blur = max(blur, LONG_BLUR)
    # A large rectangle of very clear border may lie on the grid of JPEG's blocks by chance.
    clear = border.faint <= CLEAR_BLOCK and candidate.thickness >= MASSIVE
    on_grid = border.aligned > ON_GRID and not (clear and is_rectangle(candidate))
    return (
        (candidate.thickness >= THINNEST or (straightness(line) >= THIN_LINE))
        and border.faint <= allowed
        and border.blur <= blur
        and not on_grid
        and (border.levels >= min(LEVELS, border.length / 4) or not few_levels)
        and (
            border.outside <= (CLIPPED_TOUCHING if clipped else TOUCHING) or is_rectangle(candidate)
        )
        and not has_text(candidate)
    )


def _is_sharp(candidate: Candidate) -> bool:
    """Whether a region has a geometric outline and a sharp border, wherever it lies."""
    border = candidate.border
    geometric = is_geometric(candidate.outline, candidate.side)
    return geometric and border.faint <= 0.1 and border.blur <= 0.3 and border.levels >= 20


def _is_plain(candidate: Candidate) -> bool:
    """Whether a region stands out sharply from a photograph of many grays."""
    border = candidate.border
    return (
        border.faint <= PLAIN_FAINT
        and border.blur <= PLAIN_BLUR
        and border.levels >= PLAIN_LEVELS[clipped_group(candidate.region.level)]
        and border.aligned <= ALIGNED
        and border.outside <= CLIPPED_TOUCHING
        and straightness(candidate.outline) >= LINE
    )


def is_alone(candidate: Candidate, others: Sequence[Candidate]) -> bool:
    """Whether a region of a less clear border is the only thick flat part of a photograph."""
    clipped = clipped_group(candidate.region.level) != 1
    massive = candidate.thickness >= LONE and not clipped
    if not massive and not is_geometric(candidate.outline, candidate.side):
        return False
    border = candidate.border
    allowed = LONE_FAINT if massive else LONE_SHARP
    return (
        border.length > 0
        and border.faint <= allowed
        and -2 * LONE_BLUR <= border.blur <= LONE_BLUR
        and border.aligned <= ALIGNED
        and border.outside <= TOUCHING
        and border.levels >= LONE_LEVELS
        and not has_text(candidate)
        and not any(o.thickness >= LONE_RIVAL * candidate.thickness for o in others)
    )


def lone_rectangle(candidate: Candidate, others: Sequence[Candidate]) -> Candidate | None:
    """The exact rectangle in a region that runs into its surroundings, if no other is so thick."""
    if clipped_group(candidate.region.level) != 1 or candidate.thickness < LONE:
        return None
    side = OPENINGS[-1]
    body = opened(candidate.region.shape, side)
    x, y, width, height = cv2.boundingRect(body)
    box = candidate.region.box
    on_grid = not any(
        value % JPEG_BLOCK for value in (box[1].start + x, box[0].start + y, width, height)
    )
    if (
        min(width, height) < 2 * LONE
        or int(body.sum()) != width * height
        or on_grid
        or any(o.thickness >= LONE_RIVAL * min(width, height) / 2 for o in others)
    ):
        return None
    # Nothing of what it ran into.
    region = candidate.region._replace(shape=body)
    return replace(candidate, region=region, body=body, side=side)


def is_cut(candidate: Candidate, known: Mask) -> bool:
    """Whether a region lies on damage, or is what damage left of one.

    Args:
        candidate: the region.
        known: `(h, w)` bool, True in known damage.
    """
    border = edge(candidate.region, candidate.body, known, FAINT)
    if not border.length:
        return True
    whole = edge(candidate.region, candidate.body, np.zeros_like(known), FAINT)
    return border.length <= (1 - CUT) * whole.length and border.faint <= CUT_FAINT


def is_doubtful(candidate: Candidate, others: Sequence[Candidate], drawn: Mask) -> bool:
    """Whether the other flat regions of the photograph look like this one.

    Args:
        candidate: a region that passes for drawn.
        others: all other regions.
        drawn: `(len(others),)` bool, those that are known to be drawn.
    """
    border = candidate.border
    level = candidate.region.level
    # Strong JPEG: the clear borders of the other regions lie on the grid of its blocks, and so
    # does this one.
    clear = np.array([o.border.length * (1 - o.border.faint) for o in others])
    on_grid = clear * [o.border.aligned for o in others]
    blocky = clear.sum() >= border.length / 2 and on_grid.sum() >= ALIGNED * clear.sum()
    if blocky and border.aligned >= ALIGNED:
        return True
    # Rivals: regions as thick as this one that do not just fade, as skies and shadows do.
    clipped = clipped_group(level) != 1
    plain = _is_plain(candidate)
    if clipped and not plain and not exact_like(candidate):
        # Overexposed skies and black shadows, whatever their border.
        same = [
            o
            for o, known in zip(others, drawn, strict=True)
            if clipped_group(o.region.level) == clipped_group(level) and not known
        ]
        if any(o.thickness >= CLIPPED_LIKE * candidate.thickness for o in same):
            return True
    share = RIVAL
    line = candidate.outline.length / candidate.outline.corners
    if not clipped and line >= CLEAR_LINE and border.faint <= CLEAR_FAINT:
        share *= 2
    rivals = [
        (bool(known) or is_drawn(o, few_levels=False) or _is_sharp(o), o.region.level)
        for o, known in zip(others, drawn, strict=True)
        if clipped_group(o.region.level) == clipped_group(level)
        and o.thickness >= share * candidate.thickness
        and o.border.faint <= FADING
        and o.border.blur <= FADING_BLUR
    ]
    # Pieces of one shape have one gray.
    shapes = {gray for passes, gray in rivals if passes}
    ragged = sum(not passes for passes, _ in rivals)
    if len(shapes | {level}) > SHAPES:
        return True
    if plain and ragged <= 1:
        return False
    if not ragged:
        return False
    # Among ragged ones a gray is doubtful, if they are not few.
    return (
        (not clipped and len(shapes) < FEW_RAGGED * ragged)
        or border.blur > 0.1
        or border.faint > 0.1
        or border.levels < 20
        or line < 12
    )
