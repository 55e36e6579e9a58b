"""Damage found by rule: flat regions with a sharp border."""

from collections.abc import Iterator

import cv2
import numpy as np

from rechroma.imaging.types import Luma, Mask

AROUND = np.ones((3, 3), dtype=np.uint8)

# What tells damage from flat parts of photographs; chosen on 3,000 photographs and drawn damage.
CORE = 9  # px, at least, that have nothing but their own gray around
SMALLEST = 0.0005  # share of the photograph that a shape hides, at least
FAINT = 3  # gray levels, at most, by which a photograph fades into its flat parts
CLIPPED_FAINT = 32  # the same into black and white, which cameras make with sharper borders
FAINT_SHARE = 0.5  # of the border of a shape that may be faint
THICK = 21  # px; a square of one gray, not black or white, is so rare in photographs, which
THICK_FAINT_SHARE = 0.75  # have noise, that a shape may have nearly the gray of its surroundings
CANDIDATES = 64  # flat regions looked at, the largest cores first; floodFill can number 255


def find_damage(damaged: Luma) -> Mask:
    """Where a photograph in gray is damaged, found by rule: flat regions with a sharp border.

    A region of one gray is damage where it has a core, nothing but its own gray around, and where
    most of its border differs clearly from it: overexposed skies and black shadows fade into
    their surroundings. A region along a whole side is a frame, not damage. The fillings must be
    exact: a photograph that was saved as JPEG after it was damaged has none.

    Args:
        damaged: `(H, W)` uint8.

    Returns:
        `(H, W)` bool, True where lost; all False where no damage is found.
    """
    mask = np.zeros(damaged.shape, dtype=bool)
    regions = [
        (_faint_share(damaged[box], region, mask[box]), number, box, region)
        for number, (box, region) in enumerate(_flat_regions(damaged))
        if region.sum() >= SMALLEST * damaged.size and not _is_frame(region)
    ]
    for _, _, box, region in sorted(regions, key=lambda found: found[:2]):
        thick = cv2.erode(region.astype(np.uint8), np.ones((THICK, THICK))).any()
        trusted = thick and not _is_clipped(damaged[box][region][0])
        allowed = THICK_FAINT_SHARE if trusted else FAINT_SHARE
        if _faint_share(damaged[box], region, mask[box]) < allowed:
            mask[box] |= region
    return mask


def _flat_regions(luma: Luma) -> Iterator[tuple[tuple[slice, slice], Mask]]:
    """The connected regions of one gray that have a core: a box 1 px wider, and True in it."""
    flat = cv2.morphologyEx(luma, cv2.MORPH_GRADIENT, AROUND) == 0
    _, cores, boxes, _ = cv2.connectedComponentsWithStats(flat.astype(np.uint8))
    areas = boxes[:, cv2.CC_STAT_AREA]
    largest = [core for core in np.argsort(-areas, kind="stable") if core and areas[core] >= CORE]
    canvas = luma.copy()  # floodFill wants to be allowed to write, though it does not
    marks = np.zeros(np.add(luma.shape, 2), dtype=np.uint8)  # with a border of 1 px, as it asks
    grown = marks[1:-1, 1:-1]
    for number, core in enumerate(largest[:CANDIDATES], start=1):
        x, y, width = boxes[core, :3]
        x += np.argmax(cores[y, x : x + width] == core)
        if not grown[y, x]:
            flags = 8 | cv2.FLOODFILL_MASK_ONLY | number << 8
            *_, (x, y, width, height) = cv2.floodFill(
                canvas, marks, (int(x), int(y)), 0, flags=flags
            )
            box = np.s_[max(y - 1, 0) : y + height + 1, max(x - 1, 0) : x + width + 1]
            yield box, grown[box] == number


def _is_clipped(level: int) -> bool:
    return not FAINT <= level <= 255 - FAINT


def _is_frame(region: Mask) -> bool:
    """Whether a region reaches along a whole side of its box: then that is the photograph's."""
    return any(side.all() for side in (region[0], region[-1], region[:, 0], region[:, -1]))


def _faint_share(surroundings: Luma, region: Mask, found: Mask) -> float:
    """How much of the border of a region of one gray is hardly another gray; 1 without a border.

    The border is that of the region without its thin parts: there a shape may run into a part of
    the photograph that has its gray. Damage found before is no border, or it would make every
    flat part that it touches a sharp one.
    """
    level = int(surroundings[region][0])
    opened = cv2.morphologyEx(region.astype(np.uint8), cv2.MORPH_OPEN, AROUND)
    border = cv2.dilate(opened, AROUND).astype(bool) & ~opened.astype(bool) & ~found
    if not border.any():
        return 1.0
    faint = CLIPPED_FAINT if _is_clipped(level) else FAINT
    return float((np.abs(surroundings[border].astype(int) - level) <= faint).mean())
