"""The visibility of the border of a filled hole: steps across it against steps on both sides.

python -m benchmarks.bench_joint --photos DIR [--model MODEL] [--out DIR]

It needs a folder of photographs in color. A step is the difference of two neighboring pixels near
the border, in levels of 0…255. Across the border one pixel is lost and one is known; inside both
are lost; outside both are known. An undamaged photograph has about the same steps everywhere. The
jump is the excess of the step across over the larger of the other two.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.photographs import default_settings
from rechroma.apps.model_catalog import load_named_model
from rechroma.errors import UserError
from rechroma.imaging.color import to_luma, ycbcr_from_rgb
from rechroma.imaging.draw_damage import draw_damage
from rechroma.imaging.grid import StripRow, strip
from rechroma.imaging.inpaint import FILLS
from rechroma.imaging.io import list_photos, read_color, write_png

NEAR = 4  # px from the border
WORST = 10
MARGIN = 0.6  # around a hole in the strip, share of its longer side

Photo = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Plane = NDArray[np.floating]


class Steps(NamedTuple):
    """Mean steps across the border of a hole and on both sides of it, levels."""

    across: float
    inside: float
    outside: float

    @property
    def jump(self) -> float:
        """The excess of the step across over the larger of the others, levels; at least 0."""
        return max(0.0, self.across - max(self.inside, self.outside))


def steps(plane: Plane, mask: Mask) -> Steps:
    """The steps of an `(H, W)` plane at the border of the holes in `mask`."""
    # (H, W) the band of pixels at most NEAR from the border, on both sides of it.
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * NEAR + 1, 2 * NEAR + 1))
    lost = mask.astype(np.uint8)
    near = (cv2.dilate(lost, disk) - cv2.erode(lost, disk)).astype(bool)
    # All pairs of neighbors: horizontal ones, then vertical ones.
    differences: dict[str, list[Plane]] = {"across": [], "inside": [], "outside": []}
    for one, other in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        difference = np.abs(plane[one] - plane[other])
        both_near = near[one] & near[other]
        kinds = {
            "across": mask[one] != mask[other],
            "inside": mask[one] & mask[other] & both_near,
            "outside": ~mask[one] & ~mask[other] & both_near,
        }
        for kind, where in kinds.items():
            differences[kind].append(difference[where])
    means = {kind: np.concatenate(values) for kind, values in differences.items()}
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
    """Names and pixels of the photographs in color, at their own size."""
    for path in list_photos(folder):
        try:
            yield path.name, read_color(path)
        except UserError as error:
            print(error)


def frame(mask: Mask) -> tuple[slice, slice]:
    """Rows and columns of the holes and a margin."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    margin = round(MARGIN * max(width, height))
    return np.s_[max(0, y - margin) : y + height + margin, max(0, x - margin) : x + width + margin]


def row(name: str, measured: list[Steps]) -> str:
    """A row of the table: means over photographs, and the 95th percentile of the jumps."""
    across, inside, outside = np.mean(measured, axis=0)
    jumps = [each.jump for each in measured]
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
    if not arguments.photos.is_dir():
        parser.error(f"--photos is {arguments.photos}, expected a folder of photographs in color")
    model, restorer = load_named_model(arguments.model)
    settings = default_settings()
    generator = np.random.default_rng(settings.seed)
    gray: dict[str, list[Steps]] = {"target": [], "restored": [], "gray, Telea": []}
    color: dict[str, list[Steps]] = {"target": [], "restored": [], "color kept": []}
    rows: list[tuple[float, StripRow]] = []
    for name, target in photographs(arguments.photos):
        luma = to_luma(target)
        damaged, mask = draw_damage(luma, settings.damage, generator)
        restored = restorer(damaged, mask)
        damaged_color = np.where(mask[..., None], damaged[..., None], target)
        kept = restorer.keep_color(damaged_color, mask)
        for kind, picture in (("target", luma), ("restored", restored)):
            gray[kind].append(steps(luma_of(picture), mask))
        gray["gray, Telea"].append(steps(luma_of(FILLS["telea"](damaged, mask)), mask))
        for kind, picture in (("target", target), ("restored", restored), ("color kept", kept)):
            color[kind].append(chroma_steps(picture, mask))
        window = frame(mask)
        jump = gray["restored"][-1].jump
        caption = f"{name[:24]}  jump {jump:.2f} levels"
        rows.append((jump, StripRow(damaged[window], restored[window], target[window], caption)))
    if not rows:
        parser.error(f"--photos is {arguments.photos}, which holds no photograph in color")
    rows.sort(key=lambda each: -each[0])
    arguments.out.mkdir(parents=True, exist_ok=True)
    worst = arguments.out / "worst.png"
    write_png(worst, strip([each for _, each in rows[:WORST]]))
    print(f"model: {model}; {len(rows)} photographs at their own size\n")
    for heading, measured in (("gray", gray), ("color (mean of Cb and Cr)", color)):
        print(f"| {heading} | across | inside | outside | jump | 95 % of jumps below |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        print("\n".join(row(name, each) for name, each in measured.items()), end="\n\n")
    print(f"The {min(WORST, len(rows))} largest jumps: {worst}")


if __name__ == "__main__":
    main()
