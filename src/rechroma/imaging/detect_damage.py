"""Damage detected by rule: shapes of one gray that were drawn on a photograph."""

from typing import Literal, NamedTuple

import cv2
import numpy as np

from rechroma.imaging.drawn_shapes import (
    Candidate,
    as_candidate,
    has_few_levels,
    is_alone,
    is_cut,
    is_doubtful,
    is_drawn,
    is_text,
    straightness,
    text_levels,
)
from rechroma.imaging.flat_regions import MARGIN, FlatRegion, Shape, edge, flat_regions, opened
from rechroma.imaging.shape_rules import COMPRESSED, EXACT
from rechroma.imaging.types import Luma, Mask

SMALLEST = 0.0005  # share of the photograph that a shape hides, at least

# After JPEG the blocks inside a shape are still of one gray, those at its border are not.
RINGING = (4, 8, 13)  # gray levels by which a gray may be off, for qualities from 95 to 70
SEED = 5  # px; the side of a square of exactly one gray that a shape has, at least
REACH = 8  # px from such a square, as far as JPEG's blocks reach
SEEDS = 8  # regions, the thickest, that are grown
STILL_EXACT = (0.3, 0.97)  # share of a shape that has exactly its gray, after JPEG


class FoundDamage(NamedTuple):
    """The damage of a photograph, and how well it is known."""

    mask: Mask  # (H, W) bool, True where lost
    kind: Literal["exact", "jpeg", "none"]  # jpeg: the file was compressed after the damage
    doubt: str  # why the mask may be wrong or incomplete; empty without doubt


def find_damage(gray: Luma) -> Mask:
    """The mask of the damage of a gray photograph, detected by rule.

    Damage is a rectangle, circle or polygon of one gray that was drawn on the photograph. A
    photograph whose own flat parts look like that has no detectable damage.

    Args:
        gray: `(H, W)` uint8.

    Returns:
        `(H, W)` bool, True where lost; all False where no damage is detected.

    Example:
        >>> y, x = np.mgrid[:64, :64]
        >>> gray = (128 + 60 * np.sin(x / 5) * np.cos(y / 7) + (x * y) % 7).astype(np.uint8)
        >>> gray[20:40, 10:50] = 30
        >>> mask = find_damage(gray)
        >>> int(mask.sum()), bool(mask[20:40, 10:50].all())
        (800, True)
    """
    return inspect_damage(gray).mask


def inspect_damage(gray: Luma) -> FoundDamage:
    """The damage of a gray photograph, how it was detected and what is doubtful.

    Args:
        gray: `(H, W)` uint8.

    Returns:
        The mask as of `find_damage`, the kind of damage and the doubt.

    Example:
        >>> found = inspect_damage(np.full((32, 32), 77, dtype=np.uint8))
        >>> found.kind, found.doubt, bool(found.mask.any())
        ('none', '', False)
    """
    candidates = [
        as_candidate(region)
        for region in flat_regions(gray, SMALLEST * gray.size)
        if not region.whole_side
    ]
    few_levels = has_few_levels(gray)
    mask, doubtful = _drawn(gray, candidates, few_levels)
    if mask.any():
        return FoundDamage(mask, "exact", _doubt(doubtful))
    # A file with regions that are crisp, but text or doubtful, was not compressed after them.
    crisp = doubtful or any(map(is_text, candidates))
    grown = mask if crisp or few_levels else _grown(gray, candidates)
    if grown.any():
        return FoundDamage(grown, "jpeg", "the file was saved as JPEG after it was damaged")
    return FoundDamage(mask, "none", _doubt(doubtful))


def _doubt(regions: int) -> str:
    if not regions:
        return ""
    return f"{regions} flat regions could be damage or parts of the photograph"


def _drawn(gray: Luma, candidates: list[Candidate], few_levels: bool) -> tuple[Mask, int]:
    """The mask of the regions that were drawn, and how many more only look like it."""
    # Other damage beside a region is no border of the photograph.
    likely = np.zeros(gray.shape, dtype=np.uint8)
    for number, candidate in enumerate(candidates, start=1):
        if is_drawn(candidate, few_levels):
            part = likely[candidate.region.box]
            part[candidate.shape > 0] = number
    candidates = [
        _without_others(candidate, likely[candidate.region.box], number)
        for number, candidate in enumerate(candidates, start=1)
    ]
    drawn = np.array([is_drawn(c, few_levels) for c in candidates], dtype=bool)
    text = text_levels(candidates, drawn, likely > 0)
    mask = np.zeros(gray.shape, dtype=bool)
    doubts = 0
    open_ = []
    for number, candidate in enumerate(candidates):
        others = candidates[:number] + candidates[number + 1 :]
        if not drawn[number] and not (not few_levels and is_alone(candidate, others)):
            open_.append(candidate)
        elif candidate.region.level in text or is_doubtful(
            candidate, others, np.delete(drawn, number)
        ):
            doubts += 1
        else:
            mask[candidate.region.box] |= candidate.shape.view(bool)
    # A shape on a shape, or cut by one, has little border of its own.
    for candidate in open_:
        known = mask[candidate.region.box]
        if known.any() and candidate.region.level not in text and is_cut(candidate, known):
            mask[candidate.region.box] |= candidate.shape.view(bool)
    return mask, doubts


def _without_others(candidate: Candidate, likely: Shape, number: int) -> Candidate:
    """A region whose border is not compared with other likely damage."""
    others = (likely > 0) & (likely != number)
    if not others.any():
        return candidate
    border = edge(candidate.region, candidate.body, others, candidate.rules.faint)
    if not border.length:
        return candidate
    return candidate._replace(border=border)


def _grown(gray: Luma, candidates: list[Candidate]) -> Mask:
    """The mask of shapes that were drawn before the photograph was saved as JPEG."""
    mask = np.zeros(gray.shape, dtype=bool)
    thickest = sorted(candidates, key=lambda c: c.thickness * (c.border.faint - 1.02))[:SEEDS]
    shapes = [_grown_seed(gray, seed) for seed in thickest]
    regions = [shape for shape in shapes if shape is not None]
    for number, candidate in enumerate(regions):
        if not is_drawn(candidate, few_levels=False):
            continue
        others = [
            other
            for other in regions[:number] + regions[number + 1 :]
            if not _same(other.region, candidate.region)
        ]
        if not is_doubtful(candidate, others, np.zeros(len(others), dtype=bool)):
            mask[candidate.region.box] |= candidate.shape.view(bool)
    return mask


def _grown_seed(gray: Luma, seed: Candidate) -> Candidate | None:
    """A region grown by that much ringing that makes its outline clearest."""
    grown = []
    for ringing in RINGING:
        region = _region_around(gray, seed, ringing)
        if region is None or region.whole_side:
            continue
        rules = COMPRESSED._replace(faint=ringing + COMPRESSED.faint)
        candidate = as_candidate(region, rules)
        grown.append(candidate)
    drawn = [candidate for candidate in grown if is_drawn(candidate, few_levels=False)]
    return max(drawn or grown, key=_clearness, default=None)


def _clearness(candidate: Candidate) -> float:
    return straightness(candidate.outline) * (1 - candidate.border.faint)


def _same(first: FlatRegion, second: FlatRegion) -> bool:
    """Whether two regions share most pixels of the smaller one."""
    rows, columns = (
        slice(max(a.start, b.start), min(a.stop, b.stop))
        for a, b in zip(first.box, second.box, strict=True)
    )
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return False
    first_part, second_part = (
        region.shape[
            rows.start - region.box[0].start : rows.stop - region.box[0].start,
            columns.start - region.box[1].start : columns.stop - region.box[1].start,
        ]
        for region in (first, second)
    )
    shared = int((first_part & second_part).sum())
    return shared > 0.5 * min(int(first.shape.sum()), int(second.shape.sum()))


def _region_around(gray: Luma, seed: Candidate, ringing: int) -> FlatRegion | None:
    """The connected pixels of nearly the gray of a region, without specks and thin parts."""
    core = opened(seed.region.shape, SEED)
    if not core.any():
        return None
    # Within reach of blocks of exactly this gray, in a window with room for the thin parts.
    height, width = core.shape
    room = REACH + max(height, width) // 2
    top, left = seed.region.box[0].start, seed.region.box[1].start
    box = (
        slice(max(top - room, 0), top + height + room),
        slice(max(left - room, 0), left + width + room),
    )
    luma, level = gray[box], seed.region.level
    blocks = opened((luma == level).view(np.uint8), SEED)
    near = cv2.dilate(blocks, np.ones((2 * REACH + 1, 2 * REACH + 1), dtype=np.uint8))
    near &= cv2.inRange(luma, max(level - ringing, 0), min(level + ringing, 255))
    # The connected part that holds the region, without specks and thin parts.
    shape = opened(cv2.morphologyEx(near, cv2.MORPH_CLOSE, np.ones((3, 3), dtype=np.uint8)))
    _, parts = cv2.connectedComponents(shape, connectivity=4)
    row, column = np.unravel_index(int(core.argmax()), core.shape)
    part = parts[row + top - box[0].start, column + left - box[1].start]
    if not part:
        return None
    shape = (parts == part).view(np.uint8)
    x, y, width, height = cv2.boundingRect(shape)
    cut = np.s_[max(y - MARGIN, 0) : y + height + MARGIN, max(x - MARGIN, 0) : x + width + MARGIN]
    shape, luma = shape[cut], luma[cut]
    rows, columns = (
        slice(whole.start + part.start, whole.start + part.start + size)
        for whole, part, size in zip(box, cut, shape.shape, strict=True)
    )
    box = (rows, columns)
    whole_side = any(
        size == whole and side.all()
        for size, whole, sides in (
            (shape.shape[1], gray.shape[1], (shape[0], shape[-1])),
            (shape.shape[0], gray.shape[0], (shape[:, 0], shape[:, -1])),
        )
        for side in sides
    )
    least, most = STILL_EXACT
    exact = float((luma[shape > 0] == level).mean())
    if not least <= exact <= most:
        return None
    return FlatRegion(box, luma, shape, level, whole_side)
