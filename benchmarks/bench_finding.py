"""The accuracy of damage detection: overlap with the damage drawn, and false alarms without any.

python -m benchmarks.bench_finding --photos DIR... --competition DIR

It needs photographs: --photos takes folders of JPEG files, --competition the folder of open.zip.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.photographs import default_settings
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.draw_damage import KINDS, draw_damage
from rechroma.preparation.pairs import mask_from_pair
from rechroma.settings import Damage

SIDES = (64, 128, 256, 512)  # px; photographs are never enlarged
SEVERAL = {"holes": (2, 5), "level": (0, 255)}

Luma = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def overlap(detected: Mask, mask: Mask) -> float:
    """Intersection over union of two masks that are not both empty."""
    return float((detected & mask).sum() / (detected | mask).sum())


def kinds_of_damage(damage: Damage) -> dict[str, Damage]:
    """Settings by name: each kind of damage alone, and several holes of all kinds and any gray."""
    alone = {
        kind: damage.model_copy(update={other: float(other == kind) for other in KINDS})
        for kind in KINDS
    }
    return alone | {"several": damage.model_copy(update=SEVERAL)}


def lumas(folders: list[Path], side: int, every: int) -> Iterator[Luma]:
    """One of `every` photographs in gray, `(side, side)` uint8."""
    for folder in folders:
        for path in sorted(folder.rglob("*.jpg"))[::every]:
            with Image.open(path) as file:
                photo = file.convert("RGB")
            if max(photo.size) >= side:
                if photo.size != (side, side):
                    photo = photo.resize((side, side), Image.Resampling.LANCZOS)
                yield np.asarray(photo.convert("L"))


def report_pairs(folder: Path) -> None:
    """Print the overlap on the competition's pairs; their masks come from the targets."""
    overlaps = []
    for path in sorted((folder / "train_input").glob("*.png")):
        damaged = np.asarray(Image.open(path))
        target = np.asarray(Image.open(folder / "train_gt" / path.name).convert("L"))
        overlaps.append(overlap(find_damage(damaged), mask_from_pair(damaged, target)))
    print(f"{len(overlaps)} pairs: IoU mean {np.mean(overlaps):.4f}, worst {min(overlaps):.4f}")


def report_photos(folders: list[Path], damage: Damage, every: int) -> None:
    """Print a table of false alarms and overlaps, a row for each size."""
    generator = np.random.default_rng(0)
    kinds = kinds_of_damage(damage)
    print("side  photos  false alarms  " + "".join(f"{kind:>24}" for kind in kinds))
    print(" " * 28 + f"{'IoU mean  5 %  missed':>24}" * len(kinds))
    for side in SIDES:
        overlaps: dict[str, list[float]] = {kind: [] for kind in kinds}
        alarms = []
        for luma in lumas(folders, side, every):
            alarms.append(bool(find_damage(luma).any()))
            for kind, drawn in kinds.items():
                damaged, mask = draw_damage(luma, drawn, generator)
                overlaps[kind].append(overlap(find_damage(damaged), mask))
        cells = "".join(map(_cell, overlaps.values())) if alarms else ""
        print(
            f"{side:4}  {len(alarms):6}  {sum(alarms):4} {np.mean(alarms or [False]):7.2%}  {cells}"
        )


def _cell(overlaps: list[float]) -> str:
    low = np.percentile(overlaps, 5)
    return f"{np.mean(overlaps):11.4f} {low:.3f} {np.mean(np.equal(overlaps, 0)):6.2%}"


def main() -> None:
    """Print the tables for the folders on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, nargs="+", metavar="DIR", default=[])
    parser.add_argument("--competition", type=Path, metavar="DIR")
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="use one of N photographs"
    )
    arguments = parser.parse_args()
    if not arguments.photos and not arguments.competition:
        parser.error("no photographs are named, expected --photos DIR... or --competition DIR")
    for folder in filter(None, [*arguments.photos, arguments.competition]):
        if not folder.is_dir():
            parser.error(f"'{folder}' is no folder, expected one of photographs")
    if arguments.competition:
        report_pairs(arguments.competition)
    if arguments.photos:
        report_photos(arguments.photos, default_settings().damage, arguments.every)


if __name__ == "__main__":
    main()
