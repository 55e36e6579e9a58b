"""Sources of photographs: a table of functions, each listing photographs to be read later."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from PIL import Image

from rechroma.errors import UserError
from rechroma.imaging.color import is_gray
from rechroma.imaging.decode import PhotoError
from rechroma.imaging.io import is_inside, list_photos, read_color, read_gray
from rechroma.imaging.resize import downscale
from rechroma.imaging.types import Luma, Photo
from rechroma.preparation.competition_archive import Files, inner_path, open_files, read_csv
from rechroma.preparation.photo_ids import ID_BYTES, photo_ids
from rechroma.preparation.split_folders import find_folder_splits
from rechroma.preparation.splits import HELD_OUT
from rechroma.settings import Data

UNLABELED = "unlabeled"

SAMPLE = {
    "skimage": (
        *("data/astronaut.png", "data/chelsea.png", "data/coffee.png"),
        *("data/motorcycle_left.png", "data/rocket.jpg"),
    ),
    "sklearn": ("datasets/images/china.jpg", "datasets/images/flower.jpg"),
}
SHOWN_FOLDERS = 6  # in a message
SAMPLE_SCALES = (100, 75, 50)  # percent


class LoadedPhoto(NamedTuple):
    """The pictures of one photograph; one of them may be None.

    Attributes:
        target: `(H, W, 3)` uint8 RGB; None for an input without a target.
        damaged: `(H, W)` uint8; None where the damage is to be drawn.
    """

    target: Photo | None
    damaged: Luma | None


@dataclass(frozen=True)
class SourcePhoto:
    """A photograph of a source, not read yet."""

    id: str
    """Unique in the source, and usable as a file name."""
    file: str
    """Path within the source, for messages and tables; the same on every machine."""
    load: Callable[[], LoadedPhoto]
    """Reads it; raises PhotoError."""
    group: str | None = None
    """Photographs of one group stay in one split."""
    split: str | None = None
    """The split that the source sets; None: to be drawn."""
    training_only: bool = False
    """Overlaps others of its group, therefore only used if the group trains."""


class Rejected(NamedTuple):
    """A file that is not used, and the reason."""

    file: str
    reason: str


@dataclass
class SourceListing:
    """The photographs of a source, and the files that cannot be any."""

    photos: list[SourcePhoto] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    split_folders: dict[str, str] = field(default_factory=dict)
    """The folders that set a split, and which."""


def list_sample(data: Data, path: Path) -> SourceListing:  # noqa: ARG001
    """Tiles of `data.size` px from the color photographs in scikit-image and scikit-learn.

    They are cut at three scales. Tiles that overlap others by half are for training only. All
    tiles of one photograph are one group.
    """
    listing = SourceListing()
    reduced = cache(_reduced)
    for package, names in SAMPLE.items():
        spec = find_spec(package)
        folder = Path(spec.origin).parent if spec and spec.origin else Path(package)
        for name in names:
            file, stem = f"{package}/{name}", PurePosixPath(name).stem
            try:
                with Image.open(folder / name) as picture:
                    width, height = picture.size
            except OSError:
                listing.rejected.append(Rejected(file, "is missing in the installed package"))
                continue
            for scale in SAMPLE_SCALES:
                load = partial(reduced, folder / name, scale)
                for corner in _corners(height * scale // 100, width * scale // 100, data.size):
                    tile_id = f"{stem}-{scale}-{corner.top}-{corner.left}"
                    tile = partial(_load_tile, load, corner, data.size)
                    listing.photos.append(
                        SourcePhoto(tile_id, file, tile, stem, training_only=corner.overlaps)
                    )
    return listing


def list_folder(data: Data, path: Path) -> SourceListing:  # noqa: ARG001
    """Color photographs in the folder `path` and its subfolders; gray ones are rejected when read.

    Folders named like `train` and `val` set the splits, see `split_folders`: a held-out split
    without a folder is drawn from the photographs of `train`.

    Raises:
        UserError: `path` does not exist, or its folders name splits in an unclear way.
    """
    if not path.exists():
        raise UserError(
            f"params.yaml: data.path is '{path}', which does not exist; expected a folder of "
            "photographs, or set data.source to sample"
        )
    root = path if path.is_dir() else path.parent
    listing = SourceListing()
    names: list[str] = []
    for file in list_photos(path):
        name = file.relative_to(root).as_posix()
        if is_inside(file, root):
            names.append(name)
        else:
            listing.rejected.append(Rejected(name, "is a link that leads outside the folder"))
    splits, listing.split_folders = find_folder_splits(names, f"params.yaml: data.path '{path}'")
    of_name = dict(zip(names, splits, strict=True))
    if listing.split_folders:
        folders = [*listing.split_folders]
        more = ", …" if len(folders) > SHOWN_FOLDERS else ""
        reason = f"is in none of the folders {', '.join(folders[:SHOWN_FOLDERS])}{more}"
        outside = [name for name, split in of_name.items() if split is None]
        listing.rejected += [Rejected(name, reason) for name in outside]
        names = [name for name in names if of_name[name] is not None]
    for photo_id, name in zip(photo_ids(names), names, strict=True):
        split = of_name[name] if of_name[name] in HELD_OUT else None
        load = partial(_load_color, root / name, name)
        listing.photos.append(SourcePhoto(photo_id, name, load, split=split))
    return listing


def list_competition(data: Data, path: Path) -> SourceListing:  # noqa: ARG001
    """The competition's photographs, from `open.zip` or its folder, paired by train.csv.

    The inputs in test.csv, which may be missing, have no target and become the split `unlabeled`.

    Raises:
        UserError: no such data, or a list without its columns or without rows.
    """
    files = open_files(path)
    listing = SourceListing()
    used_ids: set[str] = set()
    lists = {"train.csv": ("input_image_path", "gt_image_path"), "test.csv": ("input_image_path",)}
    for csv_name, columns in lists.items():
        text = files.text(csv_name)
        if text is None:
            continue
        for line, row in read_csv(text, csv_name, columns):
            try:
                names = [inner_path(value, f"{csv_name} line {line}") for value in row]
            except PhotoError as error:
                listing.rejected.append(Rejected(error.name, error.reason))
                continue
            photo_id = PurePosixPath(names[0]).stem
            if photo_id.casefold() in used_ids:
                listing.rejected.append(Rejected(names[0], f"is listed again in {csv_name}"))
                continue
            if len(os.fsencode(photo_id)) > ID_BYTES:
                listing.rejected.append(Rejected(names[0], "has a name of more than 200 bytes"))
                continue
            used_ids.add(photo_id.casefold())
            split = UNLABELED if csv_name == "test.csv" else None
            load = partial(_load_pair, files, *names)
            listing.photos.append(SourcePhoto(photo_id, names[0], load, split=split))
    return listing


SOURCES: dict[str, Callable[[Data, Path], SourceListing]] = {
    "sample": list_sample,
    "photos": list_folder,
    "competition": list_competition,
}
"""The sources by their names in `data.source`."""


class _Corner(NamedTuple):
    """The top left corner of a tile, px, and whether the tile overlaps others."""

    top: int
    left: int
    overlaps: bool


def _corners(height: int, width: int, size: int) -> Iterator[_Corner]:
    """Corners of the tiles, half a tile apart; those off the grid of whole tiles overlap it."""
    step = size // 2
    for row, top in enumerate(range(0, height - size + 1, step)):
        for column, left in enumerate(range(0, width - size + 1, step)):
            yield _Corner(top, left, row % 2 == 1 or column % 2 == 1)


def _reduced(file: Path, scale: int) -> Photo:
    """The photograph at `scale` percent."""
    photo = read_color(file)
    return downscale(photo, photo.shape[0] * scale // 100, photo.shape[1] * scale // 100)


def _load_tile(load: Callable[[], Photo], corner: _Corner, size: int) -> LoadedPhoto:
    photo = load()
    return LoadedPhoto(
        photo[corner.top : corner.top + size, corner.left : corner.left + size].copy(), None
    )


def _load_color(file: Path, name: str) -> LoadedPhoto:
    photo = read_color(file, name)
    if is_gray(photo):
        raise PhotoError(name, "is gray, expected a color photograph")
    return LoadedPhoto(photo, None)


def _load_pair(files: Files, damaged_name: str, target_name: str | None = None) -> LoadedPhoto:
    damaged = read_gray(files.open(damaged_name), damaged_name)
    if target_name is None:
        return LoadedPhoto(None, damaged)
    target = read_color(files.open(target_name), target_name)
    if target.shape[:2] != damaged.shape:
        sizes = [f"{each.shape[1]}x{each.shape[0]} px" for each in (damaged, target)]
        raise PhotoError(damaged_name, f"is {sizes[0]}, but {target_name} is {sizes[1]}")
    return LoadedPhoto(target, damaged)
