"""A source turned into prepared data: squares to train on, damaged pictures for the rest."""

import csv
import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.imaging.decode import FORMATS
from rechroma.imaging.draw_damage import draw_damage
from rechroma.imaging.io import write_png
from rechroma.imaging.resize import center_square
from rechroma.imaging.types import Luma, Mask, Photo
from rechroma.outputs import whole_folder, write_json
from rechroma.preparation.array_writer import ArrayWriter
from rechroma.preparation.pairs import mask_of_pair
from rechroma.preparation.sources import (
    HELD_OUT,
    SOURCES,
    UNLABELED,
    Candidate,
    LoadedPhoto,
    Rejected,
)
from rechroma.preparation.splits import TRAIN, Groups, assign, bridges, check_no_leak, groups
from rechroma.preparation.validate import ValidPhoto, check_rejected, validate_photos
from rechroma.progress import in_order, track
from rechroma.settings import Settings

SPLITS = (TRAIN, *HELD_OUT, UNLABELED)


@dataclass(frozen=True)
class Prepared:
    """What `prepare` made."""

    photos: dict[str, int]
    """Photographs in each split."""
    rejected: list[Rejected]
    """Files that cannot be used."""
    left_out: list[Rejected]
    """Sound photographs that would leak between the splits."""


def prepare(settings: Settings, source: Path, prepared: Path, report: Path) -> Prepared:
    """Turn the photographs at `source` into the folder `prepared` and the file `report`.

    The folder appears whole or not at all. Same settings and photographs, same bytes:

    - `photos.csv`: id, split, group (the id of its first photograph), source file, and height and
      width (px) in the source, for each photograph, sorted by id.
    - `train.npy`: `(N, size, size, 3)` uint8 RGB, in the order of photos.csv.
    - `validation/`, `test/`: `truth/`, `damaged/`, `masks/` with a PNG of each photograph; as large
      as it came where its damage was given, else `size` px with damage drawn from the seed.
    - `unlabeled/damaged/`: inputs without a target.
    - `dataset.json`: name, digest, size and photographs in each split.

    Raises:
        UserError: no photographs, too many that cannot be used, or no possible split.
    """
    found = SOURCES[settings.data.source](settings.data, source)
    candidates = sorted(found.candidates, key=lambda candidate: candidate.id)
    if not candidates and not found.rejected:
        raise UserError(
            f"params.yaml: data.path is '{source}', which holds no photographs "
            f"({', '.join(FORMATS)}); put some there, or set data.source to sample"
        )
    digest = hashlib.sha256()
    with (
        whole_folder(prepared) as folder,
        ArrayWriter(folder / "train.npy", settings.data.size) as squares,
    ):
        arrivals, unusable = validate_photos(candidates, squares)
        rejected = sorted(found.rejected + unusable)
        check_rejected(rejected, len(candidates) + len(found.rejected), settings.data)
        kept, left_out = _divide(arrivals, settings)
        squares.keep([each.row for each in kept if each.split == TRAIN], digest.update)
        _write_held_out(kept, folder, settings, digest.update)
        _write_table(folder / "photos.csv", kept)
        digest.update((folder / "photos.csv").read_bytes())
        counts = Counter(each.split for each in kept)
        made = Prepared({name: counts[name] for name in SPLITS}, rejected, left_out)
        description = {
            "name": settings.data.source,
            "digest": digest.hexdigest(),
            "size": settings.data.size,
            "photos": made.photos,
        }
        write_json(folder / "dataset.json", description)
    write_json(report, _report(settings.data.source, made))
    return made


def _divide(
    arrivals: Sequence[ValidPhoto], settings: Settings
) -> tuple[list[ValidPhoto], list[Rejected]]:
    """Give every photograph its split and group; return those that stay and those that leak."""
    given = [each for each in arrivals if each.candidate.split]
    free = [each for each in arrivals if not each.candidate.split]
    for each in given:
        each.split = each.candidate.split or ""
    taken = {each.split for each in given}
    shares = {name: getattr(settings.data, name) for name in HELD_OUT if name not in taken}
    free, left_out = _apart_from(given, free)
    if not free:
        raise UserError("no photographs are left to train on, add some")
    free, bridging = _in_groups(free, 1 + sum(share > 0 for share in shares.values()))
    left_out += bridging
    generator = np.random.default_rng(settings.seed)
    names = assign(_groups(free), shares, settings.data.held_out_limit, generator)
    for each, name in zip(free, names, strict=True):
        each.split = name
    kept = [
        each
        for each in sorted([*given, *free], key=lambda each: each.candidate.id)
        if each.split == TRAIN or not each.candidate.training_only
    ]
    files = [each.candidate.file for each in kept]
    check_no_leak([each.keys for each in kept], [each.split for each in kept], files)
    numbers = _groups(kept).tolist()
    first = dict(zip(reversed(numbers), reversed(kept), strict=True))
    for each, number in zip(kept, numbers, strict=True):
        each.group = first[number].candidate.id
    return kept, sorted(left_out)


def _groups(arrivals: Sequence[ValidPhoto]) -> Groups:
    return groups([each.keys for each in arrivals], [each.candidate.group for each in arrivals])


def _apart_from(
    given: Sequence[ValidPhoto], free: Sequence[ValidPhoto]
) -> tuple[list[ValidPhoto], list[Rejected]]:
    """`free` without those that share pixels with one whose split the source gives."""
    numbers = _groups([*given, *free]).tolist()
    held = dict(zip(numbers[: len(given)], given, strict=True))
    apart, left_out = [], []
    for each, number in zip(free, numbers[len(given) :], strict=True):
        if number in held:
            other = held[number].candidate
            reason = f"shares pixels with {other.file} of {other.split}"
            left_out.append(Rejected(each.candidate.file, reason))
        else:
            apart.append(each)
    return apart, left_out


def _in_groups(
    arrivals: Sequence[ValidPhoto], wanted: int
) -> tuple[list[ValidPhoto], list[Rejected]]:
    """`arrivals` without those that join what is needed as `wanted` groups."""
    if len(np.unique(_groups(arrivals))) >= wanted:
        return list(arrivals), []
    skipped = set(
        bridges(
            [each.keys for each in arrivals], [each.candidate.group for each in arrivals], wanted
        )
    )
    reason = "joins photographs that go to different splits by sharing pixels with them"
    left_out = [Rejected(arrivals[place].candidate.file, reason) for place in sorted(skipped)]
    return [each for place, each in enumerate(arrivals) if place not in skipped], left_out


def _write_held_out(
    kept: Sequence[ValidPhoto], folder: Path, settings: Settings, see: Callable[[bytes], None]
) -> None:
    """Write all but the training photographs as PNG; `see` is shown their pixels."""

    def write(each: ValidPhoto) -> list[Photo | Luma | Mask]:
        pictures = _pictures(each.candidate, settings)
        for kind, picture in pictures.items():
            write_png(folder / each.split / kind / f"{each.candidate.id}.png", picture)
        return list(pictures.values())

    held = [each for each in kept if each.split != TRAIN]
    for pictures in track(in_order(write, held), "writing the held-out ones", len(held)):
        for picture in pictures:
            see(str(picture.shape).encode() + picture.tobytes())


def make_held_out(
    candidate: Candidate, came: LoadedPhoto, settings: Settings
) -> tuple[Photo, Luma, Mask]:
    """Truth, damaged and mask of a photograph that is held out, `came` having a target.

    Raises:
        PhotoError: what came as its damage is none.
    """
    target, damaged = came
    assert target is not None
    if damaged is not None:
        return target, damaged, mask_of_pair(candidate.file, target, damaged)
    target = center_square(target, settings.data.size)
    own = np.random.default_rng([settings.seed, zlib.crc32(candidate.id.encode())])
    return target, *draw_damage(to_luma(target), settings.damage, own)


def _pictures(candidate: Candidate, settings: Settings) -> dict[str, Photo | Luma | Mask]:
    came = candidate.load()
    if came.target is None:
        assert came.damaged is not None
        return {"damaged": came.damaged}
    kinds = ("truth", "damaged", "masks")
    return dict(zip(kinds, make_held_out(candidate, came, settings), strict=True))


def _write_table(path: Path, kept: Sequence[ValidPhoto]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["id", "split", "group", "source", "height", "width"])
        for each in kept:
            chosen = each.candidate
            table.writerow(
                [chosen.id, each.split, each.group, chosen.file, each.height, each.width]
            )


def _report(source: str, made: Prepared) -> dict[str, Any]:
    return {
        "source": source,
        "photos": made.photos,
        "rejected_count": len(made.rejected),
        "rejected": [each._asdict() for each in made.rejected],
        "left_out": [each._asdict() for each in made.left_out],
    }
