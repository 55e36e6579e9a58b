"""How much drawn damage of prints is found, by kind, and how much where none is.

python -m benchmarks.bench_print_damage --finder FILE.onnx --photos DIR... [--every N]
python -m benchmarks.bench_print_damage --finder FILE.onnx --photos DIR --masks OUT --threshold P

The first prints a table of the network beside a top-hat filter and the rule for flat holes. The
second writes what is found on each photograph of a folder as a mask, OUT/<name>.png.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.photographs import default_settings
from rechroma.deployment.finder_onnx import load_onnx_finder
from rechroma.evaluation.found_damage import FoundDamage
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.io import list_photos, read_gray, write_png
from rechroma.imaging.print_damage import KINDS, age_print, draw_print_damage
from rechroma.inference.find_print_damage import FoundPrintDamage, find_print_damage
from rechroma.settings import PrintDamageSettings

Luma = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Find = Callable[[Luma], FoundPrintDamage]

THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
TOP_HAT, TOP_HAT_SIDE = 40, 15  # levels, px
MIXED, UNDAMAGED = "all kinds", "undamaged"


def top_hat(luma: Luma) -> Mask:
    """What is small, and lighter or darker than its surroundings by more than a threshold."""
    square = np.ones((TOP_HAT_SIDE, TOP_HAT_SIDE), np.uint8)
    lighter = cv2.morphologyEx(luma, cv2.MORPH_TOPHAT, square)
    darker = cv2.morphologyEx(luma, cv2.MORPH_BLACKHAT, square)
    found: Mask = np.maximum(lighter, darker) > TOP_HAT
    return found


def drawings(
    luma: Luma, settings: PrintDamageSettings, generator: np.random.Generator
) -> Iterator[tuple[str, Luma, NDArray[np.uint8]]]:
    """A photograph as an aged print: with each kind of damage, with all kinds, and with none."""
    aged = age_print(luma, settings, generator)
    none = dict.fromkeys(KINDS, 0.0)
    chosen = {kind: {**none, kind: 1.0, "undamaged": 0.0} for kind in KINDS}
    chosen |= {MIXED: {"undamaged": 0.0}, UNDAMAGED: {"undamaged": 1.0}}
    for name, changes in chosen.items():
        drawn = draw_print_damage(aged, settings.model_copy(update=changes), generator)
        yield name, age_print(drawn.luma, settings, generator, stage="scan"), drawn.groups


def measure(photos: list[Path], find: Find, seed: int = 0) -> dict[str, dict[str, FoundDamage]]:
    """The counts of each method on each kind of damage: `counts[method][kind]`."""
    settings = default_settings().print_damage
    counts: dict[str, dict[str, FoundDamage]] = {}
    for number, path in enumerate(photos):
        generator = np.random.default_rng([seed, number])
        for kind, luma, groups in drawings(read_gray(path), settings, generator):
            found = find(luma)
            masks = {"top-hat": top_hat(luma), "flat rule": find_damage(luma)}
            masks |= {f"network {each:g}": found.mask(each) for each in THRESHOLDS}
            for method, mask in masks.items():
                counts.setdefault(method, {}).setdefault(kind, FoundDamage()).add(mask, groups)
    return counts


def table(counts: dict[str, dict[str, FoundDamage]]) -> str:
    """A Markdown table: recall and precision of each kind, and false alarms, by method."""
    rows = ["| damage | " + " | ".join(counts) + " |", "| --- |" + " --- |" * len(counts)]
    for kind in next(iter(counts.values())):
        cells = []
        for by_kind in counts.values():
            scores = by_kind[kind].scores()
            if "false_alarms" in scores:
                cells.append(f"{scores['false_alarms']:.2%}")
            else:
                cells.append(f"{scores.get('recall', 0):.2f} / {scores.get('precision', 0):.2f}")
        rows.append(f"| {kind} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def write_masks(photos: list[Path], find: Find, threshold: float, folder: Path) -> None:
    """Write what is found on each photograph as a mask, white where damaged."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in photos:
        write_png(folder / f"{path.stem}.png", find(read_gray(path)).mask(threshold))


def main() -> None:
    """Print the table, or write the masks, for the folders on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--finder", type=Path, required=True, metavar="FILE.onnx")
    parser.add_argument("--photos", type=Path, nargs="+", required=True, metavar="DIR")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="one of N photographs")
    parser.add_argument("--masks", type=Path, metavar="OUT", help="write masks there instead")
    parser.add_argument("--threshold", type=float, default=0.5, metavar="P", help="of the masks")
    parser.add_argument("--threads", type=int, metavar="N", help="by default all")
    chosen = parser.parse_args()
    finder = load_onnx_finder(chosen.finder, chosen.threads)
    photos = [path for folder in chosen.photos for path in list_photos(folder)][:: chosen.every]
    started, pixels = time.perf_counter(), 0

    def find(luma: Luma) -> FoundPrintDamage:
        nonlocal pixels
        pixels += luma.size
        return find_print_damage(luma, finder)

    if chosen.masks:
        write_masks(photos, find, chosen.threshold, chosen.masks)
    else:
        print(f"{len(photos)} photographs; recall / precision, and false alarms of undamaged ones")
        print(f"\n{table(measure(photos, find))}\n")
    seconds = time.perf_counter() - started
    print(f"{pixels / 1e6:.1f} megapixels in {seconds:.0f} s")


if __name__ == "__main__":
    main()
