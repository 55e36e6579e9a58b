"""The options that say what becomes of color, tone and border of a photograph."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rechroma.imaging.toned import Color

EVEN_TONE = ("auto", "off")  # as of `inference.even_tone`, which imports much


def add_kind_options(command: argparse.ArgumentParser) -> None:
    """Add `--keep-color`, `--recolor`, `--tone` and `--crop`."""
    colors = command.add_mutually_exclusive_group()
    colors.add_argument(
        "--keep-color",
        action="store_true",
        help="restore only the lost part, also of toned prints; default: of color photographs",
    )
    colors.add_argument(
        "--recolor", action="store_true", help="color photographs in color anew, too"
    )
    command.add_argument(
        "--tone",
        choices=EVEN_TONE,
        default="off",
        help="auto: even stains that --find lines finds, and faded grays; default: off, which "
        "keeps all known gray exactly",
    )
    command.add_argument(
        "--crop", action="store_true", help="cut a plain border around the photograph off"
    )


def chosen_color(chosen: argparse.Namespace) -> "Color":
    """Whether photographs keep their color."""
    if chosen.keep_color:
        return "keep"
    return "replace" if chosen.recolor else "auto"
