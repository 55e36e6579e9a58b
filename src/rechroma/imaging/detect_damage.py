"""Damage detected by rule: shapes of one gray that were drawn on a photograph."""

from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np

from rechroma.imaging.compressed_damage import compressed_damage
from rechroma.imaging.drawn_shapes import FAINT, Candidate, as_candidate, has_few_levels
from rechroma.imaging.flat_regions import FlatRegion, Shape, edge, flat_regions
from rechroma.imaging.letters import is_text, text_levels
from rechroma.imaging.shape_rules import is_alone, is_cut, is_doubtful, is_drawn, lone_rectangle
from rechroma.imaging.types import Luma, Mask

SMALLEST = 0.0005  # share of the photograph that a shape hides, at least
CRISP = 0.5  # share of the border of a frame that may be faint in files without JPEG


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

    >>> found = inspect_damage(np.full((32, 32), 77, dtype=np.uint8))
    >>> found.kind, found.doubt, bool(found.mask.any())
    ('none', '', False)
    """
    regions = list(flat_regions(gray, SMALLEST * gray.size))
    candidates = [as_candidate(region) for region in regions if not region.whole_side]
    few_levels = has_few_levels(gray)
    mask, doubtful = _drawn(gray, candidates, few_levels)
    if mask.any():
        return FoundDamage(mask, "exact", _doubt(doubtful))
    # A file with crisp frames or text, or with doubtful regions, was not compressed after them.
    crisp = any(region.whole_side and _is_crisp(region) for region in regions)
    if not (doubtful or few_levels or crisp):
        compressed, unsure = compressed_damage(gray, SMALLEST * gray.size)
        if (compressed.any() or unsure) and not any(map(is_text, candidates)):
            mask, doubtful = compressed, unsure
    if mask.any():
        return FoundDamage(mask, "jpeg", "the file was saved as JPEG after it was damaged")
    return FoundDamage(mask, "none", _doubt(doubtful))


def _is_crisp(region: FlatRegion) -> bool:
    border = edge(region, region.shape, np.zeros(region.shape.shape, dtype=bool), FAINT)
    return border.faint <= CRISP


def _doubt(regions: int) -> str:
    if not regions:
        return ""
    number = "a flat region" if regions == 1 else f"{regions} flat regions"
    return f"{number} could be damage or a part of the photograph"


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
    text: set[int] | None = None  # costly, and of no use without anything drawn
    mask = np.zeros(gray.shape, dtype=bool)
    doubts = 0
    open_ = []
    for number, candidate in enumerate(candidates):
        others = candidates[:number] + candidates[number + 1 :]
        if not drawn[number] and not (not few_levels and is_alone(candidate, others)):
            rectangle = None if few_levels else lone_rectangle(candidate, others)
            if rectangle is None:
                open_.append(candidate)
            else:
                mask[rectangle.region.box] |= rectangle.body.view(bool)
            continue
        if text is None:
            text = text_levels(candidates, drawn, likely > 0)
        if candidate.region.level in text or is_doubtful(
            candidate, others, np.delete(drawn, number)
        ):
            doubts += 1
        else:
            mask[candidate.region.box] |= candidate.shape.view(bool)
    if not mask.any():
        return mask, doubts
    if text is None:
        text = text_levels(candidates, drawn, likely > 0)
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
    border = edge(candidate.region, candidate.body, others, FAINT)
    if not border.length:
        return candidate
    return replace(candidate, known_border=border)
