"""How near mended scratches, cracks and spots are to the truth, by kind and by width.

python -m benchmarks.bench_mending [--photos DIR...] [--every N] [--start N] [--rim PX]
python -m benchmarks.bench_mending --photos DIR --finder FILE.onnx --rim PX

A print is aged, damaged and scanned; the truth is the same print scanned without the damage. Of the
damage and 3 px around it: the mean structural similarity, and the mean absolute difference in
levels. Without --photos, photographs inside scikit-image. With --finder, the mask is what the
network finds.
"""

import argparse
import copy
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity
from skimage.restoration import inpaint_biharmonic

from benchmarks.photographs import default_settings, photographs
from rechroma.deployment.finder_onnx import load_onnx_finder
from rechroma.imaging.color import to_luma
from rechroma.imaging.inpaint import telea
from rechroma.imaging.io import list_photos, read_gray
from rechroma.imaging.mending.mend import mend
from rechroma.imaging.print_damage import KINDS, age_print, draw_print_damage
from rechroma.inference.find_print_damage import find_print_damage

Luma = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Fill = Callable[[Luma, Mask], Luma]
Sums = dict[str, dict[str, NDArray[np.float64]]]  # sums[fill][row]: SSIM, difference, px

CHOSEN = [name for name, kind in KINDS.items() if kind.group in ("line", "spot")]
WIDTHS = {"up to 2 px": 0, "3 to 5 px": 3, "6 to 10 px": 6, "over 10 px": 11}
AROUND = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))  # 3 px around
MOST = 0.25  # share of a photograph; what is more is no thin damage
SMALL = 600  # lost px, for what is slow
SIDE = 256  # px, of scikit-image's photographs
SMALL_ROW = f"up to {SMALL} px lost"


class Drawing(NamedTuple):
    """A print with damage of one kind, scanned: that, the same without the damage, and the mask."""

    kind: str
    damaged: Luma
    truth: Luma
    mask: Mask


def drawings(photos: list[Luma], seed: int = 0) -> Iterator[Drawing]:
    """Each photograph with each kind of thin damage; very much damage is skipped."""
    settings = default_settings().print_damage
    none = dict.fromkeys(KINDS, 0.0) | {"undamaged": 0.0}
    for number, luma in enumerate(photos):
        generator = np.random.default_rng([seed, number])
        aged = age_print(luma, settings, generator)
        for kind in CHOSEN:
            chosen = settings.model_copy(update={**none, kind: 1.0})
            drawn = draw_print_damage(aged, chosen, generator)
            # The truth: scanned with the same randomness.
            again = copy.deepcopy(generator)
            damaged = age_print(drawn.luma, settings, generator, stage="scan")
            truth = age_print(aged, settings, again, stage="scan")
            if 0 < (drawn.groups > 0).mean() < MOST:
                yield Drawing(kind, damaged, truth, drawn.groups > 0)


def regions(drawing: Drawing) -> Iterator[tuple[str, Mask]]:
    """The damage and what is around it, as a whole and by width: names of rows, and pixels."""
    mask = drawing.mask.astype(np.uint8)
    around = cv2.dilate(mask, AROUND) > 0
    yield "all", around
    yield drawing.kind, around
    if drawing.mask.sum() <= SMALL:
        yield SMALL_ROW, around
    # A pixel is as wide as the widest disc that fits in the damage and holds it.
    discs = [
        cv2.getStructuringElement(cv2.MORPH_RECT if side == 3 else cv2.MORPH_ELLIPSE, (side, side))
        for side in WIDTHS.values()
        if side
    ]
    opened = [mask, *(cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc) for disc in discs), 0 * mask]
    for name, wide, wider in zip(WIDTHS, opened, opened[1:], strict=False):
        if (wide > wider).any():
            yield name, cv2.dilate((wide > wider).astype(np.uint8), AROUND) > 0


def measure(
    drawn: Iterator[Drawing], fills: dict[str, Fill], masks: Callable[[Drawing], Mask]
) -> Sums:
    """The sums of each way of filling, by row of the table."""
    sums: Sums = {name: defaultdict(lambda: np.zeros(3)) for name in fills}
    for drawing in drawn:
        mask = masks(drawing)
        for name, fill in fills.items():
            if name == "biharmonic" and drawing.mask.sum() > SMALL:
                continue
            filled = np.where(mask, fill(drawing.damaged, mask), drawing.damaged)
            _, similarity = structural_similarity(drawing.truth, filled, full=True)
            difference = np.abs(filled.astype(np.float64) - drawing.truth)
            for row, region in regions(drawing):
                added = similarity[region].sum(), difference[region].sum(), region.sum()
                sums[name][row] += added
    return sums


def table(sums: Sums) -> str:
    """A Markdown table: similarity and difference of each way, by kind and width."""
    rows = ["| damage | " + " | ".join(sums) + " |", "| --- |" + " ---: |" * len(sums)]
    for row in ("all", *WIDTHS, SMALL_ROW, *CHOSEN):
        cells = []
        for name, by_row in sums.items():
            if row not in by_row or (name == "biharmonic" and row != SMALL_ROW):
                cells.append("")
                continue
            similarity, difference, pixels = by_row[row]
            cells.append(f"{similarity / pixels:.3f} / {difference / pixels:.2f}")
        rows.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _navier_stokes(luma: Luma, mask: Mask) -> Luma:
    return np.asarray(cv2.inpaint(luma, mask.astype(np.uint8), 3, cv2.INPAINT_NS))


def _biharmonic(luma: Luma, mask: Mask) -> Luma:
    filled = 255 * inpaint_biharmonic(luma / 255, mask)
    rounded: Luma = np.clip(np.rint(filled), 0, 255).astype(np.uint8)
    return rounded


FILLS: dict[str, Fill] = {
    "ours": lambda luma, mask: mend(luma, mask, mask, threads=1),
    "Telea": telea,
    "Navier-Stokes": _navier_stokes,
    "biharmonic": _biharmonic,
}


def main() -> None:
    """Print the table for the photographs on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, nargs="+", metavar="DIR")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="one of N photographs")
    parser.add_argument("--start", type=int, default=0, metavar="N", help="the first one")
    parser.add_argument("--finder", type=Path, metavar="FILE.onnx", help="masks are what it finds")
    parser.add_argument("--rim", type=int, default=0, metavar="PX", help="by which masks grow")
    parser.add_argument("--fills", nargs="+", choices=FILLS, default=list(FILLS), metavar="NAME")
    chosen = parser.parse_args()
    if chosen.photos:
        paths = [path for folder in chosen.photos for path in list_photos(folder)]
        photos = [read_gray(path) for path in paths[chosen.start :: chosen.every]]
    else:
        photos = [to_luma(photo) for photo in photographs(SIDE)]
    finder = load_onnx_finder(chosen.finder, 1) if chosen.finder else None
    around = np.ones((2 * chosen.rim + 1, 2 * chosen.rim + 1), np.uint8)

    def masks(drawing: Drawing) -> Mask:
        mask = drawing.mask
        if finder is not None:
            mask = find_print_damage(drawing.damaged, finder).mask(0.5)
        grown: Mask = cv2.dilate(mask.astype(np.uint8), around) > 0
        return grown

    print(f"{len(photos)} photographs; similarity / difference in levels\n")
    fills = {name: FILLS[name] for name in chosen.fills}
    print(table(measure(drawings(photos), fills, masks)))


if __name__ == "__main__":
    main()
