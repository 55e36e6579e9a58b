"""Every kind of damage on prints in one picture: at three strengths, and the mask of the strongest.

python -m benchmarks.show_print_damage --out docs/images/print-damage.jpg
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from skimage import data

from benchmarks.photographs import default_settings
from rechroma.imaging.color import to_luma
from rechroma.imaging.grid import SIDE, sheet
from rechroma.imaging.print_damage import GROUPS, KINDS, age_print, draw_print_damage
from rechroma.imaging.types import Luma, Photo
from rechroma.settings import PrintDamageSettings

STRENGTHS = {"weak": 0.15, "medium": 0.5, "strong": 0.9}
# Name in scikit-image, and the upper left corner of the part that is shown, as shares.
PARTS = (
    ("astronaut", 0.35, 0.0),
    ("camera", 0.5, 0.15),
    ("coffee", 0.6, 0.5),
    ("chelsea", 0.4, 0.3),
)
COLORS = dict(zip(GROUPS, ((255, 96, 0), (255, 230, 0), (0, 110, 255), (0, 190, 90)), strict=True))
# Share of the picture that is masked at least, so that there is something to see.
LEAST = {"line": 0.006, "spot": 0.004, "area": 0.04, "stain": 0.06}


def parts() -> list[Luma]:
    """Parts of photographs inside scikit-image: `(SIDE, SIDE)` uint8 each."""
    cut = []
    for name, across, down in PARTS:
        photo = getattr(data, name)()
        luma = photo if photo.ndim == 2 else to_luma(photo)
        height, width = luma.shape
        left, top = round(across * (width - SIDE)), round(down * (height - SIDE))
        cut.append(luma[top : top + SIDE, left : left + SIDE])
    return cut


def one_kind(settings: PrintDamageSettings, kind: str, strength: float) -> PrintDamageSettings:
    """The settings, for one damage of one kind and strength on a little aged print."""
    weights = {name: float(name == kind) for name in KINDS}
    only = {"damages": (1, 1), "undamaged": 0, "aging": (0.3, 0.3)}
    return settings.model_copy(update=weights | only | {"strength": (strength, strength)})


def draw_kind(
    kind: str, luma: Luma, settings: PrintDamageSettings, seed: int
) -> tuple[Luma, Photo]:
    """A damaged print, `(H, W)` uint8, and it in darker grays with the mask in color."""
    while True:
        generator = np.random.default_rng(seed)
        drawn = draw_print_damage(age_print(luma, settings, generator), settings, generator)
        if LEAST[KINDS[kind].group] <= (drawn.groups > 0).mean() <= 0.5:
            break
        seed += 1
    scanned = age_print(drawn.luma, settings, generator, stage="scan")
    overlay = cv2.cvtColor(scanned // 2, cv2.COLOR_GRAY2RGB)
    overlay[drawn.groups > 0] = COLORS[KINDS[kind].group]
    return scanned, overlay


def pictures(settings: PrintDamageSettings) -> Iterator[tuple[str, Photo]]:
    """Names and pictures of the sheet, row by row: two kinds in each."""
    photographs = parts()
    for number, kind in enumerate(KINDS):
        for place, (word, strength) in enumerate(STRENGTHS.items()):
            luma = photographs[(number + place) % len(photographs)]
            chosen = one_kind(settings, kind, strength)
            damaged, overlay = draw_kind(kind, luma, chosen, seed=100 * number + 10 * place)
            yield f"{kind}, {word}", damaged
        yield f"{kind}: {KINDS[kind].group}", overlay


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    chosen = parser.parse_args()
    picture = sheet(dict(pictures(default_settings().print_damage)), columns=8)
    Image.fromarray(picture).save(chosen.out, quality=75)


if __name__ == "__main__":
    main()
