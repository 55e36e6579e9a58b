"""Damage: shapes of one gray each that hide a part of a photograph; drawn, and found again."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.errors import UserError
from rechroma.settings import Damage

Luma = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Shape = NDArray[np.uint8]  # (H, W), 1 where a shape is, as OpenCV draws it

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

PAIR_SHARE = 0.5  # of the pixels that differ in a pair, at least, that have the same gray


def _box(
    shares: tuple[float, float], shape: Shape, generator: np.random.Generator, square: bool = False
) -> tuple[int, int, int, int]:
    """x, y, width and height, px, of a box inside the photograph.

    Its sides are shares of the shorter side and 1 px short of it at most: nothing hides everything.
    """
    shorter: int = min(shape.shape)

    def side() -> int:
        return min(max(round(generator.uniform(*shares) * shorter), 1), shorter - 1)

    width = side()
    height = width if square else side()
    y, x = generator.integers(np.subtract(shape.shape, (height, width)) + 1).tolist()
    return x, y, width, height


def _rectangle(shape: Shape, settings: Damage, generator: np.random.Generator) -> None:
    x, y, width, height = _box(settings.rectangle_side, shape, generator)
    shape[y : y + height, x : x + width] = 1


def _circle(shape: Shape, settings: Damage, generator: np.random.Generator) -> None:
    x, y, diameter, _ = _box(settings.circle_diameter, shape, generator, square=True)
    radius = (diameter - 1) // 2
    cv2.circle(shape, (x + radius, y + radius), radius, 1, cv2.FILLED)


def _polygon(shape: Shape, settings: Damage, generator: np.random.Generator) -> None:
    """Random vertices stretched to their box; edges may cross, `cv2.fillPoly` is even-odd."""
    x, y, width, height = _box(settings.polygon_extent, shape, generator)
    low, high = settings.polygon_vertices
    vertices = generator.random((generator.integers(low, high + 1), 2))
    vertices -= vertices.min(axis=0)
    vertices *= (width - 1, height - 1) / vertices.max(axis=0)
    cv2.fillPoly(shape, [np.rint(np.add(vertices, (x, y))).astype(np.int32)], 1)


KINDS: dict[str, Callable[[Shape, Damage, np.random.Generator], None]] = {
    "rectangle": _rectangle,
    "circle": _circle,
    "polygon": _polygon,
}


def draw(luma: Luma, settings: Damage, generator: np.random.Generator) -> tuple[Luma, Mask]:
    """A damaged copy of a photograph in gray, and where it is damaged.

    A shape that would hide the last visible pixel is left out; the first one never does.

    Args:
        luma: `(H, W)` uint8, at least 2 px each way.
        settings: how many shapes, of what kinds, sizes and grays.
        generator: the only source of randomness.

    Returns:
        damaged, `(H, W)` uint8, and mask, `(H, W)` bool, True where lost.
    """
    damaged = luma.copy()
    mask = np.zeros(luma.shape, dtype=bool)
    low, high = settings.holes
    bounds = list(accumulate(getattr(settings, kind) for kind in KINDS))
    kinds = list(KINDS.values())
    for _ in range(generator.integers(low, high + 1)):
        kind = kinds[bisect_right(bounds, generator.uniform(0, bounds[-1]))]
        shape = np.zeros(luma.shape, dtype=np.uint8)
        kind(shape, settings, generator)
        level = generator.integers(settings.level[0], settings.level[1] + 1)
        hole = shape.view(bool)
        hidden = mask | hole
        if not hidden.all():
            damaged[hole] = level
            mask = hidden
    return damaged, mask


def find_mask(damaged: Luma) -> Mask:
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


def mask_from_pair(damaged: Luma, luma: Luma) -> Mask:
    """Where a damaged photograph differs from its truth in gray, and where its filling hides it.

    A lost pixel whose truth happens to have the gray of the filling does not differ. It counts
    where it hangs together with pixels that do and lies within their convex hull; so a shape on
    black that is filled with black does not take in all the black around it.

    Args:
        damaged: `(H, W)` uint8, one gray where lost, elsewhere exactly `luma`.
        luma: `(H, W)` uint8, PIL's `convert("L")` of the truth.

    Returns:
        `(H, W)` bool, True where lost; all False where the two are equal.

    Raises:
        UserError: sizes differ, or what differs has not mostly one gray: these are no pair.
    """
    if damaged.shape != luma.shape:
        raise UserError(
            f"The damaged photograph is {_size(damaged)} px and its truth {_size(luma)} px, "
            "expected the same size"
        )
    differs: Mask = damaged != luma
    if not differs.any():
        return differs
    grays = np.bincount(damaged[differs])
    level, share = int(grays.argmax()), grays.max() / grays.sum()
    if share < PAIR_SHARE:
        raise UserError(
            "The damaged photograph and its truth differ in many grays, "
            f"at most {share:.0%} of the differing pixels have the same one, "
            f"expected {PAIR_SHARE:.0%} or more; is it the truth of another photograph?"
        )
    filled = damaged == level
    lost = filled & differs
    _, labels = cv2.connectedComponents(filled.astype(np.uint8))
    mask = np.zeros(damaged.shape, dtype=bool)
    for label in np.unique(labels[lost]):
        part = labels == label
        points = np.argwhere(part & lost)[:, ::-1].astype(np.int32)  # (N, 2), x and y
        hull = np.zeros(damaged.shape, dtype=np.uint8)
        cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
        mask |= part & hull.astype(bool)
    return mask


def _size(luma: Luma) -> str:
    return f"{luma.shape[1]} x {luma.shape[0]}"
