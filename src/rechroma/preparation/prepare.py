"""Prepared data from a source: tiles to train on, damaged pictures of the held-out photographs."""

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
from rechroma.imaging.draw_damage import draw_damage
from rechroma.imaging.formats import FORMATS
from rechroma.imaging.io import write_png
from rechroma.imaging.resize import center_square
from rechroma.imaging.types import Luma, Mask, Photo
from rechroma.outputs import whole_folder, write_json
from rechroma.preparation.array_writer import ArrayWriter
from rechroma.preparation.pairs import validate_pair
from rechroma.preparation.sources import (
    SOURCES,
    UNLABELED,
    LoadedPhoto,
    Rejected,
    SourcePhoto,
)
from rechroma.preparation.split_photos import split_photos
from rechroma.preparation.splits import HELD_OUT, TRAIN
from rechroma.preparation.validate import ValidPhoto, check_rejected, validate_photos
from rechroma.progress import parallel_map, track
from rechroma.settings import Settings

SPLITS = (TRAIN, *HELD_OUT, UNLABELED)


@dataclass(frozen=True)
class PrepareReport:
    """What the stage prepare did with the photographs of the source."""

    photos: dict[str, int]
    """Number of photographs in each split."""
    rejected: list[Rejected]
    """Files that cannot be used."""
    skipped: list[Rejected]
    """Valid photographs that would leak between the splits."""
    split_folders: dict[str, str]
    """The folders of the source that set a split, and which."""


def prepare(settings: Settings, source: Path, prepared: Path, report: Path) -> PrepareReport:
    """Turn the photographs at `source` into the folder `prepared` and the file `report`.

    The folder appears complete or not at all. Same settings and photographs, same bytes:

    - `photos.csv`: id, split, group (the id of its first photograph), source file, and height and
      width (px) in the source, for each photograph, sorted by id.
    - `train.npy`: `(N, size, size, 3)` uint8 RGB, in the order of photos.csv.
    - `validation/`, `test/`: `truth/`, `damaged/`, `masks/` with a PNG of each photograph; in its
      own size where the source has it damaged, else `size` px with damage drawn from the seed.
    - `unlabeled/damaged/`: inputs without a target.
    - `dataset.json`: name, digest, size and number of photographs in each split.

    Raises:
        UserError: no photographs, too many that cannot be used, or no possible split.
    """
    # List the photographs of the source; nothing is read yet.
    listing = SOURCES[settings.data.source](settings.data, source)
    photos = sorted(listing.photos, key=lambda photo: photo.id)
    if not photos and not listing.rejected:
        raise UserError(
            f"params.yaml: data.path is '{source}', which holds no photographs "
            f"({', '.join(FORMATS)}); put some there, or set data.source to sample"
        )
    digest = hashlib.sha256()
    with (
        whole_folder(prepared) as folder,
        ArrayWriter(folder / "train.npy", settings.data.size) as tiles,
    ):
        # Read and validate them; each one that may train leaves a tile.
        valid, invalid = validate_photos(photos, tiles)
        rejected = sorted(listing.rejected + invalid)
        check_rejected(rejected, len(photos) + len(listing.rejected), settings.data)
        # Split them, without leaks.
        used, skipped = split_photos(valid, settings)
        # Write each split; the digest covers all pixels and the table.
        tiles.select_rows([photo.row for photo in used if photo.split == TRAIN], digest.update)
        _write_held_out(used, folder, settings, digest.update)
        _write_table(folder / "photos.csv", used)
        digest.update((folder / "photos.csv").read_bytes())
        counts = Counter(photo.split for photo in used)
        photos_of = {name: counts[name] for name in SPLITS}
        result = PrepareReport(photos_of, rejected, skipped, listing.split_folders)
        description = {
            "name": settings.data.source,
            "digest": digest.hexdigest(),
            "size": settings.data.size,
            "photos": result.photos,
        }
        write_json(folder / "dataset.json", description)
    write_json(report, _report_json(settings.data.source, result))
    return result


def _write_held_out(
    used: Sequence[ValidPhoto],
    folder: Path,
    settings: Settings,
    update_digest: Callable[[bytes], None],
) -> None:
    """Write all but the training photographs as PNG, and their pixels to the digest."""

    def write(photo: ValidPhoto) -> list[Photo | Luma | Mask]:
        pictures = _held_out_pictures(photo.source, settings)
        for kind, picture in pictures.items():
            write_png(folder / photo.split / kind / f"{photo.source.id}.png", picture)
        return list(pictures.values())

    held_out = [photo for photo in used if photo.split != TRAIN]
    written = parallel_map(write, held_out)
    for pictures in track(written, "writing held-out photographs", len(held_out)):
        for picture in pictures:
            update_digest(str(picture.shape).encode() + picture.tobytes())


def make_held_out(
    source: SourcePhoto, loaded: LoadedPhoto, settings: Settings
) -> tuple[Photo, Luma, Mask]:
    """The pictures of a held-out photograph; its damage is drawn where the source has none.

    Args:
        source: id and file of the photograph; the id and the seed determine the damage.
        loaded: its pictures; it must have a target.
        settings: seed, size and damage.

    Returns:
        target `(H, W, 3)` uint8 RGB, damaged `(H, W)` uint8, mask `(H, W)` bool, True where lost.

    Raises:
        PhotoError: `loaded` has a damaged picture that does not fit its target.
    """
    target, damaged = loaded
    assert target is not None
    if damaged is not None:
        return target, damaged, validate_pair(source.file, target, damaged)
    target = center_square(target, settings.data.size)
    # A generator for each photograph: its damage does not depend on the others.
    generator = np.random.default_rng([settings.seed, zlib.crc32(source.id.encode())])
    return target, *draw_damage(to_luma(target), settings.damage, generator)


def _held_out_pictures(source: SourcePhoto, settings: Settings) -> dict[str, Photo | Luma | Mask]:
    """The pictures of a held-out photograph by the name of their folder."""
    loaded = source.load()
    if loaded.target is None:
        assert loaded.damaged is not None
        return {"damaged": loaded.damaged}
    kinds = ("truth", "damaged", "masks")
    return dict(zip(kinds, make_held_out(source, loaded, settings), strict=True))


def _write_table(path: Path, used: Sequence[ValidPhoto]) -> None:
    # Bytes of file names that are not UTF-8 are escaped.
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["id", "split", "group", "source", "height", "width"])
        for photo in used:
            source = photo.source
            table.writerow(
                [source.id, photo.split, photo.group, source.file, photo.height, photo.width]
            )


def _report_json(source: str, result: PrepareReport) -> dict[str, Any]:
    report: dict[str, Any] = {
        "source": source,
        "photos": result.photos,
        "rejected_count": len(result.rejected),
        "rejected": [rejected._asdict() for rejected in result.rejected],
        "left_out": [skipped._asdict() for skipped in result.skipped],
    }
    if result.split_folders:
        report["split_folders"] = result.split_folders
    return report
