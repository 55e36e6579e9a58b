"""Samples for the network that finds damage: aged prints with damage drawn on them."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from rechroma.data.distractors import add_distractors
from rechroma.data.gray_photos import GrayPhotos, GrayTiles
from rechroma.imaging.draw_damage import draw_damage
from rechroma.imaging.print_damage import GROUPS, age_print, draw_print_damage
from rechroma.imaging.types import Luma
from rechroma.settings import Damage, Finder, PrintDamageSettings

COMPRESSED = 0.75  # share of the samples with shapes that are saved as JPEG
QUALITIES = (60, 97)  # lowest, highest of these


class FinderSample(NamedTuple):
    """A print, and the damage on it; a data loader adds the axis N.

    Attributes:
        luma: `(1, H, W)` uint8.
        groups: `(H, W)` uint8, 0 undamaged, else the place in `GROUPS` from 1.
    """

    luma: Tensor
    groups: Tensor


class FinderSamples(Dataset[FinderSample]):
    """Sample `index` of a training; the same in every process and after every resumption.

    Args:
        photos: photographs.
        damage: what is drawn, and how prints age.
        shapes: holes of one gray, drawn on a share of the samples instead.
        settings: crop, zoom and distractors.
        seed: of the training.
        kept_back: samples of the photographs that no training sample shows, one of each, whose
            damage is the same in every report.
    """

    def __init__(
        self,
        photos: GrayPhotos | GrayTiles,
        damage: PrintDamageSettings,
        shapes: Damage,
        settings: Finder,
        seed: int,
        kept_back: bool = False,
    ):
        self.photos, self.damage, self.shapes = photos, damage, shapes
        self.settings, self.seed = settings, seed
        self.kept_back = kept_back
        # Spread evenly: neighbors in a folder resemble each other.
        count = min(settings.validation, max(1, len(photos) // 4))
        back = np.linspace(0, len(photos) - 1, count).astype(int)
        self.numbers = back if kept_back else np.setdiff1d(np.arange(len(photos)), back)

    def __len__(self) -> int:
        return len(self.numbers) if self.kept_back else self.settings.samples

    def __getitem__(self, index: int) -> FinderSample:
        generator = np.random.default_rng([self.seed, int(self.kept_back), index])
        number = index if self.kept_back else generator.integers(len(self.numbers))
        luma = self._crop(self.photos[int(self.numbers[number])], generator)
        if generator.random() < self.settings.shapes:
            return self._with_shapes(luma, generator)
        if generator.random() < self.settings.distractors:
            luma = add_distractors(luma, generator)
        # A print ages, is then damaged, and what is left of it is scanned.
        luma = age_print(luma, self.damage, generator)
        drawn = draw_print_damage(luma, self.damage, generator)
        luma = age_print(drawn.luma, self.damage, generator, stage="scan")
        return FinderSample(torch.from_numpy(luma)[None], torch.from_numpy(drawn.groups))

    def _with_shapes(self, luma: Luma, generator: np.random.Generator) -> FinderSample:
        """A photograph with holes of one gray, mostly saved as JPEG after that."""
        damaged, mask = draw_damage(luma, self.shapes, generator)
        if generator.random() < COMPRESSED:
            quality = int(generator.integers(*QUALITIES, endpoint=True))
            _, packed = cv2.imencode(".jpg", damaged, [cv2.IMWRITE_JPEG_QUALITY, quality])
            damaged = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE))
        groups = mask.view(np.uint8) * np.uint8(1 + GROUPS.index("area"))
        return FinderSample(torch.from_numpy(damaged)[None], torch.from_numpy(groups))

    def _crop(self, luma: Luma, generator: np.random.Generator) -> Luma:
        """A random square of a photograph, enlarged or reduced, turned and mirrored.

        Where the photograph is smaller than the square, others lie beside it.
        """
        crop, (least, most) = self.settings.crop, self.settings.zoom
        side = round(crop / np.exp(generator.uniform(np.log(least), np.log(most))))
        if side > min(luma.shape):
            luma = self._mosaic(luma, side, generator)
        top, left = (generator.integers(length - side + 1) for length in luma.shape)
        square = luma[top : top + side, left : left + side]
        if side != crop:
            method = cv2.INTER_AREA if side > crop else cv2.INTER_CUBIC
            square = cv2.resize(square, (crop, crop), interpolation=method)
        square = np.rot90(square, int(generator.integers(4)))
        return np.ascontiguousarray(square[:, ::-1] if generator.random() < 0.5 else square)

    def _mosaic(self, first: Luma, side: int, generator: np.random.Generator) -> Luma:
        """At least `side` px square, of equal squares from random photographs and the first."""
        count = -(-side // min(first.shape))
        tile = -(-side // count)
        others = generator.choice(self.numbers, count * count - 1)
        photos = [first, *(self.photos[int(number)] for number in others)]
        tiles = [_square(photo, tile, generator) for photo in photos]
        return np.vstack([np.hstack(tiles[row::count]) for row in range(count)])


def _square(luma: Luma, side: int, generator: np.random.Generator) -> Luma:
    """A random square of a photograph, which is enlarged where it is smaller."""
    if min(luma.shape) < side:
        scale = side / min(luma.shape)
        height, width = (max(side, round(scale * length)) for length in luma.shape)
        luma = np.asarray(cv2.resize(luma, (width, height), interpolation=cv2.INTER_CUBIC))
    top, left = (int(generator.integers(length - side + 1)) for length in luma.shape)
    return luma[top : top + side, left : left + side]


class SamplesFrom(Sampler[int]):
    """The numbers of the samples from one on, so that a training can be resumed."""

    def __init__(self, start: int, end: int):
        self.start, self.end = start, end

    def __len__(self) -> int:
        return self.end - self.start

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, self.end))
