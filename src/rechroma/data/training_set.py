"""Training samples: photographs augmented and damaged anew for each epoch."""

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
from rechroma.data.prepared import open_packed
from rechroma.imaging.color import to_luma
from rechroma.imaging.draw_damage import draw_damage
from rechroma.imaging.hue import cell_histograms
from rechroma.imaging.inpaint import FILLS
from rechroma.settings import Settings

CELL = 32  # px of what the network sees, whose hues are counted together


class Sample(NamedTuple):
    """What the network sees and what it should have said; a loader adds the axis N.

    Attributes:
        luma: `(1, H, W)` uint8; in the hole, what `model.fill` puts there.
        mask: `(1, H, W)` bool, True where lost.
        target: `(3, H, W)` uint8 RGB.
        hues: `(181, h, w)` float32, the hue histogram of each cell of 32 px, of the target before
            it was reduced.
    """

    luma: Tensor
    mask: Tensor
    target: Tensor
    hues: Tensor


class TrainingSet(Dataset[Sample]):
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
        self.places = math.ceil(self.side / CELL)
        self.augmentation = Augmentation(settings.augment, self.side)

    @cached_property
    def photos(self) -> NDArray[np.uint8]:
        """`(N, size, size, 3)` uint8 RGB, memory-mapped."""
        return open_packed(self.packed)

    def __getstate__(self) -> dict[str, Any]:
        """Without the photographs: a loader's process maps them anew instead of copying them."""
        return {name: value for name, value in vars(self).items() if name != "photos"}

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, place: tuple[int, int]) -> Sample:
        epoch, index = place
        generator = np.random.default_rng([self.settings.seed, epoch, index])
        target = self._cut(self.photos[self._row(epoch, index)], generator)
        target = self.augmentation(target, generator)
        places = cell_histograms(target, self.places, self.places)
        if target.shape[0] != self.side:
            target = cv2.resize(target, (self.side, self.side), interpolation=cv2.INTER_AREA)
        damaged, mask = draw_damage(to_luma(target), self.settings.damage, generator)
        luma = FILLS[self.settings.model.fill](damaged, mask)
        return Sample(
            torch.from_numpy(luma)[None],
            torch.from_numpy(mask)[None],
            torch.from_numpy(target).permute(2, 0, 1),
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
