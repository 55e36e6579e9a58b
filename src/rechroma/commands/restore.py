"""`rechroma restore` and `rechroma find-mask`."""

import argparse
import sys
from pathlib import Path

from rechroma.commands import Add
from rechroma.commands.files import by_stem, each, in_px, outputs_of, partner, read_mask
from rechroma.errors import UserError

MODEL = Path("models/restorer")  # where the pipeline leaves its model, seen from the project

RESTORE = """\
Writes a PNG of the same stem and size for each photograph; folders are searched through.
The damage (areas of one constant gray) is found by rule, or given with --mask.
The gray outside the damage is kept exactly: the model only adds color there.

  rechroma restore album/ --out restored
  rechroma restore old.jpg --out restored --mask masks    (masks/old.png, white where lost)
  rechroma restore old.jpg --out restored --model models/restorer

Without --model the model trained in this project (models/restorer) is used, and without that the
one that rechroma carries (docs/model-card.md: for research use only); the command says which.
A photograph that cannot be restored is named and passed over; the exit code is then 1.
"""
FIND_MASK = """\
Writes a PNG of 0 and 255 for each photograph, 255 where it is damaged. Damage is an area of one
constant gray with a sharp border; flat skies and clipped blacks are not taken for it.

  rechroma find-mask album/ --out masks
"""


def add_to(add: Add) -> None:
    """Add both commands."""
    restore = add("restore", "restore photographs", RESTORE, _restore)
    restore.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="file or folder")
    restore.add_argument("--out", required=True, type=Path, metavar="DIR", help="made if missing")
    restore.add_argument("--mask", type=Path, metavar="DIR", help="masks of the same stems")
    restore.add_argument("--model", type=Path, metavar="DIR", help=f"default: {MODEL}")

    find = add("find-mask", "find the damage of photographs", FIND_MASK, _find_mask)
    find.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="file or folder")
    find.add_argument("--out", required=True, type=Path, metavar="DIR", help="made if missing")


def choose_model(named: Path | None) -> Path:
    """The folder of the model: the one named, else the project's, else the one that rechroma
    carries; which of these two is told on standard error.
    """
    if named is not None:
        return named
    from rechroma import shipped

    told = MODEL if MODEL.exists() else "the one that rechroma carries, for research use only"
    print(f"model: {told}", file=sys.stderr)
    return MODEL if MODEL.exists() else shipped.FOLDER


def _restore(chosen: argparse.Namespace) -> int:
    from rechroma import photos, restoring
    from rechroma.damage import find_mask

    masks = None if chosen.mask is None else by_stem(chosen.mask)
    outputs = outputs_of(chosen.photos, chosen.out, (masks or {}).values())
    restore = restoring.load(choose_model(chosen.model))

    def restore_file(source: Path, target: Path) -> None:
        damaged = photos.read_gray(source)
        if masks is None:
            lost = find_mask(damaged)
            if not lost.any():
                print(f"{source}: no damage found, color only", file=sys.stderr)
        else:
            lost = read_mask(partner(masks, source, chosen.mask))
            if lost.shape != damaged.shape:
                raise UserError(
                    f"{source}: its mask is {in_px(lost.shape)}, expected {in_px(damaged.shape)}"
                )
        photos.write_png(target, restore(damaged, lost))

    return each(outputs, restore_file)


def _find_mask(chosen: argparse.Namespace) -> int:
    from rechroma import photos
    from rechroma.damage import find_mask

    def find(source: Path, target: Path) -> None:
        found = find_mask(photos.read_gray(source))
        if not found.any():
            print(f"{source}: no damage found", file=sys.stderr)
        photos.write_png(target, found)

    return each(outputs_of(chosen.photos, chosen.out), find)
