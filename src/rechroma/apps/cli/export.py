"""`rechroma export`: a trained model as one ONNX file."""

import argparse
import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.apps.cli.command import AddCommand
from rechroma.apps.cli.paths import format_size
from rechroma.errors import UserError

if TYPE_CHECKING:
    from rechroma.deployment.onnx_export import OnnxDifference
    from rechroma.imaging.types import Luma, Mask


EXPORT = """\
Writes the network and its settings as one ONNX file for photographs of any size, and compares it
with torch, both in float32, on photographs with a gray rectangle in the middle: those of
scikit-image, or yours. Prints the largest differences; where color (from 0 to 1) or a share of the
hues differs by more than 0.001, the exit code is 1.

  rechroma export --onnx restorer.onnx
  rechroma export --onnx restorer.onnx --model models/restorer --check album/
  rechroma restore old.jpg --out restored --model restorer.onnx    (needs no torch)

Without --model the model trained in this project (models/restorer) is used, and without that the
bundled one (docs/model-card.md: for research use only); the command prints which.
"""
PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket")  # inside scikit-image
SIDES = (509, 384, 251, 127)  # px, longer sides, one after the other and again
LOST_SIDE, LOST_LEVEL = 0.4, 128  # the rectangle in the middle: share of each side, gray level


def add_to(add_command: AddCommand) -> None:
    """Add the command."""
    command = add_command("export", "write a model as an ONNX file", EXPORT, _export)
    command.add_argument("--onnx", required=True, type=Path, metavar="FILE", help="ends in .onnx")
    command.add_argument("--model", type=Path, metavar="PATH", help="default: models/restorer")
    command.add_argument("--check", type=Path, metavar="DIR", help="photographs to compare on")


def _export(chosen: argparse.Namespace) -> int:
    from rechroma.apps.model_catalog import default_model
    from rechroma.models.card import read_any_card, without_sums
    from rechroma.models.store import load_network

    file: Path = chosen.onnx
    if file.suffix != ".onnx":
        raise UserError(f"--onnx is '{file}', expected a name that ends in .onnx")
    name, model = (str(chosen.model), chosen.model) if chosen.model else default_model()
    print(f"model: {name}", file=sys.stderr)
    photographs = list(sample_photographs(chosen.check))

    from rechroma.deployment.onnx_export import (
        TOLERANCE,
        OnnxDifference,
        compare_with_torch,
        export_onnx,
    )

    stored = load_network(model)
    card = read_any_card(model)
    export_onnx(stored, file, without_sums(card))
    print(f"{file}: {file.stat().st_size / 2**20:.1f} MiB")
    if "license" in card:
        print(f"license: {card['license']}", file=sys.stderr)
    differences = []
    for name, damaged, mask in photographs:
        difference = compare_with_torch(file, stored, damaged, mask)
        print(f"{name}, {format_size(damaged.shape)}: {_format(difference)}")
        differences.append(difference)
    worst = OnnxDifference(*map(max, zip(*differences, strict=True)))
    print(f"maximum of {len(differences)} photographs: {_format(worst)}")
    if all(difference.tolerable for difference in differences):
        return 0
    print(
        f"rechroma: {file} differs from torch by more than {TOLERANCE:g} in color or "
        "hues; it was written, but do not use it",
        file=sys.stderr,
    )
    return 1


def sample_photographs(folder: Path | None = None) -> Iterator[tuple[str, "Luma", "Mask"]]:
    """Photographs of several sizes to compare networks on, damaged in the middle.

    Args:
        folder: of photographs; by default those of scikit-image are taken.

    Yields:
        Name, `(H, W)` uint8 gray with damage, and `(H, W)` bool mask, True where lost.
    """
    from rechroma.imaging.color import to_luma
    from rechroma.imaging.io import list_photos, read_gray
    from rechroma.imaging.resize import downscale_luma

    if folder is None:
        from skimage import data

        grays = ((name, to_luma(getattr(data, name)())) for name in PHOTOGRAPHS)
    else:
        paths = list_photos(folder)
        if not paths:
            raise UserError(f"{folder} holds no photographs, expected at least one to compare on")
        grays = ((str(path), read_gray(path)) for path in paths)
    for (name, gray), side in zip(grays, cycle(SIDES), strict=False):
        damaged = downscale_luma(gray, side).copy()
        mask = _middle(damaged)
        damaged[mask] = LOST_LEVEL
        yield name, damaged, mask


def _middle(luma: "Luma") -> "Mask":
    """`(H, W)` bool, True in a rectangle in the middle."""
    import numpy as np

    mask = np.zeros(luma.shape, dtype=bool)
    top, left = (round(side * (1 - LOST_SIDE) / 2) for side in luma.shape)
    mask[top : luma.shape[0] - top, left : luma.shape[1] - left] = True
    return mask


def _format(difference: "OnnxDifference") -> str:
    return (
        f"color {difference.color:.2g}, hues {difference.hues:.2g}, restored "
        f"{difference.levels} of 255 levels ({difference.changed:.3%} of the values differ)"
    )
