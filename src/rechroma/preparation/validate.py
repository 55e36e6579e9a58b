"""Validation of a source's photographs: each is read once, and used or rejected with a reason."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rechroma.errors import UserError
from rechroma.imaging.decode import PhotoError
from rechroma.imaging.resize import center_square
from rechroma.imaging.types import Photo
from rechroma.preparation.array_writer import ArrayWriter
from rechroma.preparation.pairs import validate_pair
from rechroma.preparation.sources import Rejected, SourcePhoto
from rechroma.preparation.splits import Keys, pixel_keys
from rechroma.progress import parallel_map, track
from rechroma.settings import Data

SHOWN_REASONS = 5


@dataclass
class ValidPhoto:
    """A photograph that can be used, without its pixels."""

    source: SourcePhoto
    height: int
    """In the source, px."""
    width: int
    """In the source, px."""
    has_damage: bool
    """Whether the source has it damaged; otherwise its damage is to be drawn."""
    keys: Keys
    """Of its pixels, see `splits.pixel_keys`."""
    row: int = -1
    """Its row among the tiles; -1: it has no tile."""
    split: str = ""
    """Empty until it is assigned."""
    group: str = ""
    """The id of the first photograph of its group; empty until it is assigned."""


def validate_photos(
    photos: Sequence[SourcePhoto], tiles: ArrayWriter
) -> tuple[list[ValidPhoto], list[Rejected]]:
    """Read every photograph once, and write the tiles of those that may train.

    Photographs that the source has damaged must have one size: the most frequent one.

    Args:
        photos: of the source.
        tiles: gets a tile of each photograph whose split is not set by the source.

    Returns:
        The photographs that can be used, in the order of `photos`, and the rejected files.
    """

    def validate(photo: SourcePhoto) -> tuple[ValidPhoto, Photo | None] | Rejected:
        try:
            return _validate(photo, tiles.size)
        except PhotoError as error:
            return Rejected(error.name, error.reason)

    valid: list[ValidPhoto] = []
    rejected: list[Rejected] = []
    for result in track(parallel_map(validate, photos), "reading photographs", len(photos)):
        if isinstance(result, Rejected):
            rejected.append(result)
            continue
        photo, tile = result
        if tile is not None:
            photo.row = tiles.append(tile)
        valid.append(photo)
    same_size, other_size = _require_one_size(valid)
    return same_size, rejected + other_size


def check_rejected(rejected: Sequence[Rejected], total: int, data: Data) -> None:
    """Stop if more of `total` files are rejected than `data.rejected_limit` allows.

    Raises:
        UserError: the message shows the first reasons.
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


def _validate(photo: SourcePhoto, size: int) -> tuple[ValidPhoto, Photo | None]:
    """Read one photograph; with its `(size, size, 3)` tile if it may train."""
    target, damaged = photo.load()
    # An input without a target: nothing to compare, no pixels of a target that could leak.
    if target is None:
        assert damaged is not None
        height, width = damaged.shape
        return ValidPhoto(photo, height, width, True, np.empty(0, dtype=np.uint64)), None
    height, width = target.shape[:2]
    if min(height, width) < size:
        raise PhotoError(
            photo.file, f"is {width}x{height} px, data.size asks for {size} px each way"
        )
    if damaged is not None:
        validate_pair(photo.file, target, damaged)
    tile = center_square(target, size) if photo.split is None else None
    return ValidPhoto(photo, height, width, damaged is not None, pixel_keys(target)), tile


def _require_one_size(photos: Sequence[ValidPhoto]) -> tuple[list[ValidPhoto], list[Rejected]]:
    """Reject damaged photographs of another size than most of them have."""
    sizes = Counter((photo.height, photo.width) for photo in photos if photo.has_damage)
    if len(sizes) <= 1:
        return list(photos), []
    height, width = sizes.most_common(1)[0][0]
    same: list[ValidPhoto] = []
    rejected: list[Rejected] = []
    for photo in photos:
        if photo.has_damage and (photo.height, photo.width) != (height, width):
            reason = f"is {photo.width}x{photo.height} px, most are {width}x{height} px"
            rejected.append(Rejected(photo.source.file, reason))
        else:
            same.append(photo)
    return same, rejected
