"""A split for each valid photograph: set by the source or drawn, without leaks between splits."""

import logging
from collections.abc import Sequence

import numpy as np

from rechroma.errors import UserError
from rechroma.preparation.sources import Rejected
from rechroma.preparation.splits import (
    HELD_OUT,
    TRAIN,
    Groups,
    assign_splits,
    check_no_leak,
    find_bridges,
    group_photos,
)
from rechroma.preparation.validate import ValidPhoto
from rechroma.settings import Settings

logger = logging.getLogger(__name__)


def split_photos(
    valid: Sequence[ValidPhoto], settings: Settings
) -> tuple[list[ValidPhoto], list[Rejected]]:
    """Set the split and group of each photograph.

    Args:
        valid: the photographs; `split` and `group` are set in place.
        settings: seed, and the shares and limit of the held-out splits.

    Returns:
        The used photographs, sorted by id, and those skipped because they would leak.

    Raises:
        UserError: no photographs to train on, no possible split, or a leak between splits that the
            source sets.
    """
    # Some photographs have a split from the source, the others get one here.
    preset = [photo for photo in valid if photo.source.split]
    unassigned = [photo for photo in valid if not photo.source.split]
    for photo in preset:
        photo.split = photo.source.split or ""
    shares = {
        name: getattr(settings.data, name)
        for name in HELD_OUT
        if name not in {photo.split for photo in preset}
    }
    # Skip photographs that would leak, or whose overlaps leave fewer groups than splits.
    unassigned, leaking = _without_leaks(preset, unassigned)
    if not unassigned:
        raise UserError("no photographs are left to train on, add some")
    splits = 1 + sum(share > 0 for share in shares.values())
    unassigned, bridging = _without_bridges(unassigned, splits)
    skipped = sorted(leaking + bridging)
    for file, reason in skipped:
        logger.info("skipped %s: %s", file, reason)
    # Draw the splits, whole groups at a time.
    generator = np.random.default_rng(settings.seed)
    names = assign_splits(_groups(unassigned), shares, settings.data.held_out_limit, generator)
    for photo, name in zip(unassigned, names, strict=True):
        photo.split = name
    used = [
        photo
        for photo in sorted([*preset, *unassigned], key=lambda photo: photo.source.id)
        if photo.split == TRAIN or not photo.source.training_only
    ]
    files = [photo.source.file for photo in used]
    check_no_leak([photo.keys for photo in used], [photo.split for photo in used], files)
    # Name each group after its first photograph.
    numbers = _groups(used).tolist()
    first = dict(zip(reversed(numbers), reversed(used), strict=True))
    for photo, number in zip(used, numbers, strict=True):
        photo.group = first[number].source.id
    return used, skipped


def _groups(photos: Sequence[ValidPhoto]) -> Groups:
    return group_photos([photo.keys for photo in photos], [photo.source.group for photo in photos])


def _without_leaks(
    preset: Sequence[ValidPhoto], unassigned: Sequence[ValidPhoto]
) -> tuple[list[ValidPhoto], list[Rejected]]:
    """`unassigned` without photographs that share pixels with one of `preset`."""
    numbers = _groups([*preset, *unassigned]).tolist()
    preset_of_group = dict(zip(numbers[: len(preset)], preset, strict=True))
    separate, skipped = [], []
    for photo, number in zip(unassigned, numbers[len(preset) :], strict=True):
        if number in preset_of_group:
            other = preset_of_group[number].source
            reason = f"shares pixels with {other.file} of {other.split}"
            skipped.append(Rejected(photo.source.file, reason))
        else:
            separate.append(photo)
    return separate, skipped


def _without_bridges(
    photos: Sequence[ValidPhoto], wanted: int
) -> tuple[list[ValidPhoto], list[Rejected]]:
    """`photos` without those that connect all others to fewer than `wanted` groups."""
    if len(np.unique(_groups(photos))) >= wanted:
        return list(photos), []
    source_groups = [photo.source.group for photo in photos]
    bridges = set(find_bridges([photo.keys for photo in photos], source_groups, wanted))
    reason = "joins photographs that go to different splits by sharing pixels with them"
    skipped = [Rejected(photos[number].source.file, reason) for number in sorted(bridges)]
    return [photo for number, photo in enumerate(photos) if number not in bridges], skipped
