"""Photographs as they come in: looked at once, each sound or rejected with its reason."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rechroma.errors import UserError
from rechroma.imaging.decode import PhotoError
from rechroma.imaging.resize import center_square
from rechroma.imaging.types import Photo
from rechroma.preparation.array_writer import ArrayWriter
from rechroma.preparation.pairs import mask_of_pair
from rechroma.preparation.sources import Candidate, Rejected
from rechroma.preparation.splits import Keys, pixel_keys
from rechroma.progress import in_order, track
from rechroma.settings import Data

SHOWN_REASONS = 5


@dataclass
class ValidPhoto:
    """A sound photograph after the first look, without its pixels."""

    candidate: Candidate
    height: int
    """In the source, px; so is the width."""
    width: int
    has_damage: bool
    """It came with its damage."""
    keys: Keys
    """What it shows, see `splits.pixel_keys`."""
    row: int = -1
    """Its place among the squares; -1: none."""
    split: str = ""
    group: str = ""
    """The id of the first photograph of its group."""


def validate_photos(
    candidates: Sequence[Candidate], squares: ArrayWriter
) -> tuple[list[ValidPhoto], list[Rejected]]:
    """Look at every photograph once; the squares of those that may train go to `squares`.

    Those that come damaged must all have one size: the most frequent one.
    """

    def look(candidate: Candidate) -> tuple[ValidPhoto, Photo | None] | Rejected:
        try:
            return _look(candidate, squares.size)
        except PhotoError as error:
            return Rejected(error.name, error.reason)

    arrivals: list[ValidPhoto] = []
    rejected: list[Rejected] = []
    for result in track(in_order(look, candidates), "reading photographs", len(candidates)):
        if isinstance(result, Rejected):
            rejected.append(result)
            continue
        arrival, square = result
        if square is not None:
            arrival.row = squares.append(square)
        arrivals.append(arrival)
    same, different = _of_one_size(arrivals)
    return same, rejected + different


def check_rejected(rejected: Sequence[Rejected], total: int, data: Data) -> None:
    """Stop where more of `total` files are rejected than `data.rejected_limit` allows.

    Raises:
        UserError: with the first reasons.
    """
    if len(rejected) <= data.rejected_limit * total:
        return
    shown = "".join(f"\n  {file}: {reason}" for file, reason in rejected[:SHOWN_REASONS])
    more = len(rejected) - SHOWN_REASONS
    raise UserError(
        f"{len(rejected)} of {total} files cannot be used, data.rejected_limit is "
        f"{data.rejected_limit:g}; mend or remove them, or raise the limit:{shown}"
        + (f"\n  … and {more} more" if more > 0 else "")
    )


def _look(candidate: Candidate, size: int) -> tuple[ValidPhoto, Photo | None]:
    target, damaged = candidate.load()
    if target is None:
        assert damaged is not None
        height, width = damaged.shape
        return ValidPhoto(candidate, height, width, True, np.empty(0, dtype=np.uint64)), None
    height, width = target.shape[:2]
    if min(height, width) < size:
        raise PhotoError(
            candidate.file, f"is {width}x{height} px, data.size asks for {size} px each way"
        )
    if damaged is not None:
        mask_of_pair(candidate.file, target, damaged)
    square = center_square(target, size) if candidate.split is None else None
    return ValidPhoto(candidate, height, width, damaged is not None, pixel_keys(target)), square


def _of_one_size(arrivals: Sequence[ValidPhoto]) -> tuple[list[ValidPhoto], list[Rejected]]:
    sizes = Counter((each.height, each.width) for each in arrivals if each.has_damage)
    if len(sizes) <= 1:
        return list(arrivals), []
    height, width = sizes.most_common(1)[0][0]
    same: list[ValidPhoto] = []
    rejected: list[Rejected] = []
    for each in arrivals:
        if each.has_damage and (each.height, each.width) != (height, width):
            reason = f"is {each.width}x{each.height} px, most are {width}x{height} px"
            rejected.append(Rejected(each.candidate.file, reason))
        else:
            same.append(each)
    return same, rejected
