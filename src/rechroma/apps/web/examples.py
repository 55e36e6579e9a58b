"""Damaged example photographs, made from those inside scikit-image."""

from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from rechroma.imaging.draw_damage import draw_damage
from rechroma.imaging.io import read_gray, write_png
from rechroma.settings import Damage

SEED = 11
NAMES = ("chelsea.png", "astronaut.png", "coffee.png", "rocket.jpg")
DAMAGE = Damage(
    rectangle=0.4,
    circle=0.3,
    polygon=0.3,
    rectangle_side=(0.1, 0.25),
    circle_diameter=(0.12, 0.25),
    polygon_extent=(0.2, 0.4),
    polygon_vertices=(3, 6),
    level=(20, 100),
    holes=(1, 2),
)


def write_examples(folder: Path) -> list[Path]:
    """Write the examples into `folder` as gray PNGs, always the same ones; returns their files."""
    generator = np.random.default_rng(SEED)
    paths = []
    for name in NAMES:
        with as_file(files("skimage.data") / name) as source:
            damaged, _ = draw_damage(read_gray(source), DAMAGE, generator)
        paths.append(folder / Path(name).with_suffix(".png"))
        write_png(paths[-1], damaged)
    return paths
