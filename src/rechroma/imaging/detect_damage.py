"""Detection of damage by rule: flat regions of one gray with a sharp border."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from rechroma.imaging.types import Luma, Mask

NEIGHBORHOOD = np.ones((3, 3), dtype=np.uint8)

# Thresholds between damage and flat parts of photographs; chosen on 3,000 photographs and drawn
# damage.
CORE = 9  # px, at least, whose whole neighborhood has their own gray
SMALLEST_SHARE = 0.0005  # of the photograph that a region covers, at least
FAINT = 3  # gray levels, at most, between a region and a border pixel that hardly differs
CLIPPED_FAINT = 32  # the same for black and white: cameras clip with sharper borders
FAINT_SHARE = 0.5  # of the border of damage that may be faint
THICK = 21  # px; a square of one gray, not black or white, is so rare in photographs, which
THICK_FAINT_SHARE = 0.75  # have noise, that damage may have nearly the gray of its surroundings
CANDIDATES = 64  # flat regions examined, those with the largest cores; floodFill can number 255

Box = tuple[slice, slice]


class _Region(NamedTuple):
    """A flat region: rows and columns of its box, 1 px wider than it, and True in it."""

    box: Box
    inside: Mask


def find_damage(damaged: Luma) -> Mask:
    """Find the damage of a gray photograph by rule: flat regions with a sharp border.

    A region of one gray is damage where it has a core, a pixel whose whole neighborhood has that
    gray, and where most of its border differs clearly from it: overexposed skies and black shadows
    fade into their surroundings. A region along a whole side is a frame, not damage. The gray must
    be exact: a photograph that was saved as JPEG after it was damaged has no flat region.

    Args:
        damaged: `(H, W)` uint8.

    Returns:
        `(H, W)` bool, True where lost; all False where no damage is found.

    >>> photo = np.random.default_rng(0).integers(0, 200, (40, 40), np.uint8)
    >>> photo[10:20, 5:30] = 250
    >>> mask = find_damage(photo)
    >>> mask.sum().item(), bool(mask[10:20, 5:30].all())
    (250, True)
    """
    mask = np.zeros(damaged.shape, dtype=bool)
    # Flat regions that are large enough and no frame, each with the faint share of its border.
    regions = [
        (_faint_share(damaged[region.box], region.inside, mask[region.box]), number, region)
        for number, region in enumerate(_flat_regions(damaged))
        if region.inside.sum() >= SMALLEST_SHARE * damaged.size and not _is_frame(region.inside)
    ]
    # Take the sharpest first, and of equals the one with the largest core: where a region touches
    # one that was taken before, that side no longer counts as border.
    for _, _, (box, inside) in sorted(regions, key=lambda entry: entry[:2]):
        # A thick region of a gray between black and white may have a fainter border.
        thick = cv2.erode(inside.astype(np.uint8), np.ones((THICK, THICK))).any()
        lenient = thick and not _is_clipped(damaged[box][inside][0])
        allowed = THICK_FAINT_SHARE if lenient else FAINT_SHARE
        if _faint_share(damaged[box], inside, mask[box]) < allowed:
            mask[box] |= inside
    return mask


def _flat_regions(luma: Luma) -> Iterator[_Region]:
    """The connected regions of one gray that have a core, those with the largest cores first."""
    # Cores: connected pixels whose 3 x 3 neighborhood has no gradient.
    flat = cv2.morphologyEx(luma, cv2.MORPH_GRADIENT, NEIGHBORHOOD) == 0  # (H, W)
    _, cores, boxes, _ = cv2.connectedComponentsWithStats(flat.astype(np.uint8))
    areas = boxes[:, cv2.CC_STAT_AREA]
    largest = [core for core in np.argsort(-areas, kind="stable") if core and areas[core] >= CORE]
    # Grow each core to all connected pixels of its gray; `marks` holds the number of the region.
    canvas = luma.copy()  # floodFill asks for an array that it may write to, but does not write
    marks = np.zeros(np.add(luma.shape, 2), dtype=np.uint8)  # with floodFill's border of 1 px
    grown = marks[1:-1, 1:-1]
    for number, core in enumerate(largest[:CANDIDATES], start=1):
        # A pixel of the core in the first row of its box.
        x, y, width = boxes[core, :3]
        x += np.argmax(cores[y, x : x + width] == core)
        # Skip a core that an earlier region has grown over.
        if not grown[y, x]:
            flags = 8 | cv2.FLOODFILL_MASK_ONLY | number << 8
            *_, (x, y, width, height) = cv2.floodFill(
                canvas, marks, (int(x), int(y)), 0, flags=flags
            )
            box = np.s_[max(y - 1, 0) : y + height + 1, max(x - 1, 0) : x + width + 1]
            yield _Region(box, grown[box] == number)


def _is_clipped(level: int) -> bool:
    """Whether a gray is nearly black or nearly white."""
    return not FAINT <= level <= 255 - FAINT


def _is_frame(inside: Mask) -> bool:
    """Whether a region covers a whole side of its box: then it is one of the photograph's sides."""
    return any(side.all() for side in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))


def _faint_share(luma: Luma, inside: Mask, damage: Mask) -> float:
    """The share of a region's border pixels that hardly differ from it; 1 without a border.

    The border is that of the region without its thin parts, where damage may run into a part of
    the photograph that has its gray. Damage found before does not count as border, or it would give
    every flat part that it touches a sharp one.

    Args:
        luma: `(h, w)` uint8, the photograph in the box of the region.
        inside: `(h, w)` bool, True in the region.
        damage: `(h, w)` bool, True in damage found before.
    """
    level = int(luma[inside][0])
    # Opening removes the thin parts; the border is one pixel around what remains.
    opened = cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_OPEN, NEIGHBORHOOD)
    border = cv2.dilate(opened, NEIGHBORHOOD).astype(bool) & ~opened.astype(bool) & ~damage
    if not border.any():
        return 1.0
    faint = CLIPPED_FAINT if _is_clipped(level) else FAINT
    return float((np.abs(luma[border].astype(int) - level) <= faint).mean())
