"""Where photographs come from: a table of sources, each listing photographs still to be read."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
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
from rechroma.preparation.competition_archive import Files, inner_path, open_files, rows
from rechroma.settings import Data

HELD_OUT = ("validation", "test")
UNLABELED = "unlabeled"

SAMPLE = {
    "skimage": (
        *("data/astronaut.png", "data/chelsea.png", "data/coffee.png"),
        *("data/motorcycle_left.png", "data/rocket.jpg"),
    ),
    "sklearn": ("datasets/images/china.jpg", "datasets/images/flower.jpg"),
}
SAMPLE_SCALES = (100, 75, 50)  # percent


class LoadedPhoto(NamedTuple):
    """`target`: `(H, W, 3)` uint8 RGB; `damaged`: `(H, W)` uint8. None where there is none."""

    target: Photo | None
    damaged: Luma | None


@dataclass(frozen=True)
class Candidate:
    """A photograph of a source, not read yet."""

    id: str
    """Unique in the source, and usable as a file name."""
    file: str
    """As people name it; the same on every machine."""
    load: Callable[[], LoadedPhoto]
    """Reads it; raises PhotoError."""
    group: str | None = None
    """Photographs of one group stay in one split."""
    split: str | None = None
    """Where the source itself puts it; None: to be drawn."""
    training_only: bool = False
    """Overlaps others of its group, therefore only used if the group trains."""


class Rejected(NamedTuple):
    """A file that is left out."""

    file: str
    reason: str


@dataclass
class SourceListing:
    """What a source holds."""

    candidates: list[Candidate] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def list_sample(data: Data, path: Path) -> SourceListing:  # noqa: ARG001
    """Tiles of `data.size` px from the color photographs inside scikit-image and scikit-learn.

    Cut at three scales. Tiles that overlap others by half are for training only. All tiles of one
    photograph are one group.
    """
    found = SourceListing()
    reduced = cache(_reduced)
    for package, names in SAMPLE.items():
        spec = find_spec(package)
        folder = Path(spec.origin).parent if spec and spec.origin else Path(package)
        for name in names:
            file = f"{package}/{name}"
            try:
                with Image.open(folder / name) as picture:
                    width, height = picture.size
            except OSError:
                found.rejected.append(Rejected(file, "is missing in the installed package"))
                continue
            for scale in SAMPLE_SCALES:
                load = partial(reduced, folder / name, scale)
                for corner in _corners(height * scale // 100, width * scale // 100, data.size):
                    stem = PurePosixPath(name).stem
                    found.candidates.append(
                        Candidate(
                            id=f"{stem}-{scale}-{corner.top}-{corner.left}",
                            file=file,
                            load=partial(_tile, load, corner, data.size),
                            group=stem,
                            training_only=corner.overlaps,
                        )
                    )
    return found


def list_folder(data: Data, path: Path) -> SourceListing:  # noqa: ARG001
    """Color photographs in the folder `path` and below; gray ones are left out.

    Where it holds a folder `train` and also `validation` or `test`, these are the splits: what is
    in `validation` and `test` stays there, and a split without a folder is drawn from `train`.

    Raises:
        UserError: there is no such folder.
    """
    if not path.exists():
        raise UserError(
            f"params.yaml: data.path is '{path}', which does not exist; expected a folder of "
            "photographs, or set data.source to sample"
        )
    root = path if path.is_dir() else path.parent
    splits = [name for name in HELD_OUT if (root / name).is_dir()]
    splits = ["train", *splits] if splits and (root / "train").is_dir() else []
    found = SourceListing()
    names: list[str] = []
    for file in list_photos(path):
        name = file.relative_to(root).as_posix()
        if not is_inside(file, root):
            found.rejected.append(Rejected(name, "is a link that leads outside the folder"))
        elif splits and name.split("/")[0] not in splits:
            found.rejected.append(Rejected(name, f"is in none of the folders {', '.join(splits)}"))
        else:
            names.append(name)
    for photo_id, name in zip(_ids(names), names, strict=True):
        top = name.split("/")[0]
        split = top if splits and top in HELD_OUT else None
        found.candidates.append(
            Candidate(photo_id, name, partial(_color_photo, root / name, name), split=split)
        )
    return found


def list_competition(data: Data, path: Path) -> SourceListing:  # noqa: ARG001
    """The competition's photographs: `open.zip` or its folder, paired by train.csv.

    The inputs that test.csv lists (it may be missing) have no target and become `unlabeled`.

    Raises:
        UserError: no such data, or a list without its columns or without rows.
    """
    files = open_files(path)
    found = SourceListing()
    seen: set[str] = set()
    lists = {"train.csv": ("input_image_path", "gt_image_path"), "test.csv": ("input_image_path",)}
    for listing, columns in lists.items():
        text = files.text(listing)
        if text is None:
            continue
        for line, row in rows(text, listing, columns):
            try:
                names = [inner_path(value, f"{listing} line {line}") for value in row]
            except PhotoError as error:
                found.rejected.append(Rejected(error.name, error.reason))
                continue
            photo_id = PurePosixPath(names[0]).stem
            if photo_id.casefold() in seen:
                found.rejected.append(Rejected(names[0], f"is listed again in {listing}"))
                continue
            seen.add(photo_id.casefold())
            split = UNLABELED if listing == "test.csv" else None
            load = partial(_pair, files, *names)
            found.candidates.append(Candidate(photo_id, names[0], load, split=split))
    return found


SOURCES: dict[str, Callable[[Data, Path], SourceListing]] = {
    "sample": list_sample,
    "photos": list_folder,
    "competition": list_competition,
}


class _Corner(NamedTuple):
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
    photo = read_color(file)
    return downscale(photo, photo.shape[0] * scale // 100, photo.shape[1] * scale // 100)


def _tile(load: Callable[[], Photo], corner: _Corner, size: int) -> LoadedPhoto:
    photo = load()
    return LoadedPhoto(
        photo[corner.top : corner.top + size, corner.left : corner.left + size].copy(), None
    )


def _color_photo(file: Path, name: str) -> LoadedPhoto:
    photo = read_color(file, name)
    if is_gray(photo):
        raise PhotoError(name, "is gray, expected a color photograph")
    return LoadedPhoto(photo, None)


def _ids(names: Iterable[str]) -> list[str]:
    """A file name without suffix for each path; ones that would be alike keep their suffix."""
    names = list(names)
    flat = [name.replace("/", "-") for name in names]
    stems = [PurePosixPath(name).stem for name in flat]
    often = Counter(stem.casefold() for stem in stems)
    seen: set[str] = set()
    ids = []
    for stem, name in zip(stems, flat, strict=True):
        photo_id = stem if often[stem.casefold()] == 1 else name
        while photo_id.casefold() in seen:
            photo_id += "+"
        seen.add(photo_id.casefold())
        ids.append(photo_id)
    return ids


def _pair(files: Files, damaged_name: str, truth_name: str | None = None) -> LoadedPhoto:
    damaged = read_gray(files.open(damaged_name), damaged_name)
    if truth_name is None:
        return LoadedPhoto(None, damaged)
    target = read_color(files.open(truth_name), truth_name)
    if target.shape[:2] != damaged.shape:
        sizes = [f"{each.shape[1]}x{each.shape[0]} px" for each in (damaged, target)]
        raise PhotoError(damaged_name, f"is {sizes[0]}, but {truth_name} is {sizes[1]}")
    return LoadedPhoto(target, damaged)
