"""Reading prepared data: training tiles, held-out photographs, submission inputs, description."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rechroma.errors import UserError
from rechroma.imaging.hue import hue_histogram
from rechroma.imaging.io import mask_from_gray, read_color, read_gray
from rechroma.imaging.types import Luma, Mask, Photo

MOST_TILES = 1000  # in the mean hue histogram


def open_tiles(path: Path) -> NDArray[np.uint8]:
    """The training tiles in the file `path`: `(N, size, size, 3)` uint8 RGB, memory-mapped.

    Raises:
        UserError: `path` does not exist.
    """
    try:
        tiles: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    except FileNotFoundError:
        raise UserError(f"{path} is missing, run the stage prepare first") from None
    return tiles


def mean_hue_histogram(prepared: Path) -> NDArray[np.float32]:
    """The mean hue histogram of the training tiles: `(181,)` shares, see `imaging.hue`.

    Of more than 1,000 tiles, 1,000 spread evenly over all are counted.

    Raises:
        UserError: the folder `prepared` has no training tiles.
    """
    tiles = open_tiles(prepared / "train.npy")
    rows = np.linspace(0, len(tiles) - 1, min(len(tiles), MOST_TILES)).astype(int)
    mean: NDArray[np.float32] = np.mean([hue_histogram(tiles[row]) for row in rows], axis=0)
    return mean


class HeldOutPhoto(NamedTuple):
    """A photograph of validation or test.

    Attributes:
        id: as in photos.csv.
        target: `(H, W, 3)` uint8 RGB.
        damaged: `(H, W)` uint8 gray.
        mask: `(H, W)` bool, True where lost.
    """

    id: str
    target: Photo
    damaged: Luma
    mask: Mask


def read_held_out(prepared: Path, split: str, limit: int = 0) -> Iterator[HeldOutPhoto]:
    """Read the held-out photographs one by one, sorted by id.

    Args:
        prepared: folder of the prepared data.
        split: `validation` or `test`.
        limit: photographs, at most, spread evenly over all; 0: all.

    Raises:
        PhotoError: a picture is missing or cannot be read.
    """
    names = sorted(path.name for path in (prepared / split / "truth").glob("*.png"))
    if 0 < limit < len(names):
        names = [names[row] for row in np.linspace(0, len(names) - 1, limit).astype(int)]
    for name in names:
        folder = prepared / split
        yield HeldOutPhoto(
            Path(name).stem,
            read_color(folder / "truth" / name),
            read_gray(folder / "damaged" / name),
            mask_from_gray(read_gray(folder / "masks" / name)),
        )


def submission_inputs(prepared: Path) -> tuple[Path, dict[str, tuple[int, int]]]:
    """The pictures that a submission restores: `unlabeled`, or where that is empty, `test`.

    Returns:
        Their folder, and `(height, width)`, px, of each by file name, sorted.

    Raises:
        UserError: the folder `prepared` has no data, or a picture cannot be read.
    """
    names: dict[str, list[str]] = {"unlabeled": [], "test": []}
    try:
        with (prepared / "photos.csv").open(encoding="utf-8", newline="") as table:
            for row in csv.DictReader(table):
                if row["split"] in names:
                    names[row["split"]].append(f"{row['id']}.png")
    except FileNotFoundError:
        raise UserError(f"{prepared} holds no data, run the stage prepare first") from None
    split = "unlabeled" if names["unlabeled"] else "test"
    folder = prepared / split / "damaged"
    # Not the sizes in the table, which are those of the source: prepared pictures may be smaller.
    sizes = {name: read_gray(folder / name).shape for name in sorted(names[split])}
    return folder, {name: (height, width) for name, (height, width) in sizes.items()}


def read_description(prepared: Path) -> dict[str, Any]:
    """The content of dataset.json: name, digest, size and number of photographs of each split.

    Raises:
        UserError: the folder `prepared` has no data.
    """
    try:
        description: dict[str, Any] = json.loads((prepared / "dataset.json").read_text("utf-8"))
    except FileNotFoundError:
        raise UserError(f"{prepared} holds no data, run the stage prepare first") from None
    return description
