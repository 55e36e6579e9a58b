"""All damage of a photograph in one mask: flat holes found by rule, a print's damage by a network.

The rule keeps its holes exact to the pixel. What the network finds is weighed by group. Stains are
told but not lost, as the photograph shines through them.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.detect_damage import inspect_damage
from rechroma.imaging.print_damage.kinds import GROUPS
from rechroma.imaging.scan_border import find_border
from rechroma.imaging.types import Luma, Mask
from rechroma.inference.find_print_damage import (
    FinderBackend,
    FoundPrintDamage,
    find_print_damage,
)

Find = Literal["auto", "flat", "lines", "none"]
FIND: tuple[Find, ...] = ("auto", "flat", "lines", "none")
AUTO: Find = "flat"  # what `auto` finds
SENSITIVITY = 0.5

FOUND = (*GROUPS, "flat")
"""Groups of what is found; in a plane of groups, group n of these is n + 1 and 0 is undamaged."""

FILLED = ("line", "spot", "area")  # a stain is not lost
Thresholds = Mapping[str, tuple[float, float, float]]
# The probability that is enough, by group: at sensitivity 0, 0.5 and 1; of a network whose card has
# no thresholds of its own. Areas need more, as white skies and light cloth look like them. Growing
# strong seeds to weaker pixels, and dropping small regions, both found less at the same share of
# false alarms.
ENOUGH: Thresholds = {
    "line": (0.95, 0.5, 0.15),
    "spot": (0.95, 0.5, 0.15),
    "area": (0.98, 0.65, 0.25),
    "stain": (0.95, 0.5, 0.15),
}
RIM = 1  # px by which the network's damage grows: what is beside a scratch is part of it


class AllDamage(NamedTuple):
    """The damage of a photograph.

    Attributes:
        mask: `(H, W)` bool, True where lost.
        groups: `(H, W)` uint8, what was found: its place in `FOUND` from 1, 0 for nothing.
        shares: of the photograph, 0 to 1, by group that was found.
        doubts: why the mask may be wrong or incomplete.
    """

    mask: Mask
    groups: NDArray[np.uint8]
    shares: dict[str, float]
    doubts: tuple[str, ...]


def uses_network(find: Find) -> bool:
    """Whether this way of finding damage asks the network.

    >>> uses_network("lines"), uses_network("flat")
    (True, False)
    """
    return (AUTO if find == "auto" else find) == "lines"


def find_all_damage(
    gray: Luma,
    find: Find = "auto",
    sensitivity: float = SENSITIVITY,
    finder: FinderBackend | None = None,
) -> AllDamage:
    """Find the damage of a gray photograph.

    Args:
        gray: `(H, W)` uint8.
        find: `flat`: holes of one gray, by rule; `lines`: also the damage of prints, by the
            network; `none`: nothing; `auto`: what is sure on any photograph.
        sensitivity: from 0, only what is certain, to 1, whatever may be damage; of the network.
        finder: the network; None: the rule alone, with a doubt where the network was asked for.

    Raises:
        ValueError: the sensitivity is not between 0 and 1.

    >>> gray = np.random.default_rng(0).integers(100, 200, (64, 96)).astype(np.uint8)
    >>> gray[20:40, 10:30] = 50
    >>> found = find_all_damage(gray, "flat")
    >>> int(found.mask.sum()), found.shares, found.doubts
    (400, {'flat': 0.065104}, ())
    >>> find_all_damage(gray, "none").mask.any()
    np.False_
    """
    if not 0 <= sensitivity <= 1:
        raise ValueError(f"sensitivity is {sensitivity}, expected 0 to 1")
    groups = np.zeros(gray.shape, np.uint8)
    if find == "none":
        return AllDamage(groups > 0, groups, {}, ())
    flat = inspect_damage(gray)
    doubts = [flat.doubt] if flat.doubt else []
    mask = flat.mask
    if uses_network(find) and finder is None:
        doubts.append("the network that finds scratches is missing: only flat holes were found")
    elif uses_network(find) and finder is not None:
        groups = weigh_print_damage(
            find_print_damage(gray, finder), sensitivity, finder_thresholds(finder)
        )
        lost = _lost(groups)
        if border := find_border(gray, flat.mask):  # which is left as it is
            outside = border.outside(gray.shape)
            groups[outside], lost[outside] = 0, False
        mask = mask | lost
    groups[flat.mask] = len(FOUND)
    return AllDamage(mask, groups, _shares(groups), tuple(doubts))


def finder_thresholds(finder: FinderBackend) -> Thresholds:
    """The probabilities that are enough by the network's own card, without a card `ENOUGH`."""
    own: Thresholds | None = getattr(finder, "thresholds", None)
    return own or ENOUGH


def weigh_print_damage(
    found: FoundPrintDamage, sensitivity: float, thresholds: Thresholds = ENOUGH
) -> NDArray[np.uint8]:
    """What counts as damage of what the network found: its groups, `(H, W)` uint8, 0 for nothing.

    A larger sensitivity never finds less.

    Args:
        found: by the network.
        sensitivity: from 0 to 1.
        thresholds: the probability that is enough at sensitivity 0, 0.5 and 1, by group.

    >>> probability = np.array([[0, 140, 250, 140]], np.uint8)
    >>> found = FoundPrintDamage(probability, np.array([[1, 1, 1, 3]], np.uint8))
    >>> [weigh_print_damage(found, each)[0].tolist() for each in (0, 0.5, 1)]
    [[0, 0, 1, 0], [0, 1, 1, 0], [0, 1, 1, 3]]
    """
    enough = [np.interp(sensitivity, (0, 0.5, 1), thresholds[group]) for group in GROUPS]
    needed = np.ceil(255 * np.array([2.0, *enough])).astype(np.uint16)  # nothing of no group
    return np.where(found.probability >= needed[found.groups], found.groups, 0).astype(np.uint8)


def _lost(groups: NDArray[np.uint8]) -> Mask:
    """What of these groups is lost, with its rim: `(H, W)` bool."""
    chosen = np.array([False, *(group in FILLED for group in FOUND)])
    lost = chosen[groups].view(np.uint8)
    around = np.ones((2 * RIM + 1, 2 * RIM + 1), np.uint8)
    return np.asarray(cv2.dilate(lost, around), dtype=bool)


def _shares(groups: NDArray[np.uint8]) -> dict[str, float]:
    counts = np.bincount(groups.ravel(), minlength=1 + len(FOUND))[1:]
    return {
        group: round(int(count) / groups.size, 6)
        for group, count in zip(FOUND, counts, strict=True)
        if count
    }
