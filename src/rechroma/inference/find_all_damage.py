"""All damage of a photograph in one mask: flat holes found by rule, a print's damage by a network.

The rule keeps its holes exact to the pixel. What the network finds is weighed by group, as often as
wanted without asking it again. Stains are told but not lost, as the photograph shines through them.
"""

from collections.abc import Collection
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.detect_damage import inspect_damage
from rechroma.imaging.print_damage.kinds import GROUPS
from rechroma.imaging.scan_border import find_border
from rechroma.imaging.types import Luma, Mask
from rechroma.inference.find_choices import (
    FILLED,
    FOUND,
    SENSITIVITY,
    Find,
    Thresholds,
    uses_network,
)
from rechroma.inference.find_print_damage import FinderBackend, find_print_damage

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
CERTAIN = 255
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


class LikelyDamage(NamedTuple):
    """What may be damage on a photograph, before it is weighed.

    Attributes:
        probability: `(H, W)` uint8, 255 for certain.
        groups: `(H, W)` uint8, the likeliest group: its place in `FOUND` from 1; 0 where nothing
            was looked for.
        doubts: why it may be wrong or incomplete.
        thresholds: the probability that is enough at sensitivity 0, 0.5 and 1, by group.
    """

    probability: NDArray[np.uint8]
    groups: NDArray[np.uint8]
    doubts: tuple[str, ...] = ()
    thresholds: Thresholds = ENOUGH

    def weighed(
        self, sensitivity: float = SENSITIVITY, groups: Collection[str] = FILLED
    ) -> AllDamage:
        """What counts as damage; a larger sensitivity never finds less.

        Args:
            sensitivity: from 0, only what is certain, to 1, whatever may be damage.
            groups: those of `FOUND` that are lost.

        Raises:
            ValueError: the sensitivity is not between 0 and 1, or a group is not of `FOUND`.

        >>> probability = np.array([[0, 140, 250, 140]], np.uint8)
        >>> found = LikelyDamage(probability, np.array([[1, 1, 1, 3]], np.uint8))
        >>> [found.weighed(each).groups[0].tolist() for each in (0, 0.5, 1)]
        [[0, 0, 1, 0], [0, 1, 1, 0], [0, 1, 1, 3]]
        >>> found.weighed(1, ["area"]).mask[0].tolist()
        [False, False, True, True]
        """
        if unknown := set(groups) - set(FOUND):
            raise ValueError(f"groups has {sorted(unknown)}, expected some of {FOUND}")
        needed = needed_levels(sensitivity, self.thresholds)
        weighed = np.where(self.probability >= needed[self.groups], self.groups, 0).astype(np.uint8)
        return AllDamage(_lost(weighed, groups), weighed, _shares(weighed), self.doubts)


def needed_levels(sensitivity: float, thresholds: Thresholds = ENOUGH) -> NDArray[np.uint16]:
    """The probability, 255 for certain, that is enough: `(6,)`, of no group and each of `FOUND`.

    Args:
        sensitivity: from 0 to 1.
        thresholds: the probability that is enough at sensitivity 0, 0.5 and 1, by group.

    Raises:
        ValueError: the sensitivity is not between 0 and 1.

    >>> needed_levels(0.5).tolist()
    [510, 128, 128, 166, 128, 255]
    """
    if not 0 <= sensitivity <= 1:
        raise ValueError(f"sensitivity is {sensitivity}, expected 0 to 1")
    enough = [np.interp(sensitivity, (0, 0.5, 1), thresholds[group]) for group in GROUPS]
    # No probability is enough for no group; what the rule found is certain.
    needed = np.ceil(CERTAIN * np.array([2.0, *enough, 1.0]))
    return np.asarray(needed, np.uint16)


def find_all_damage(
    gray: Luma,
    find: Find = "auto",
    sensitivity: float = SENSITIVITY,
    finder: FinderBackend | None = None,
    groups: Collection[str] = FILLED,
) -> AllDamage:
    """Find the damage of a gray photograph.

    Args:
        gray: `(H, W)` uint8.
        find: `flat`: holes of one gray, by rule; `lines`: also the damage of prints, by the
            network; `none`: nothing; `auto`: what is sure on any photograph.
        sensitivity: from 0, only what is certain, to 1, whatever may be damage; of the network.
        finder: the network; None: the rule alone, with a doubt where the network was asked for.
        groups: those of `FOUND` that are lost.

    Raises:
        ValueError: the sensitivity is not between 0 and 1, or a group is not of `FOUND`.

    >>> gray = np.random.default_rng(0).integers(100, 200, (64, 96)).astype(np.uint8)
    >>> gray[20:40, 10:30] = 50
    >>> found = find_all_damage(gray, "flat")
    >>> int(found.mask.sum()), found.shares, found.doubts
    (400, {'flat': 0.065104}, ())
    >>> find_all_damage(gray, "none").mask.any()
    np.False_
    """
    needed_levels(sensitivity)  # before the network, which takes seconds
    return look_for_damage(gray, find, finder).weighed(sensitivity, groups)


def look_for_damage(
    gray: Luma, find: Find = "auto", finder: FinderBackend | None = None
) -> LikelyDamage:
    """What may be damage of a gray photograph; arguments as of `find_all_damage`.

    >>> found = look_for_damage(np.full((2, 3), 90, np.uint8), "none")
    >>> found.groups.any(), found.doubts
    (np.False_, ())
    """
    found = LikelyDamage(np.zeros(gray.shape, np.uint8), np.zeros(gray.shape, np.uint8))
    if find == "none":
        return found
    flat = inspect_damage(gray)
    doubts = [flat.doubt] if flat.doubt else []
    if uses_network(find) and finder is None:
        doubts.append("the network that finds scratches is missing: only flat holes were found")
    elif uses_network(find) and finder is not None:
        found = LikelyDamage(*find_print_damage(gray, finder), thresholds=finder_thresholds(finder))
        if border := find_border(gray, flat.mask):  # which is left as it is
            outside = border.outside(gray.shape)
            found.groups[outside], found.probability[outside] = 0, 0
    found.groups[flat.mask] = len(FOUND)
    found.probability[flat.mask] = CERTAIN
    return found._replace(doubts=tuple(doubts))


def finder_thresholds(finder: FinderBackend) -> Thresholds:
    """The probabilities that are enough by the network's own card, without a card `ENOUGH`."""
    own: Thresholds | None = getattr(finder, "thresholds", None)
    return own or ENOUGH


def _lost(groups: NDArray[np.uint8], chosen: Collection[str]) -> Mask:
    """What of these groups is lost, the network's with its rim: `(H, W)` bool."""
    by_network = np.array([False, *(group in chosen for group in GROUPS), False])
    around = np.ones((2 * RIM + 1, 2 * RIM + 1), np.uint8)
    lost = np.asarray(cv2.dilate(by_network[groups].view(np.uint8), around), dtype=bool)
    return lost | (groups == len(FOUND)) if "flat" in chosen else lost


def _shares(groups: NDArray[np.uint8]) -> dict[str, float]:
    counts = np.bincount(groups.ravel(), minlength=1 + len(FOUND))[1:]
    return {
        group: round(int(count) / groups.size, 6)
        for group, count in zip(FOUND, counts, strict=True)
        if count
    }
