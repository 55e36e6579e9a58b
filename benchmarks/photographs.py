"""The photographs and the settings of the benchmarks; both are on every machine."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

from rechroma.imaging.color import to_luma
from rechroma.imaging.draw_damage import draw_damage
from rechroma.imaging.io import write_png
from rechroma.imaging.resize import center_square
from rechroma.settings import Settings, load_settings

NAMES = ("astronaut", "coffee", "chelsea", "rocket")

Photo = NDArray[np.uint8]


def default_settings() -> Settings:
    """The settings of the project's params.yaml."""
    return load_settings(Path(__file__).resolve().parent.parent / "params.yaml")


def photographs(side: int) -> list[Photo]:
    """The centers of four photographs inside scikit-image: `(side, side, 3)` uint8 RGB each."""
    resized = []
    for name in NAMES:
        photo = getattr(data, name)()
        centered = center_square(photo, min(photo.shape[:2]))
        interpolation = cv2.INTER_AREA if centered.shape[0] > side else cv2.INTER_CUBIC
        resized.append(cv2.resize(centered, (side, side), interpolation=interpolation))
    return resized


def prepare(folder: Path, settings: Settings) -> None:
    """Write the prepared data of a training: train.npy and one validation photograph."""
    targets = photographs(settings.data.size)
    np.save(folder / "train.npy", np.stack(targets))
    generator = np.random.default_rng(settings.seed)
    damaged, mask = draw_damage(to_luma(targets[0]), settings.damage, generator)
    for kind, picture in (("truth", targets[0]), ("damaged", damaged), ("masks", mask)):
        write_png(folder / "validation" / kind / f"{NAMES[0]}.png", picture)
