"""`rechroma find-mask`."""

import argparse
import sys
from pathlib import Path

from rechroma.apps.cli.command import AddCommand
from rechroma.apps.cli.paths import for_each_photo, plan_outputs

FIND_MASK = """\
Writes a PNG of 0 and 255 for each photograph, 255 where it is damaged. Damage is an area of one
constant gray with a sharp border; flat skies and clipped blacks are not taken for damage.

  rechroma find-mask album/ --out masks
"""


def add_to(add_command: AddCommand) -> None:
    """Add the command."""
    command = add_command("find-mask", "find the damage of photographs", FIND_MASK, _find_mask)
    command.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="file or folder")
    command.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="for the masks; made if missing"
    )


def _find_mask(chosen: argparse.Namespace) -> int:
    from rechroma.apps.batch.image_file import write_mask
    from rechroma.imaging.detect_damage import find_damage
    from rechroma.imaging.io import read_gray

    def write_found_mask(source: Path, target: Path) -> None:
        mask = find_damage(read_gray(source))
        if not mask.any():
            print(f"{source}: no damage found", file=sys.stderr)
        write_mask(target, mask)

    return for_each_photo(plan_outputs(chosen.photos, chosen.out), write_found_mask)
