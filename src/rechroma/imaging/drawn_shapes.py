"""Which flat regions of a photograph were drawn on it: their outline, border and rivals."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from rechroma.imaging.flat_regions import Edge, FlatRegion, Outline, Shape, edge, opened, outline
from rechroma.imaging.shape_rules import EXACT, Rules
from rechroma.imaging.types import Luma, Mask

# What tells drawn shapes from flat parts of photographs; chosen on one half of the photographs.
CORNERS = 24  # of an outline, at most, and as many more as the square root of its length
SCRAPS = 0.05  # of the area of a shape that may lie within its hull without being a part of it
SMOOTHED = 0.9  # as `round` of the rules, after a wider opening
MASSIVE = 20.0  # px, of shapes that may have nearly the gray of their surroundings
FAINT_MASSIVE = 0.7  # share of their border that may be faint
THIN_LINE = 16.0  # px, of thinner shapes
LARGE_LINE = 9.0  # px, from corner to corner of the outlines of large shapes
LARGE_THICKNESS = 8.0  # px, of large shapes
LEVELS = 9  # different grays, at least, beside a shape in a photograph that uses few
DENSE = 0.4  # share of the grays between the darkest and the lightest that photographs use
ALIGNED = 0.5  # of the border on the grid of JPEG's blocks, if the other flat regions are on it
TOUCHING = 0.25  # of the border that may be the photograph's, except for rectangles
CLIPPED_TOUCHING = 0.08  # the same for black and white
CLIPPED_LIKE = 0.4  # share of the thickness of a black or white shape
ROUND = 0.97  # intersection over union with a drawn circle
CLIPPED = 5  # gray levels from black and from white that cameras and scanners clip
FADING = 0.5  # share of faint border from which on a region is an ordinary flat part
FADING_BLUR = 0.8  # the same for blur
CLEAR_LINE = 24.0  # px, of outlines so clear that only rivals twice as thick count
CLEAR_FAINT = 0.2  # the same for the share of faint border
CLEAR_BLOCK = 0.15  # share of faint border of a shape on the grid of JPEG's blocks
INK = 0.15  # share of the pixels inside letters that have exactly the gray of the ink
INK_AREA = 0.03  # share of a text box that is ink, at least
INK_CONTRAST = 60  # gray levels between the two
STROKE = 9  # px; strokes of letters are thinner
CRISP_FAINT = 0.15  # share of faint border of the ground of letters
FEW_RAGGED = 2  # drawn shapes for each ragged region that is as thick as them
LONE = 10.0  # px, from the middle to the border of thick regions without rivals
LONE_FAINT = 0.75  # share of their border that may be faint
LONE_SHARP = 0.5  # the same of thinner ones
LONE_BLUR = 0.15  # share of the step at the border that may go on further out
LONE_RIVAL = 0.6  # of the thickness of a region; another so thick is a rival
CUT = 0.1  # share of the border of a region that is known damage, at least
CUT_FAINT = 0.5  # share of the rest that may be faint
PLAIN_FAINT = 0.25  # share of the border of shapes that stand out
PLAIN_BLUR = 0.15
PLAIN_LEVELS = 40  # different grays beside them
LONG_LINE = 40.0  # px, of outlines that no part of a photograph has
LONG_BLUR = 0.6
PIECES = 5  # of a polygon, beside its largest one, at most
LETTERS = 3  # clear regions of one gray: text
LETTER = 1 / 8  # of the area of a shape that a letter beside it has, at least


class Candidate(NamedTuple):
    """A flat region with what its rules need."""

    region: FlatRegion
    body: Shape  # (h, w), the region without thin parts
    side: int  # px, of the opening that made the body
    outline: Outline  # of the body
    border: Edge  # of the body
    thickness: float  # px, from the middle of the body to its border
    rules: Rules

    @property
    def shape(self) -> Shape:
        """`(h, w)`, the region without what it ran into through necks."""
        if self.side == self.rules.openings[0]:
            return self.region.shape
        near = cv2.dilate(self.body, np.ones((self.side, self.side), dtype=np.uint8))
        shape: Shape = self.region.shape & near
        return shape


def has_few_levels(luma: Luma) -> bool:
    """Whether a photograph skips most grays, as quantized and binary ones do.

    Example:
        >>> ramp = np.arange(64, dtype=np.uint8).reshape(8, 8)
        >>> has_few_levels(ramp), has_few_levels(4 * ramp)
        (False, True)
    """
    used = np.flatnonzero(np.bincount(luma.ravel(), minlength=256))
    return bool(len(used) < DENSE * (used[-1] - used[0] + 1))


def as_candidate(region: FlatRegion, rules: Rules = EXACT) -> Candidate:
    """A region with its body: the first opening whose outline is geometric, else the smallest."""
    bodies = ((side, opened(region.shape, side)) for side in rules.openings)
    outlined = [(side, body, outline(body, rules.straight)) for side, body in bodies]
    side, body, line = next(
        (each for each in outlined if is_geometric(each[2], each[0], rules)), outlined[0]
    )
    padded = cv2.copyMakeBorder(body, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    thickness = float(cv2.distanceTransform(padded, cv2.DIST_L1, 3).max())
    border = edge(region, body, np.zeros(body.shape, dtype=bool), rules.faint)
    return Candidate(region, body, side, line, border, thickness, rules)


def straightness(line: Outline) -> float:
    """Length from corner to corner of an outline, px, on average."""
    return line.length / max(line.corners, 1)


def is_geometric(line: Outline, side: int, rules: Rules) -> bool:
    """Whether an outline has as few corners as those of rectangles, circles and polygons."""
    least = min(rules.line, rules.round * line.length**0.5)
    most = CORNERS + line.length**0.5
    if side != rules.openings[0]:
        # Wide openings make straight lines themselves.
        least, most = min(2.0 * side, SMOOTHED * line.length**0.5), CORNERS
    return 0 < line.corners <= most and line.gaps <= rules.gaps and straightness(line) >= least


def is_drawn(candidate: Candidate, few_levels: bool) -> bool:
    """Whether the photograph stops at the border of a region and does not fade into it."""
    border, line, rules = candidate.border, candidate.outline, candidate.rules
    if not border.length or not is_geometric(line, candidate.side, rules):
        return False
    large = (
        straightness(line) >= LARGE_LINE
        and candidate.thickness >= LARGE_THICKNESS
        and border.levels >= LEVELS
    )
    clipped = _group(candidate.region.level) != 1
    blur = rules.clipped_blur if clipped else rules.blur
    allowed = rules.faint_large if large else rules.faint_share
    exact = rules.stands_out and large and _is_rectangle(candidate)
    massive = large and rules.stands_out and candidate.thickness >= MASSIVE
    if clipped and not exact:
        allowed = min(allowed, rules.faint_share)
    if massive and not clipped and abs(border.blur) <= 0.1 and border.aligned <= 0.3:
        allowed = FAINT_MASSIVE
    if exact and border.aligned <= 0.3:
        allowed = FAINT_MASSIVE
        blur = max(blur, 0.4 if border.faint <= 0.2 else blur)
    if rules.stands_out and straightness(line) >= LONG_LINE and border.levels >= 20:
        blur = max(blur, LONG_BLUR)
    # A large rectangle of very clear border may lie on the grid of JPEG's blocks by chance.
    clear = border.faint <= CLEAR_BLOCK and candidate.thickness >= MASSIVE and rules.stands_out
    on_grid = border.aligned > rules.aligned and not (clear and _is_rectangle(candidate))
    return (
        (
            candidate.thickness >= rules.thinnest
            or (rules.stands_out and straightness(line) >= THIN_LINE)
        )
        and border.faint <= allowed
        and border.blur <= blur
        and (rules.stands_out or border.blur >= -blur)
        and not on_grid
        and (border.levels >= min(LEVELS, border.length / 4) or not few_levels)
        and (
            border.outside <= (CLIPPED_TOUCHING if clipped else TOUCHING)
            or _is_rectangle(candidate)
        )
        and not _has_text(candidate)
    )


def is_text(candidate: Candidate) -> bool:
    """Whether a region with a crisp border is the ground of letters."""
    return candidate.border.faint <= CRISP_FAINT and _has_text(candidate)


def _is_sharp(candidate: Candidate) -> bool:
    """Whether a region has a geometric outline and a sharp border, wherever it lies."""
    border = candidate.border
    geometric = is_geometric(candidate.outline, candidate.side, candidate.rules)
    return geometric and border.faint <= 0.1 and border.blur <= 0.3 and border.levels >= 20


def _is_plain(candidate: Candidate) -> bool:
    """Whether a region stands out sharply from a photograph of many grays."""
    border = candidate.border
    return (
        border.faint <= PLAIN_FAINT
        and border.blur <= PLAIN_BLUR
        and border.levels >= PLAIN_LEVELS
        and border.aligned <= ALIGNED
        and border.outside <= CLIPPED_TOUCHING
        and straightness(candidate.outline) >= EXACT.line
    )


def _is_rectangle(candidate: Candidate) -> bool:
    area, box = int(candidate.body.sum()), cv2.boundingRect(candidate.body)
    return area == box[2] * box[3] and area >= 0.95 * int(candidate.region.shape.sum())


def _is_circle(candidate: Candidate) -> bool:
    x, y, width, height = cv2.boundingRect(candidate.body)
    if abs(width - height) > 1:
        return False
    radius = (max(width, height) - 1) // 2
    circle = np.zeros_like(candidate.body)
    cv2.circle(circle, (x + radius, y + radius), radius, 1, cv2.FILLED)
    both = int((circle & candidate.body).sum())
    return both >= ROUND * int((circle | candidate.body).sum())


def _has_text(candidate: Candidate) -> bool:
    """Whether a region is the ground of letters: gaps, or scraps of its gray between them."""
    shape = candidate.shape
    if outline(candidate.region.shape).gaps > candidate.rules.gaps or _has_ink(candidate):
        return True
    if candidate.side == candidate.rules.openings[0]:
        return False
    hull = np.zeros_like(shape)
    points = cv2.findNonZero(candidate.body)
    cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
    scraps = candidate.region.shape & hull & (1 - shape)
    if int(scraps.sum()) <= SCRAPS * int(candidate.body.sum()):
        return False
    # Pieces of a polygon are few.
    return cv2.connectedComponents(scraps)[0] - 1 > PIECES


def _has_ink(candidate: Candidate) -> bool:
    """Whether much of what a region encloses has one gray, and the rest grays up to it."""
    shape = candidate.region.shape
    contours, _ = cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    filled = cv2.drawContours(np.zeros_like(shape), contours, -1, 1, cv2.FILLED)
    inner = cv2.erode(filled, np.ones((3, 3), dtype=np.uint8), borderValue=0)
    enclosed = (inner > 0) & (shape == 0)
    grays = candidate.region.luma[enclosed]
    if grays.size < INK_AREA * int(filled.sum()):
        return False
    ink = int(np.bincount(grays).argmax())
    strokes = enclosed & (candidate.region.luma == ink)
    return (
        abs(ink - candidate.region.level) >= INK_CONTRAST
        and int(strokes.sum()) >= INK * grays.size
        and not opened(strokes.view(np.uint8), STROKE).any()
        and cv2.connectedComponents(enclosed.view(np.uint8))[0] - 1 >= LETTERS
    )


def _group(level: int) -> int:
    """0 for black, 2 for white, which are often clipped; 1 for the grays between."""
    return int(level >= CLIPPED) + int(level > 255 - CLIPPED)


def exact_like(candidate: Candidate) -> bool:
    """Whether a region is a rectangle, a circle, or has long straight lines and a clear border."""
    return (
        _is_rectangle(candidate)
        or _is_circle(candidate)
        or (straightness(candidate.outline) >= CLEAR_LINE and candidate.border.faint <= 0.1)
    )


def text_levels(candidates: Sequence[Candidate], drawn: Mask, shapes: Mask) -> set[int]:
    """The grays of letters: each has several clear regions that do not touch.

    Args:
        candidates: all regions.
        drawn: `(len(candidates),)` bool, those that pass for drawn.
        shapes: `(H, W)` bool, True in those that do. Pieces of one shape touch each other at its
            corners, or touch the shape that was drawn over them.
    """
    clear = [
        bool(known) or (c.border.length > 0 and c.border.faint <= c.rules.faint_share)
        for c, known in zip(candidates, drawn, strict=True)
    ]
    levels = [c.region.level for c, passes in zip(candidates, clear, strict=True) if passes]
    several = {level for level in levels if levels.count(level) >= LETTERS}
    if not several:
        return set()
    shapes = shapes.copy()
    for c, passes in zip(candidates, clear, strict=True):
        if passes:
            shapes[c.region.box] |= c.body.view(bool)
    near = cv2.dilate(shapes.view(np.uint8), np.ones((3, 3), dtype=np.uint8))
    _, parts = cv2.connectedComponents(near, connectivity=8)
    found = set()
    for level in several:
        regions = [
            c
            for c, passes in zip(candidates, clear, strict=True)
            if passes and c.region.level == level
        ]
        least = LETTER * max(int(c.body.sum()) for c in regions)
        numbers = {
            int(parts[c.region.box][c.body > 0][0]) for c in regions if int(c.body.sum()) >= least
        }
        if len(numbers) >= LETTERS:
            found.add(level)
    return found


def is_alone(candidate: Candidate, others: Sequence[Candidate]) -> bool:
    """Whether a region of a less clear border is the only thick flat part of a photograph."""
    border = candidate.border
    clipped = _group(candidate.region.level) != 1
    massive = candidate.thickness >= LONE and not clipped
    allowed = LONE_FAINT if massive else LONE_SHARP
    return (
        border.length > 0
        and (massive or is_geometric(candidate.outline, candidate.side, candidate.rules))
        and border.faint <= allowed
        and -2 * LONE_BLUR <= border.blur <= LONE_BLUR
        and border.aligned <= ALIGNED
        and border.outside <= TOUCHING
        and border.levels >= LEVELS
        and not _has_text(candidate)
        and not any(o.thickness >= LONE_RIVAL * candidate.thickness for o in others)
    )


def is_cut(candidate: Candidate, known: Mask) -> bool:
    """Whether a region lies on damage, or is what damage left of one.

    Args:
        candidate: the region.
        known: `(h, w)` bool, True in known damage.
    """
    border = edge(candidate.region, candidate.body, known, candidate.rules.faint)
    if not border.length:
        return True
    whole = edge(candidate.region, candidate.body, np.zeros_like(known), candidate.rules.faint)
    return border.length <= (1 - CUT) * whole.length and border.faint <= CUT_FAINT


def is_doubtful(candidate: Candidate, others: Sequence[Candidate], drawn: Mask) -> bool:
    """Whether the other flat regions of the photograph look like this one.

    Args:
        candidate: a region that passes for drawn.
        others: all other regions.
        drawn: `(len(others),)` bool, those that are known to be drawn.
    """
    border, rules = candidate.border, candidate.rules
    level = candidate.region.level
    # Strong JPEG: the clear borders of the other regions lie on the grid of its blocks, and so
    # does this one.
    clear = np.array([o.border.length * (1 - o.border.faint) for o in others])
    on_grid = clear * [o.border.aligned for o in others]
    blocky = clear.sum() >= border.length / 2 and on_grid.sum() >= ALIGNED * clear.sum()
    if blocky and border.aligned >= ALIGNED:
        return True
    # Rivals: regions as thick as this one that do not just fade, as skies and shadows do.
    clipped = _group(level) != 1
    plain = _is_plain(candidate)
    if clipped and not plain and not exact_like(candidate):
        # Overexposed skies and black shadows, whatever their border.
        same = [
            o
            for o, known in zip(others, drawn, strict=True)
            if _group(o.region.level) == _group(level) and not known
        ]
        if any(o.thickness >= CLIPPED_LIKE * candidate.thickness for o in same):
            return True
    share = rules.clipped_rival if clipped else rules.rival
    line = candidate.outline.length / candidate.outline.corners
    if not clipped and line >= CLEAR_LINE and border.faint <= CLEAR_FAINT:
        share *= 2
    rivals = [
        (bool(known) or is_drawn(o, few_levels=False) or _is_sharp(o), o.region.level)
        for o, known in zip(others, drawn, strict=True)
        if _group(o.region.level) == _group(level)
        and o.thickness >= share * candidate.thickness
        and o.border.faint <= FADING
        and o.border.blur <= FADING_BLUR
    ]
    # Pieces of one shape have one gray.
    shapes = {gray for passes, gray in rivals if passes}
    ragged = sum(not passes for passes, _ in rivals)
    if len(shapes | {level}) > rules.shapes:
        return True
    if plain and ragged <= 1:
        return False
    if not ragged and (rules.stands_out or not clipped or not rivals):
        return False
    # Among ragged ones a gray is doubtful, if they are not few.
    return (
        (not clipped and len(shapes) < FEW_RAGGED * ragged)
        or not rules.stands_out
        or border.blur > 0.1
        or border.faint > 0.1
        or border.levels < 20
        or line < 12
    )
