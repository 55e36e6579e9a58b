"""`rechroma find-mask`."""

import argparse
import sys
from pathlib import Path

from rechroma.apps.cli.command import AddCommand
from rechroma.apps.cli.find_options import add_find_options, find_options
from rechroma.apps.cli.paths import for_each_photo
from rechroma.apps.cli.standard_streams import standard_streams

FIND_MASK = """\
Writes a PNG of 0 and 255 for each photograph, 255 where it is damaged. Damage is an area of one
constant gray with a sharp border; flat skies and clipped blacks are not taken for damage. With
--find lines scratches, cracks, spots and torn parts are found too, by a network; stains are shown
by --kinds alone, as the photograph is not lost there; --groups chooses what is lost.

  rechroma find-mask album/ --out masks
  rechroma find-mask album/ --out masks --find lines --sensitivity 0.7
  rechroma find-mask album/ --out kinds --find lines --kinds   red lines, yellow spots, blue areas,
                                                      green stains, violet areas of one gray
  rechroma find-mask - --out - < old.jpg > mask.png
"""


def add_to(add_command: AddCommand) -> None:
    """Add the command."""
    command = add_command("find-mask", "find the damage of photographs", FIND_MASK, _find_mask)
    command.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="file, folder or -")
    command.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="DIR",
        help="a folder, or - for one mask",
    )
    add_find_options(command)
    command.add_argument(
        "--kinds",
        action="store_true",
        help="write the photograph with its damage colored by kind, instead of the mask",
    )


def _find_mask(chosen: argparse.Namespace) -> int:
    from rechroma.apps.batch.check_outputs import check_outputs
    from rechroma.apps.batch.image_file import write_mask, write_signed_png
    from rechroma.apps.batch.kinds_picture import kinds_picture
    from rechroma.apps.batch.plan_album import check_overwriting, count_suffixes, plan_album
    from rechroma.deployment.bundled_finder import load_bundled_finder
    from rechroma.imaging.io import read_gray
    from rechroma.inference.find_all_damage import find_all_damage
    from rechroma.inference.find_choices import uses_network

    find, sensitivity, groups = find_options(chosen)
    finder = load_bundled_finder() if uses_network(find) else None

    def write_found_mask(source: Path, target: Path) -> None:
        gray = read_gray(source)
        found = find_all_damage(gray, find, sensitivity, finder, groups)
        notes = [*found.doubts, *([] if found.groups.any() else ["no damage found"])]
        if notes:
            print(f"{streams.name(str(source))}: {'; '.join(notes)}", file=sys.stderr)
        if chosen.kinds:
            write_signed_png(target, kinds_picture(gray, found.groups))
        else:
            write_mask(target, found.mask)

    with standard_streams(chosen) as streams:
        album = plan_album(chosen.photos, chosen.out)
        check_overwriting(album.outputs, album.outputs.values(), "--out")
        check_outputs(chosen.out, None, None, album.outputs)
        code = for_each_photo(album.outputs, write_found_mask, streams)
        streams.send()
    if album.skipped:
        skipped = ", ".join(f"{n} {suffix}" for suffix, n in count_suffixes(album.skipped).items())
        print(f"no photographs: {skipped}", file=sys.stderr)
    return 2 * code if streams.output else code
