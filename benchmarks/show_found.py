"""Twelve drawn prints in one picture: damaged, what is found of it, restored.

python -m benchmarks.show_found --out docs/images/found-damage.jpg
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.photographs import default_settings
from benchmarks.show_twelve import TWELVE, cut_square
from rechroma.apps.batch.kinds_picture import kinds_picture
from rechroma.apps.model_catalog import load_named_model
from rechroma.deployment.bundled_finder import load_bundled_finder
from rechroma.imaging.color import to_luma
from rechroma.imaging.print_damage import age_print, draw_print_damage
from rechroma.inference.find_all_damage import find_all_damage

SHOWN, GAP = 200, 6  # px: side of a picture, between pictures

Photo = NDArray[np.uint8]


def pictures() -> Iterator[tuple[Photo, Photo, Photo]]:
    """Each print three times, `(H, W, 3)` uint8: damaged, with what is found in color, restored."""
    given = default_settings().print_damage
    settings = given.model_copy(update={"undamaged": 0.0, "damages": (2, 5), "aging": (0.2, 0.6)})
    _, restorer = load_named_model(None)
    finder = load_bundled_finder()
    for number, part in enumerate(TWELVE):
        generator = np.random.default_rng([7, number])
        luma = age_print(to_luma(cut_square(*part)), settings, generator)
        drawn = draw_print_damage(luma, settings, generator)
        scan = age_print(drawn.luma, settings, generator, stage="scan")
        found = find_all_damage(scan, "lines", finder=finder)
        yield np.dstack([scan] * 3), kinds_picture(scan, found.groups), restorer(scan, found.mask)


def main() -> None:
    """Write the picture: two columns of six, each damaged | found | restored."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    chosen = parser.parse_args()
    step = SHOWN + GAP
    sheet = Image.new("RGB", (6 * step, len(TWELVE) // 2 * step), "white")
    for number, shown in enumerate(pictures()):
        column, row = divmod(number, len(TWELVE) // 2)
        for place, picture in enumerate(shown):
            small = Image.fromarray(picture).resize((SHOWN, SHOWN), Image.Resampling.LANCZOS)
            sheet.paste(small, ((3 * column + place) * step, row * step))
    sheet.save(chosen.out, quality=80)


if __name__ == "__main__":
    main()
