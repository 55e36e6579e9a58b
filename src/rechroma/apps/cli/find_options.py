"""The options that say which damage is found."""

import argparse

from rechroma.inference.find_all_damage import FIND, SENSITIVITY, Find


def add_find_options(command: argparse.ArgumentParser) -> None:
    """Add `--find` and `--sensitivity`."""
    command.add_argument(
        "--find",
        choices=FIND,
        help="damage to find: flat, areas of one gray, by rule; lines, also scratches, cracks, "
        "spots and torn parts, by a network; none; default: auto, what is sure (flat)",
    )
    command.add_argument(
        "--sensitivity",
        type=_sensitivity,
        metavar="X",
        help=f"of the network, from 0, only what is certain, to 1; default: {SENSITIVITY}",
    )


def _sensitivity(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:  # also where it is not a number
        raise argparse.ArgumentTypeError(f"is '{text}', expected a number from 0 to 1")
    return value


def find_options(chosen: argparse.Namespace) -> tuple[Find, float]:
    """Which damage to find, and how sensitively."""
    sensitivity = SENSITIVITY if chosen.sensitivity is None else chosen.sensitivity
    return chosen.find or "auto", sensitivity
