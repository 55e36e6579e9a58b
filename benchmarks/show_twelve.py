"""Twelve photographs of scikit-image and scikit-learn in one picture: damaged, restored, target.

python -m benchmarks.show_twelve --out docs/images/weights-twelve.jpg [--model MODEL]
"""

import argparse
from pathlib import Path

import numpy as np
import skimage
import sklearn
from numpy.typing import NDArray
from PIL import Image

from benchmarks.photographs import default_settings
from rechroma.apps.model_catalog import load_named_model
from rechroma.imaging.color import to_luma
from rechroma.imaging.draw_damage import draw_damage
from rechroma.imaging.io import read_color

SIDE, SHOWN, GAP = 400, 200, 6  # px: restored at, shown at, between the pictures
# File, and the square cut from it: center and side as shares of width, height, shorter side.
PACKAGES = {"skimage": Path(skimage.__file__).parent, "sklearn": Path(sklearn.__file__).parent}
TWELVE = (
    ("skimage/data/astronaut.png", 0.5, 0.5, 1.0),
    ("skimage/data/hubble_deep_field.jpg", 0.5, 0.5, 1.0),
    ("skimage/data/chelsea.png", 0.5, 0.5, 1.0),
    ("skimage/data/ihc.png", 0.5, 0.5, 1.0),
    ("skimage/data/coffee.png", 0.5, 0.5, 1.0),
    ("skimage/data/retina.jpg", 0.5, 0.5, 1.0),
    ("sklearn/datasets/images/china.jpg", 0.35, 0.5, 1.0),
    ("sklearn/datasets/images/flower.jpg", 0.6, 0.5, 1.0),
    ("skimage/data/motorcycle_left.png", 0.5, 0.5, 1.0),
    ("sklearn/datasets/images/china.jpg", 0.4, 0.4, 0.65),
    ("skimage/data/rocket.jpg", 0.5, 0.5, 1.0),
    ("skimage/data/astronaut.png", 0.45, 0.25, 0.5),
)

Photo = NDArray[np.uint8]


def cut_square(file: str, across: float, down: float, share: float) -> Photo:
    """A square of a photograph, `(SIDE, SIDE, 3)` uint8 RGB."""
    package, _, inside = file.partition("/")
    photo = read_color(PACKAGES[package] / inside)
    height, width = photo.shape[:2]
    side = round(share * min(height, width))
    left = min(max(round(across * width - side / 2), 0), width - side)
    top = min(max(round(down * height - side / 2), 0), height - side)
    cut = photo[top : top + side, left : left + side]
    return np.asarray(Image.fromarray(cut).resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def main() -> None:
    """Write the picture: two columns of six, each damaged | restored | target."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.add_argument("--model", metavar="MODEL", help="as for rechroma restore")
    chosen = parser.parse_args()
    _, restorer = load_named_model(chosen.model)
    settings = default_settings()
    generator = np.random.default_rng(settings.seed)
    cell = SHOWN + GAP
    sheet = Image.new("RGB", (6 * cell, 6 * cell), "white")
    for number, square in enumerate(TWELVE):
        target = cut_square(*square)
        damaged, mask = draw_damage(to_luma(target), settings.damage, generator)
        for column, picture in enumerate((damaged, restorer(damaged, mask), target)):
            shown = Image.fromarray(picture).resize((SHOWN, SHOWN), Image.Resampling.LANCZOS)
            sheet.paste(shown, ((3 * (number % 2) + column) * cell, number // 2 * cell))
    sheet.save(chosen.out, quality=85)


if __name__ == "__main__":
    main()
