"""Albumentations pipelines, applied to the target before the damage is drawn.

No other module imports albumentations: it is unmaintained, and its successor has another license.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from rechroma.imaging.types import Photo

# Photographs are scenes with an up and a down, so flips are horizontal only.
FLIP = 0.5  # probability
AREA = {"interpolation": 3}  # cv2.INTER_AREA: crops are reduced


def _none(_: int) -> list[Any]:
    return []


def _flips(_: int) -> list[Any]:
    import albumentations as A

    return [A.HorizontalFlip(p=FLIP)]


def _crops(side: int) -> list[Any]:
    import albumentations as A

    crop = A.RandomResizedCrop(size=(side, side), scale=(0.36, 1.0), ratio=(1.0, 1.0), **AREA)
    return [crop, A.HorizontalFlip(p=FLIP)]


def _full(side: int) -> list[Any]:
    import albumentations as A

    return [
        A.RandomResizedCrop(size=(side, side), scale=(0.5, 1.0), ratio=(0.9, 1.1), **AREA),
        A.HorizontalFlip(p=FLIP),
        A.Affine(rotate=(-8, 8), shear=(-4, 4), border_mode=2, p=0.3),  # 2: mirrored border
        A.RandomBrightnessContrast(brightness_limit=0.15, contrast_limit=0.15, p=0.5),
        A.RandomGamma(gamma_limit=(80, 125), p=0.3),
        A.HueSaturationValue(hue_shift_limit=3, sat_shift_limit=15, val_shift_limit=0, p=0.3),
    ]


AUGMENTATIONS: dict[str, Callable[[int], list[Any]]] = {
    "none": _none,
    "flips": _flips,
    "crops": _crops,
    "full": _full,
}
"""Transforms of each pipeline by its name in `augment`, for crops of so many px."""


class Augmentation:
    """One of `AUGMENTATIONS`, deterministic: the same generator state gives the same photograph.

    Pipelines with random crops resize them to `side` px; the others keep the size.
    """

    def __init__(self, name: str, side: int):
        os.environ.setdefault(
            "NO_ALBUMENTATIONS_UPDATE", "1"
        )  # else it connects to its makers on import
        transforms = AUGMENTATIONS[name](side)
        self.pipeline = None
        if transforms:
            import albumentations as A

            self.pipeline = A.Compose(transforms)

    def __call__(self, photo: Photo, generator: np.random.Generator) -> Photo:
        """Augment an `(H, W, 3)` uint8 RGB photo; `generator` is the only source of randomness.

        Returns:
            `(side, side, 3)` or `(H, W, 3)` uint8 RGB; without transforms, `photo` itself.
        """
        if self.pipeline is None:
            return photo
        self.pipeline.set_random_seed(int(generator.integers(2**31)))
        augmented: Photo = self.pipeline(image=photo)["image"]
        return augmented
