"""What damage is looked for and filled: names and defaults, without the code that finds it."""

from collections.abc import Mapping
from typing import Literal, get_args

Find = Literal["auto", "flat", "lines", "none"]
FIND: tuple[Find, ...] = get_args(Find)
AUTO: Find = "flat"  # what `auto` finds
SENSITIVITY = 0.5

FOUND = ("line", "spot", "area", "stain", "flat")
"""Groups of what is found; in a plane of groups, group n of these is n + 1 and 0 is undamaged."""

FILLED = ("line", "spot", "area", "flat")
"""Groups that are lost and filled unless others are chosen; a stain is not lost."""

Thresholds = Mapping[str, tuple[float, float, float]]
"""The probability that is enough at sensitivity 0, 0.5 and 1, by group of the network."""


def uses_network(find: Find) -> bool:
    """Whether this way of finding damage asks the network.

    >>> uses_network("lines"), uses_network("flat")
    (True, False)
    """
    return (AUTO if find == "auto" else find) == "lines"


def groups_of(find: Find) -> tuple[str, ...]:
    """The groups of `FOUND` that this way of finding damage looks for.

    >>> groups_of("flat"), groups_of("none")
    (('flat',), ())
    """
    if find == "none":
        return ()
    return FOUND if uses_network(find) else ("flat",)
