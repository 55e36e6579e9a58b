"""The options that say what is lost, and how holes are filled."""

import argparse
from pathlib import Path

from rechroma.apps.cli.find_options import add_find_options

HOLES = ("auto", "smooth", "texture")  # as of `settings.Holes`, which imports much


def add_mask_options(command: argparse.ArgumentParser) -> None:
    """Add the options that say what is lost."""
    command.add_argument(
        "--mask", type=Path, metavar="PATH", help="a mask, or a folder of masks as in the album"
    )
    command.add_argument(
        "--mask-polarity",
        choices=("auto", "white", "black"),
        default="auto",
        help="which part of a mask is lost; default: auto, the smaller one",
    )
    add_find_options(command)
    _add_hole_options(command)
    command.add_argument(
        "--save-masks", type=Path, metavar="DIR", help="write the masks that were used"
    )


def _add_hole_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--grow", type=_px, default=0, metavar="N", help="px by which every mask grows"
    )
    command.add_argument(
        "--holes",
        choices=HOLES,
        help="smooth, a mean of what may be in them; texture, what is around them goes on; auto, "
        "texture for the eye, smooth for the score; default: the model's setting, mostly auto",
    )


def _px(text: str) -> int:
    if not text.isdecimal() or int(text) > 500:
        raise argparse.ArgumentTypeError(f"is '{text}', expected a number of px from 0 to 500")
    return int(text)
