"""The options that say which damage is found."""

import argparse

from rechroma.errors import UserError
from rechroma.inference.find_choices import FILLED, FIND, FOUND, SENSITIVITY, Find, groups_of


def add_find_options(command: argparse.ArgumentParser) -> None:
    """Add `--find`, `--sensitivity` and `--groups`."""
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
    command.add_argument(
        "--groups",
        type=_groups,
        metavar="NAMES",
        help=f"which of the found damage is lost, of {', '.join(FOUND)}; "
        f"default: {','.join(FILLED)}",
    )


def _sensitivity(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:  # also where it is not a number
        raise argparse.ArgumentTypeError(f"is '{text}', expected a number from 0 to 1")
    return value


def _groups(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in FOUND:
            raise argparse.ArgumentTypeError(
                f"has '{name}', expected some of {', '.join(FOUND)}, with commas between"
            )
    return tuple(group for group in FOUND if group in names)


def find_options(chosen: argparse.Namespace) -> tuple[Find, float, tuple[str, ...]]:
    """Which damage to find, how sensitively, and which groups of it are lost.

    Raises:
        UserError: none of the groups is looked for.
    """
    find: Find = chosen.find or "auto"
    sensitivity = SENSITIVITY if chosen.sensitivity is None else chosen.sensitivity
    if chosen.groups is not None and find != "none" and not set(chosen.groups) & {*groups_of(find)}:
        raise UserError(
            f"--groups is {','.join(chosen.groups)}, which only --find lines looks for; add it"
        )
    return find, sensitivity, FILLED if chosen.groups is None else chosen.groups
