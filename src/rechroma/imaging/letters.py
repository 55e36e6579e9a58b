"""Flat regions that belong to text: letters and the ground of letters."""

from collections.abc import Sequence

import cv2
import numpy as np

from rechroma.imaging.drawn_shapes import GAPS, OPENINGS, Candidate
from rechroma.imaging.flat_regions import opened, outline
from rechroma.imaging.types import Mask

# What tells drawn shapes from flat parts of photographs; chosen on one half of the photographs.
FAINT_SHARE = 0.3  # of the border that may be faint
SCRAPS = 0.05  # of the area of a shape that may lie within its hull without being a part of it
INK = 0.15  # share of the pixels inside letters that have exactly the gray of the ink
INK_AREA = 0.03  # share of a text box that is ink, at least
INK_CONTRAST = 60  # gray levels between the two
STROKE = 9  # px; strokes of letters are thinner
CRISP_FAINT = 0.15  # share of faint border of the ground of letters
PIECES = 5  # of a polygon, beside its largest one, at most
LETTERS = 3  # clear regions of one gray: text
LETTER = 1 / 8  # of the area of a shape that a letter beside it has, at least


def has_text(candidate: Candidate) -> bool:
    """Whether a region is the ground of letters: gaps, or scraps of its gray between them."""
    shape = candidate.shape
    if outline(candidate.region.shape).gaps > GAPS or _has_ink(candidate):
        return True
    if candidate.side == OPENINGS[0]:
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


def is_text(candidate: Candidate) -> bool:
    """Whether a region with a crisp border is the ground of letters."""
    return candidate.border.faint <= CRISP_FAINT and has_text(candidate)


def text_levels(candidates: Sequence[Candidate], drawn: Mask, shapes: Mask) -> set[int]:
    """The grays of letters: each has several clear regions that do not touch.

    Args:
        candidates: all regions.
        drawn: `(len(candidates),)` bool, those that pass for drawn.
        shapes: `(H, W)` bool, True in those that do. Pieces of one shape touch each other at its
            corners, or touch the shape that was drawn over them.
    """
    clear = [
        bool(known) or (c.border.length > 0 and c.border.faint <= FAINT_SHARE)
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
