"""The photographs of a blind comparison: damaged as they are, or with holes drawn on them."""

import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal

import numpy as np

from rechroma.apps.batch.mask_file import read_mask_file
from rechroma.apps.batch.match_pictures import mask_beside, real_place, stem_key
from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.imaging.decode import PhotoError
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.draw_damage import draw_damage
from rechroma.imaging.formats import EXPECTED
from rechroma.imaging.io import list_photos, read_color
from rechroma.imaging.toned import find_tone
from rechroma.imaging.types import Luma, Mask
from rechroma.preparation.photo_ids import photo_ids
from rechroma.settings import Settings

Draw = Literal["color", "all", "none"]
"""On which photographs holes are drawn, of those without a mask beside them."""

SMALLEST = 16  # px, shorter side


@dataclass(frozen=True)
class ListedPhoto:
    """A photograph of a folder, not read yet.

    Attributes:
        id: unique in the folder; the drawn holes depend on it, as those of `rechroma evaluate`.
        file: its path.
        name: its path within the folder.
        masks: files named like masks of it (`a_mask.png`), beside it.
    """

    id: str
    file: Path
    name: PurePath
    masks: tuple[Path, ...] = ()


@dataclass(frozen=True)
class BlindPhoto:
    """A photograph to restore.

    Attributes:
        file: its path.
        damaged: `(H, W)` uint8 gray.
        mask: `(H, W)` bool, True where lost, as a user has it: of a file, or found by rule.
    """

    file: Path
    damaged: Luma
    mask: Mask


def list_folder(folder: Path, results: Iterable[Path] = ()) -> list[ListedPhoto]:
    """The photographs in a folder and its subfolders, with the masks that lie beside them.

    Args:
        folder: to search.
        results: folders of restored pictures, which may lie inside; nothing of them is listed.

    Raises:
        UserError: it is no folder, or holds no photograph.
    """
    if not folder.is_dir():
        raise UserError(f"--photos: {folder} is not a folder, expected one with photographs")
    restored = [real_place(each) for each in results]
    files = [
        file
        for file in list_photos(folder)
        if not any(real_place(file).is_relative_to(each) for each in restored)
    ]
    stems = {stem_key(file): file for file in files}
    masks: dict[Path, list[Path]] = defaultdict(list)
    for file in files:
        photo = mask_beside(file, stems)
        if photo is not None:
            masks[photo].append(file)
    beside = {file for several in masks.values() for file in several}
    photos = [file for file in files if file not in beside]
    if not photos:
        raise UserError(f"--photos: {folder} holds no photographs, {EXPECTED}")
    names = [file.relative_to(folder) for file in photos]
    ids = photo_ids([name.as_posix() for name in names])
    return [
        ListedPhoto(photo_id, file, name, tuple(masks[file]))
        for photo_id, file, name in zip(ids, photos, names, strict=True)
    ]


def choose_photos(photos: list[ListedPhoto], limit: int | None, seed: int) -> list[ListedPhoto]:
    """`limit` of the photographs, drawn by the seed, in their order; all of them for None."""
    if limit is None or limit >= len(photos):
        return photos
    drawn = np.random.default_rng(seed).permutation(len(photos))[:limit]
    return [photos[index] for index in sorted(drawn)]


def read_photo(listed: ListedPhoto, draw: Draw, settings: Settings) -> BlindPhoto:
    """A photograph in gray, and where it is lost.

    A mask beside it is used. Without one, holes are drawn as `draw` says, and what is lost is found
    by rule, as for a user.

    Args:
        listed: the photograph.
        draw: holes on photographs in color, on all, or on none.
        settings: `damage` and `seed` are used.

    Raises:
        UserError: it cannot be read, is too small, or nothing of it is known.
    """
    photo = read_color(listed.file)
    if min(photo.shape[:2]) < SMALLEST:
        size = f"{photo.shape[1]}x{photo.shape[0]} px"
        raise PhotoError(str(listed.file), f"is {size}, expected at least {SMALLEST} px each way")
    gray = to_luma(photo)
    if len(listed.masks) > 1:
        names = " and ".join(mask.name for mask in listed.masks[:3])
        raise PhotoError(str(listed.file), f"{names} lie beside it, expected one mask")
    if listed.masks:
        mask = read_mask_file(listed.masks[0], "auto", photo).lost
    else:
        if draw == "all" or (draw == "color" and find_tone(photo) == "color"):
            # A generator for each photograph, as for the test photographs of the pipeline.
            generator = np.random.default_rng([settings.seed, zlib.crc32(listed.id.encode())])
            gray, _ = draw_damage(gray, settings.damage, generator)
        mask = find_damage(gray)
    if mask.all():
        raise PhotoError(str(listed.file), "its mask hides everything, expected some of it known")
    return BlindPhoto(listed.file, gray, mask)
