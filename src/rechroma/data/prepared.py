"""Prepared data as it is on disk: held-out photographs, packed tiles, what is described."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rechroma.errors import UserError
from rechroma.imaging.hue import hue_histogram
from rechroma.imaging.io import read_color, read_gray

HUES_PHOTOS = 1000  # of which the mean hue histogram is taken, at most


def open_packed(path: Path) -> NDArray[np.uint8]:
    """`(N, size, size, 3)` uint8 RGB, the training tiles at `path`, memory-mapped.

    Raises:
        UserError: nothing is prepared there.
    """
    try:
        packed: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    except FileNotFoundError:
        raise UserError(f"{path} is missing, run the stage prepare first") from None
    return packed


def mean_hue_histogram(prepared: Path) -> NDArray[np.float32]:
    """`(181,)` shares: the mean hue histogram of the training photographs, of 1,000 at most.

    Raises:
        UserError: nothing is prepared at `prepared`.
    """
    packed = open_packed(prepared / "train.npy")
    rows = np.linspace(0, len(packed) - 1, min(len(packed), HUES_PHOTOS)).astype(int)
    mean: NDArray[np.float32] = np.mean([hue_histogram(packed[row]) for row in rows], axis=0)
    return mean


class HeldOutPhoto(NamedTuple):
    """A photograph of validation or test.

    Attributes:
        id: its name in photos.csv.
        target: `(H, W, 3)` uint8 RGB.
        damaged: `(H, W)` uint8 gray.
        mask: `(H, W)` bool, True where lost.
    """

    id: str
    target: NDArray[np.uint8]
    damaged: NDArray[np.uint8]
    mask: NDArray[np.bool_]


def read_held_out(prepared: Path, split: str, limit: int = 0) -> Iterator[HeldOutPhoto]:
    """The photographs of `split`, sorted by id; with a `limit`, that many spread over all."""
    names = sorted(path.name for path in (prepared / split / "truth").glob("*.png"))
    if 0 < limit < len(names):
        names = [names[row] for row in np.linspace(0, len(names) - 1, limit).astype(int)]
    for name in names:
        folder = prepared / split
        yield HeldOutPhoto(
            Path(name).stem,
            read_color(folder / "truth" / name),
            read_gray(folder / "damaged" / name),
            read_gray(folder / "masks" / name) > 127,
        )


def submission_inputs(prepared: Path) -> tuple[Path, dict[str, tuple[int, int]]]:
    """The pictures a submission restores: those without a target, or without such, the test's.

    Returns:
        Their folder, and `(height, width)` of each by file name, sorted.

    Raises:
        UserError: nothing is prepared at `prepared`, or a picture cannot be read.
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
    # The table has the sizes in the source, of which prepared squares are a reduced part.
    sizes = {name: read_gray(folder / name).shape for name in sorted(names[split])}
    return folder, {name: (height, width) for name, (height, width) in sizes.items()}


def read_description(prepared: Path) -> dict[str, Any]:
    """dataset.json: the name, digest, size and number of photographs of what is prepared.

    Raises:
        UserError: nothing is prepared at `prepared`.
    """
    try:
        described: dict[str, Any] = json.loads((prepared / "dataset.json").read_text("utf-8"))
    except FileNotFoundError:
        raise UserError(f"{prepared} holds no data, run the stage prepare first") from None
    return described
