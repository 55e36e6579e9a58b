"""How much damage of prints is found, by kind, and how much where none is.

python -m benchmarks.bench_print_damage --photos DIR... --by-hand PHOTOS MASKS --out FILE.md
python -m benchmarks.bench_print_damage --photos DIR --masks OUT

The first writes tables of the network beside a top-hat filter and the rule for flat holes: on each
folder of undamaged photographs with damage drawn on them, and on photographs whose masks were drawn
by hand, light where damaged. The second writes what is found on each photograph of a folder as a
mask, OUT/<name>.png.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.photographs import default_settings
from rechroma.apps.cli.evaluate import list_targets, match_all
from rechroma.deployment.trained_finder import load_any_finder
from rechroma.errors import UserError
from rechroma.evaluation.finder_scores import (
    Counts,
    FindMasks,
    count_by_hand,
    count_drawn,
    find_by_methods,
    finder_table,
    summarize,
)
from rechroma.imaging.io import list_photos, mask_from_gray, read_gray, write_png
from rechroma.imaging.types import Luma, Mask
from rechroma.inference.find_all_damage import LikelyDamage, finder_thresholds
from rechroma.inference.find_print_damage import FinderBackend, find_print_damage
from rechroma.models.weights import BUNDLED_FOLDER
from rechroma.outputs import whole_file
from rechroma.progress import track

SENSITIVITIES = (0.3, 0.5, 0.7)
BY_HAND = "drawn by hand"


def photos_with_masks(photos: Path, masks: Path) -> Iterator[tuple[Luma, Mask]]:
    """The photographs of a folder and their masks, which are light where damaged."""
    targets = list_targets(photos)
    for photo, mask in match_all(targets, masks, "mask").items():
        luma, lost = read_gray(photo), mask_from_gray(read_gray(mask))
        if lost.shape != luma.shape:
            raise UserError(f"{mask} has another size than {photo}, expected the same")
        yield luma, lost


def section(title: str, count: int, counts: Counts) -> str:
    """A heading, what was measured, and its table."""
    return (
        f"## {title}\n\n{count} photographs: recall / precision / IoU, "
        f"and the share of undamaged area that is found\n\n{finder_table(summarize(counts))}\n"
    )


def measure(
    folders: list[Path], by_hand: list[tuple[Path, Path]], find: FindMasks, every: int, seed: int
) -> Iterator[str]:
    """A section for each folder of photographs, and for each pair of photographs and masks."""
    settings = default_settings().print_damage
    for folder in folders:
        files = list_photos(folder)[::every]
        if not files:
            raise UserError(f"{folder} holds no photographs, expected undamaged ones")
        lumas = map(read_gray, track(files, folder.name, len(files)))
        yield section(folder.name, len(files), count_drawn(lumas, find, settings, seed))
    for photos, masks in by_hand:
        pairs = list(photos_with_masks(photos, masks))[::every]
        shown = track(pairs, photos.name, len(pairs))
        yield section(photos.name, len(pairs), count_by_hand(shown, find, BY_HAND))


def write_masks(folders: list[Path], finder: FinderBackend, sensitivity: float, out: Path) -> None:
    """Write what is found on each photograph as a mask, white where damaged."""
    for path in (path for folder in folders for path in list_photos(folder)):
        found = find_print_damage(read_gray(path), finder)
        weighed = LikelyDamage(*found, thresholds=finder_thresholds(finder)).weighed(sensitivity)
        write_png(out / f"{path.stem}.png", weighed.groups > 0)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--finder",
        type=Path,
        default=BUNDLED_FOLDER,
        metavar="PATH",
        help="folder, .onnx or .safetensors file of a network; default: the bundled one",
    )
    parser.add_argument("--photos", type=Path, nargs="+", default=[], metavar="DIR")
    parser.add_argument(
        "--by-hand", type=Path, nargs=2, action="append", default=[], metavar=("PHOTOS", "MASKS")
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="one of N photographs")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn")
    parser.add_argument("--out", type=Path, metavar="FILE.md", help="write the tables there too")
    parser.add_argument("--masks", type=Path, metavar="OUT", help="write masks there instead")
    parser.add_argument("--sensitivity", type=float, default=0.5, metavar="S", help="of the masks")
    parser.add_argument("--threads", type=int, metavar="N", help="by default all")
    chosen = parser.parse_args()
    if not chosen.photos and not chosen.by_hand:
        parser.error("no photographs are named, expected --photos DIR... or --by-hand PHOTOS MASKS")
    return chosen


def main() -> None:
    """Print the tables, or write the masks, for the folders on the command line."""
    chosen = parse()
    finder = load_any_finder(chosen.finder, chosen.threads)
    if chosen.masks:
        write_masks(chosen.photos, finder, chosen.sensitivity, chosen.masks)
        return
    started = time.perf_counter()
    find = find_by_methods(finder, SENSITIVITIES)
    sections = []
    for text in measure(chosen.photos, chosen.by_hand, find, chosen.every, chosen.seed):
        print(text, flush=True)
        sections.append(text)
    if chosen.out:
        with whole_file(chosen.out) as part:
            part.write_text("\n".join(sections), encoding="utf-8")
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        print(f"bench_print_damage: {error}", file=sys.stderr)
        sys.exit(2)
