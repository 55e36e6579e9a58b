"""How well toned prints, borders, fading and stains are told from what looks like them.

python -m benchmarks.bench_tone --photos DIR... [--every N] [--find]

Photographs in color are made gray, toned, framed, faded and stained. With `--find` the stains are
those that the bundled network finds, else the drawn ones.
"""

import argparse
import io
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.photographs import default_settings
from rechroma.deployment.bundled_finder import load_bundled_finder
from rechroma.imaging.color import to_luma
from rechroma.imaging.io import list_photos, read_color
from rechroma.imaging.print_damage import KINDS, draw_print_damage
from rechroma.imaging.print_damage.kinds import GROUPS
from rechroma.imaging.resize import downscale_luma
from rechroma.imaging.scan_border import find_border
from rechroma.imaging.toned import find_tone
from rechroma.inference.even_tone import even_tone
from rechroma.inference.find_all_damage import find_all_damage

Luma = NDArray[np.uint8]
Photo = NDArray[np.uint8]

TINTS = {
    "sepia": (112, 66, 20),
    "blue": (20, 60, 120),
    "green": (40, 90, 40),
    "selenium": (90, 50, 70),
    "yellowed": (200, 170, 90),
}
BORDERS = {"white": (250, 1), "black": (8, 1), "cardboard": (190, 4)}  # level, deviation
STAINS = ("blotch", "water_stain")
SIDE = 448  # px, of photographs that are stained
STAIN = GROUPS.index("stain") + 1


def faded(luma: Luma, generator: np.random.Generator) -> Luma:
    """A photograph whose blacks became pale and whose whites became dull."""
    black, white = generator.uniform(50, 90), generator.uniform(165, 215)
    return np.rint(black + luma / 255 * (white - black)).astype(np.uint8)


def toned(luma: Luma, kind: str, generator: np.random.Generator) -> Photo:
    """A gray photograph as a toned print, in most cases faded, after JPEG of quality 75."""
    if generator.random() < 0.7:
        luma = faded(luma, generator)
    share, tint = luma[..., None] / 255, np.array(TINTS[kind]) / 255
    strength = generator.uniform(0.25, 1)
    if kind == "yellowed":
        rgb = share * (1 - strength * (1 - tint / tint.max()))
    else:
        middle = generator.random() < 0.5
        amount = 4 * share * (1 - share) if middle else 0.5 + 0.5 * (1 - share)
        rgb = share + strength * amount * (tint - tint @ [0.299, 0.587, 0.114])
    stream = io.BytesIO()
    picture = Image.fromarray(np.clip(rgb * 255, 0, 255).astype(np.uint8))
    picture.save(stream, "JPEG", quality=75)
    return np.array(Image.open(stream))


def framed(luma: Luma, kind: str, generator: np.random.Generator) -> tuple[Luma, tuple[int, ...]]:
    """A photograph in a plain border, and the box of the photograph."""
    level, deviation = BORDERS[kind]
    height, width = luma.shape
    left, right = (int(width * generator.uniform(0.02, 0.12)) for _ in range(2))
    top, bottom = (int(height * generator.uniform(0.02, 0.12)) for _ in range(2))
    scan = generator.normal(level, deviation, (height + top + bottom, width + left + right))
    scan[top : top + height, left : left + width] = luma
    box = (left, top, left + width, top + height)
    return np.clip(np.rint(scan), 0, 255).astype(np.uint8), box


def difference(
    one: NDArray[np.integer], other: Luma, where: NDArray[np.bool_] | None = None
) -> float:
    """Mean absolute difference in levels, in all of the picture or in a part of it."""
    change = np.abs(one.astype(int) - other)
    return float(change.mean() if where is None else change[where].mean())


def measure_tones(photos: list[Path], generator: np.random.Generator) -> None:
    """Print how many photographs are taken for which tone."""
    tones: dict[str, Counter[str]] = {}
    for path in photos:
        photo = read_color(path)
        tones.setdefault("in color", Counter())[find_tone(photo)] += 1
        for kind in TINTS:
            found = find_tone(toned(to_luma(photo), kind, generator))
            tones.setdefault(kind, Counter())[found] += 1
    print("| photographs | taken for |\n| --- | --- |")
    for kind, counts in tones.items():
        print(f"| {kind} | {', '.join(f'{n} {name}' for name, n in counts.most_common())} |")


def measure_borders(photos: list[Path], generator: np.random.Generator) -> None:
    """Print how many borders are found, and found exactly."""
    counts: dict[str, Counter[str]] = {}
    for path in photos:
        luma = to_luma(read_color(path))
        found = find_border(luma)
        counts.setdefault("none", Counter())["found" if found else "none"] += 1
        if found:
            print(f"{path}: {tuple(found)} of {luma.shape[1]}x{luma.shape[0]} px")
        for kind in BORDERS:
            scan, box = framed(luma, kind, generator)
            border = find_border(scan)
            off = np.abs(np.subtract(border, box)).max() if border else 0
            sides = "none" if border is None else "all sides" if off <= 2 else "some sides"
            counts.setdefault(kind, Counter())[sides] += 1
    print("| border | found |\n| --- | --- |")
    for kind, each in counts.items():
        print(f"| {kind} | {', '.join(f'{n} {name}' for name, n in each.most_common())} |")


def measure_evening(photos: list[Path], generator: np.random.Generator, find: bool) -> None:
    """Print mean absolute differences to the photograph before damage, before and after."""
    rows: dict[str, list[tuple[float, float]]] = {}
    finder = load_bundled_finder() if find else None
    for path in photos:
        luma = downscale_luma(to_luma(read_color(path)), SIDE)
        known, none = np.ones(luma.shape, bool), np.zeros(luma.shape, bool)
        pale = faded(luma, generator)
        for name, gray in (("undamaged", luma), ("faded", pale)):
            stained = none
            if find:
                stained = find_all_damage(gray, "lines", finder=finder).groups == STAIN
            evened = even_tone(gray, known, stained).gray
            rows.setdefault(name, []).append((difference(gray, luma), difference(evened, luma)))
        for kind in STAINS:
            changes = {**dict.fromkeys(KINDS, 0.0), kind: 1.0, "undamaged": 0.0, "damages": (1, 1)}
            settings = default_settings().print_damage.model_copy(update=changes)
            drawn = draw_print_damage(luma, settings, generator)
            truth = drawn.groups == STAIN
            if truth.mean() < 0.01:
                continue
            stained = truth
            if find:
                stained = find_all_damage(drawn.luma, "lines", finder=finder).groups == STAIN
            evened = even_tone(drawn.luma, known, stained).gray
            before, after = (difference(each, luma, truth) for each in (drawn.luma, evened))
            rows.setdefault(kind, []).append((before, after))
    print("| photographs | number | before | after | better | worse by 1 level or more |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, pairs in rows.items():
        before, after = np.array(pairs).T
        better, worse = (after < before).mean(), (after > before + 1).mean()
        means = f"{before.mean():.1f} | {after.mean():.1f}"
        print(f"| {name} | {len(pairs)} | {means} | {better:.0%} | {worse:.0%} |")


def main() -> None:
    """Print the tables that the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--photos", nargs="+", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--find", action="store_true", help="even the stains that are found")
    parser.add_argument("--only", choices=("tones", "borders", "evening"))
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    photos = [path for folder in chosen.photos for path in list_photos(folder)][:: chosen.every]
    if chosen.only in (None, "tones"):
        measure_tones(photos, np.random.default_rng(0))
    if chosen.only in (None, "borders"):
        measure_borders(photos, np.random.default_rng(1))
    if chosen.only in (None, "evening"):
        measure_evening(photos, np.random.default_rng(2), chosen.find)


if __name__ == "__main__":
    main()
