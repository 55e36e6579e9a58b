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
from rechroma.data.prepared import open_tiles
from rechroma.imaging.color import to_luma
from rechroma.imaging.draw_damage import draw_damage
from rechroma.imaging.hue import cell_histograms
from rechroma.imaging.inpaint import FILLS
from rechroma.imaging.types import Photo
from rechroma.settings import STRIDE, Settings


class Sample(NamedTuple):
    """The input of the network and its target; a data loader adds the axis N.

    Attributes:
        luma: `(1, H, W)` uint8, holes filled by `model.fill`.
        mask: `(1, H, W)` bool, True where lost.
        target: `(3, H, W)` uint8 RGB.
        hues: `(181, h, w)` float32, the hue histogram of each cell of 32 px, counted before the
            target was reduced to H and W.
    """

    luma: Tensor
    mask: Tensor
    target: Tensor
    hues: Tensor


class TrainingSet(Dataset[Sample]):
    """Samples from the training tiles; item `(epoch, index)` is the same in every process.

    Args:
        prepared: folder of the prepared data.
        settings: seed, crop, size, augmentation, damage and fill.

    Attributes:
        side: H and W of a sample, px.
        cells: h and w of its hue histograms.

    Raises:
        UserError: `prepared` has no training tiles.
    """

    def __init__(self, prepared: Path, settings: Settings):
        self.path = prepared / "train.npy"
        self.settings = settings
        self.size = settings.train.epoch_samples or len(self.tiles)  # samples in an epoch
        self.crop = settings.train.crop or self.tiles.shape[1]
        self.side = settings.train.size or self.crop
        self.cells = math.ceil(self.side / STRIDE)
        self.augmentation = Augmentation(settings.augment, self.side)

    @cached_property
    def tiles(self) -> NDArray[np.uint8]:
        """`(N, size, size, 3)` uint8 RGB, memory-mapped."""
        return open_tiles(self.path)

    def __getstate__(self) -> dict[str, Any]:
        """Without the tiles: the process of a loader maps the file anew instead of a copy."""
        return {name: value for name, value in vars(self).items() if name != "tiles"}

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        epoch, index = key
        # One generator draws all of the sample, seeded by its key alone.
        generator = np.random.default_rng([self.settings.seed, epoch, index])
        # A random crop of a tile, augmented: (crop, crop, 3), or (side, side, 3).
        target = self._random_crop(self.tiles[self._row(epoch, index)], generator)
        target = self.augmentation(target, generator)
        # Count the hues now: reducing the size would mix neighboring colors.
        hues = cell_histograms(target, self.cells, self.cells)  # (181, cells, cells)
        if target.shape[0] != self.side:
            target = cv2.resize(target, (self.side, self.side), interpolation=cv2.INTER_AREA)
        # The input: the target's luma, damaged, its holes filled.
        damaged, mask = draw_damage(to_luma(target), self.settings.damage, generator)
        luma = FILLS[self.settings.model.fill](damaged, mask)
        return Sample(
            torch.from_numpy(luma)[None],  # (1, side, side)
            torch.from_numpy(mask)[None],  # (1, side, side)
            torch.from_numpy(target).permute(2, 0, 1),  # (3, side, side)
            torch.from_numpy(hues),
        )

    def _row(self, epoch: int, index: int) -> int:
        """The tile of a sample: each tile once before any is repeated, shuffled anew each time."""
        passes, position = divmod(epoch * self.size + index, len(self.tiles))
        return int(_permutation(self.settings.seed, passes, len(self.tiles))[position])

    def _random_crop(self, tile: Photo, generator: np.random.Generator) -> Photo:
        margin = tile.shape[0] - self.crop
        top, left = generator.integers(margin + 1, size=2)
        return np.array(tile[top : top + self.crop, left : left + self.crop])


@lru_cache(maxsize=2)
def _permutation(seed: int, passes: int, count: int) -> NDArray[np.int64]:
    """`(count,)` the order of the tiles after so many passes over all of them."""
    return np.random.default_rng([seed, passes]).permutation(count)


class EpochSampler(Sampler[tuple[int, int]]):
    """The keys `(epoch, index)` of one epoch's samples; set `epoch` before each epoch."""

    def __init__(self, size: int):
        self.size = size
        self.epoch = 0

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return ((self.epoch, index) for index in range(self.size))
