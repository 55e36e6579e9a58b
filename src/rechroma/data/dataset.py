"""Prepared data: samples for training, drawn afresh, and held-out photographs as they lie there."""

import csv
import json
import math
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from rechroma.data.augmentation import Augmentation
from rechroma.errors import UserError
from rechroma.imaging import damage
from rechroma.imaging import hue as hues
from rechroma.imaging import io as photos
from rechroma.imaging.inpaint import FILLS
from rechroma.settings import Settings

PLACE = 32  # px of what the network sees, whose hues are counted together
HUES_PHOTOS = 1000  # of which the mean hue histogram is taken, at most


def _packed(path: Path) -> NDArray[np.uint8]:
    try:
        packed: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    except FileNotFoundError:
        raise UserError(f"{path} is missing, run the stage prepare first") from None
    return packed


class Sample(NamedTuple):
    """What the network sees and what it should have said; a loader adds the axis N.

    Attributes:
        luma: `(1, H, W)` uint8; in the hole, what `model.fill` puts there.
        mask: `(1, H, W)` bool, True where lost.
        truth: `(3, H, W)` uint8 RGB.
        hues: `(181, h, w)` float32, the hue histogram of each place of 32 px, from the truth before
            it was reduced.
    """

    luma: Tensor
    mask: Tensor
    truth: Tensor
    hues: Tensor


class TrainingSamples(Dataset[Sample]):
    """Training photographs, augmented and damaged: item `(epoch, index)` is always the same.

    Raises:
        UserError: nothing is prepared at `prepared`.
    """

    def __init__(self, prepared: Path, settings: Settings):
        self.packed = prepared / "train.npy"
        self.settings = settings
        self.size = settings.train.epoch_samples or len(self.photos)
        self.cut = settings.train.crop or self.photos.shape[1]
        self.side = settings.train.size or self.cut
        self.places = math.ceil(self.side / PLACE)
        self.augmentation = Augmentation(settings.augment, self.side)

    @cached_property
    def photos(self) -> NDArray[np.uint8]:
        """`(N, size, size, 3)` uint8 RGB, memory-mapped."""
        return _packed(self.packed)

    def __getstate__(self) -> dict[str, Any]:
        """Without the photographs: a loader's process maps them anew instead of copying them."""
        return {name: value for name, value in vars(self).items() if name != "photos"}

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, place: tuple[int, int]) -> Sample:
        epoch, index = place
        generator = np.random.default_rng([self.settings.seed, epoch, index])
        truth = self._cut(self.photos[self._row(epoch, index)], generator)
        truth = self.augmentation(truth, generator)
        places = hues.histograms(truth, self.places, self.places)
        if truth.shape[0] != self.side:
            truth = cv2.resize(truth, (self.side, self.side), interpolation=cv2.INTER_AREA)
        damaged, mask = damage.draw(photos.luma(truth), self.settings.damage, generator)
        luma = FILLS[self.settings.model.fill](damaged, mask)
        return Sample(
            torch.from_numpy(luma)[None],
            torch.from_numpy(mask)[None],
            torch.from_numpy(truth).permute(2, 0, 1),
            torch.from_numpy(places),
        )

    def _row(self, epoch: int, index: int) -> int:
        """Every photograph once before any comes again, in an order of its own each round."""
        rounds, place = divmod(epoch * self.size + index, len(self.photos))
        return int(_order(self.settings.seed, rounds, len(self.photos))[place])

    def _cut(self, photo: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
        spare = photo.shape[0] - self.cut
        top, left = generator.integers(spare + 1, size=2)
        return np.array(photo[top : top + self.cut, left : left + self.cut])


@lru_cache(maxsize=2)
def _order(seed: int, rounds: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, rounds]).permutation(count)


class EpochSampler(Sampler[tuple[int, int]]):
    """The places `(epoch, index)` of one epoch; set `epoch` before each."""

    def __init__(self, size: int):
        self.size = size
        self.epoch = 0

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return ((self.epoch, index) for index in range(self.size))


def mean_hues(prepared: Path) -> NDArray[np.float32]:
    """`(181,)` shares: the mean hue histogram of the training photographs, of 1,000 at most.

    Raises:
        UserError: nothing is prepared at `prepared`.
    """
    packed = _packed(prepared / "train.npy")
    rows = np.linspace(0, len(packed) - 1, min(len(packed), HUES_PHOTOS)).astype(int)
    mean: NDArray[np.float32] = np.mean([hues.histogram(packed[row]) for row in rows], axis=0)
    return mean


class HeldOut(NamedTuple):
    """A photograph of validation or test.

    Attributes:
        id: its name in photos.csv.
        truth: `(H, W, 3)` uint8 RGB.
        damaged: `(H, W)` uint8 gray.
        mask: `(H, W)` bool, True where lost.
    """

    id: str
    truth: NDArray[np.uint8]
    damaged: NDArray[np.uint8]
    mask: NDArray[np.bool_]


def held_out(prepared: Path, split: str, limit: int = 0) -> Iterator[HeldOut]:
    """The photographs of `split`, sorted by id; with a `limit`, that many spread over all."""
    names = sorted(path.name for path in (prepared / split / "truth").glob("*.png"))
    if 0 < limit < len(names):
        names = [names[row] for row in np.linspace(0, len(names) - 1, limit).astype(int)]
    for name in names:
        folder = prepared / split
        yield HeldOut(
            Path(name).stem,
            photos.read_color(folder / "truth" / name),
            photos.read_gray(folder / "damaged" / name),
            photos.read_gray(folder / "masks" / name) > 127,
        )


def inputs(prepared: Path) -> tuple[Path, dict[str, tuple[int, int]]]:
    """The pictures a submission restores: those without a truth, or without such, the test's.

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
    sizes = {name: photos.read_gray(folder / name).shape for name in sorted(names[split])}
    return folder, {name: (height, width) for name, (height, width) in sizes.items()}


def describe(prepared: Path) -> dict[str, Any]:
    """dataset.json: the name, digest, size and number of photographs of what is prepared.

    Raises:
        UserError: nothing is prepared at `prepared`.
    """
    try:
        described: dict[str, Any] = json.loads((prepared / "dataset.json").read_text("utf-8"))
    except FileNotFoundError:
        raise UserError(f"{prepared} holds no data, run the stage prepare first") from None
    return described
