"""How much the border of a filled hole shows: steps across it against those on both sides.

python -m benchmarks.bench_joint --photos DIR [--model MODEL] [--out DIR]

A step is the difference of two pixels beside each other, in levels of 0…255: of which one is lost
and the other known (across), both lost (inside) or both known (outside), within a few pixels of
the border. A photograph that never was damaged has the same steps everywhere. The jump is how much
the step across is larger than both others.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.apps.model_catalog import load_named_model
from rechroma.errors import UserError
from rechroma.imaging.color import to_luma, ycbcr_from_rgb
from rechroma.imaging.draw_damage import draw_damage
from rechroma.imaging.grid import StripRow
from rechroma.imaging.inpaint import FILLS
from rechroma.imaging.io import list_photos, read_color, write_png
from rechroma.settings import load_settings

NEAR = 4  # px from the border
WORST = 10
AROUND = 0.6  # of a hole's longer side, shown around it in the strip

Photo = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Plane = NDArray[np.floating]


class Steps(NamedTuple):
    """Mean steps, levels, across the border of a hole and on both sides of it."""

    across: float
    inside: float
    outside: float

    @property
    def jump(self) -> float:
        """How much larger the step across is than on either side, levels; at least 0."""
        return max(0.0, self.across - max(self.inside, self.outside))


def steps(plane: Plane, mask: Mask) -> Steps:
    """The steps of an `(H, W)` plane at the border of the holes in `mask`."""
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * NEAR + 1, 2 * NEAR + 1))
    lost = mask.astype(np.uint8)
    near = (cv2.dilate(lost, disk) - cv2.erode(lost, disk)).astype(bool)
    found: dict[str, list[NDArray[np.floating]]] = {"across": [], "inside": [], "outside": []}
    for one, other in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        difference = np.abs(plane[one] - plane[other])
        both_near = near[one] & near[other]
        kinds = {
            "across": mask[one] != mask[other],
            "inside": mask[one] & mask[other] & both_near,
            "outside": ~mask[one] & ~mask[other] & both_near,
        }
        for kind, where in kinds.items():
            found[kind].append(difference[where])
    means = {kind: np.concatenate(values) for kind, values in found.items()}
    return Steps(**{kind: float(each.mean()) if each.size else 0.0 for kind, each in means.items()})


def luma_of(photo: Photo) -> Plane:
    """`(H, W)` luma of `(H, W)` gray or `(H, W, 3)` RGB, levels."""
    return (photo if photo.ndim == 2 else to_luma(photo)).astype(np.float32)


def chroma_steps(photo: Photo, mask: Mask) -> Steps:
    """The mean of the steps in Cb and in Cr, levels."""
    planes = ycbcr_from_rgb(*photo.astype(np.float32).transpose(2, 0, 1))[1:]
    pairs = [steps(plane, mask) for plane in planes]
    return Steps(*np.mean(pairs, axis=0).tolist())


def photographs(folder: Path) -> Iterator[tuple[str, Photo]]:
    """Those in color, at their own size."""
    for path in list_photos(folder):
        try:
            yield path.name, read_color(path)
        except UserError as error:
            print(error)


def around(mask: Mask) -> tuple[slice, slice]:
    """Rows and columns of the holes and of something around them."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    margin = round(AROUND * max(width, height))
    return np.s_[max(0, y - margin) : y + height + margin, max(0, x - margin) : x + width + margin]


def row(name: str, told: list[Steps]) -> str:
    """A row of the table: means over photographs, and the jump that 95 % stay below."""
    across, inside, outside = np.mean(told, axis=0)
    jumps = [each.jump for each in told]
    return (
        f"| {name} | {across:.2f} | {inside:.2f} | {outside:.2f} "
        f"| {np.mean(jumps):.2f} | {np.percentile(jumps, 95):.2f} |"
    )


def main() -> None:
    """Damage the photographs of a folder, restore them, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR")
    parser.add_argument("--model", metavar="MODEL", help="as for rechroma restore")
    parser.add_argument("--out", type=Path, default=Path("reports/joint"), metavar="DIR")
    arguments = parser.parse_args()
    model, restorer = load_named_model(arguments.model)
    settings = load_settings(Path("params.yaml"))
    generator = np.random.default_rng(settings.seed)
    gray: dict[str, list[Steps]] = {"truth": [], "restored": [], "gray, Telea": []}
    color: dict[str, list[Steps]] = {"truth": [], "restored": [], "color kept": []}
    shown: list[tuple[float, StripRow]] = []
    for name, target in photographs(arguments.photos):
        luma = to_luma(target)
        damaged, mask = draw_damage(luma, settings.damage, generator)
        restored = restorer(damaged, mask)
        broken = np.where(mask[..., None], damaged[..., None], target)
        kept = restorer.keep_color(broken, mask)
        for kind, picture in (("truth", luma), ("restored", restored)):
            gray[kind].append(steps(luma_of(picture), mask))
        gray["gray, Telea"].append(steps(luma_of(FILLS["telea"](damaged, mask)), mask))
        for kind, picture in (("truth", target), ("restored", restored), ("color kept", kept)):
            color[kind].append(chroma_steps(picture, mask))
        seen = around(mask)
        jump = gray["restored"][-1].jump
        caption = f"{name[:24]}  jump {jump:.2f} levels"
        shown.append((jump, StripRow(damaged[seen], restored[seen], target[seen], caption)))
    shown.sort(key=lambda each: -each[0])
    arguments.out.mkdir(parents=True, exist_ok=True)
    strip = arguments.out / "worst.png"
    write_png(strip, strip([each for _, each in shown[:WORST]]))
    print(f"model: {model}; {len(shown)} photographs at their own size\n")
    for heading, told in (("gray", gray), ("color (mean of Cb and Cr)", color)):
        print(f"| {heading} | across | inside | outside | jump | 95 % of jumps below |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        print("\n".join(row(name, each) for name, each in told.items()), end="\n\n")
    print(f"The worst ten: {strip}")


if __name__ == "__main__":
    main()
