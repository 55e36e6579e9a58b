"""What a kind of damage is: how it is drawn, and the group that a mask shows it as."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.types import Luma, Mask, Plane

GROUPS = ("line", "spot", "area", "stain")
"""Groups of kinds; in a plane of groups, group n of these is n + 1 and 0 is undamaged."""

UNIT = 512  # units of length in the shorter side of a usual scan

NOTICED = 6.0
"""Levels of 0…255; a change of no more than this goes unnoticed."""

# A stain is noticed as a whole: by its mean change, in levels, over so many px each way.
STAIN_NOTICED, STAIN_AROUND = 10.0, 7


@dataclass(frozen=True)
class Brush:
    """How a damage is drawn.

    Attributes:
        strength: from 0, hardly there, to 1, as bad as prints get.
        scale: px in a unit of length; the shorter side of a usual scan has 512 units.
        generator: the only source of randomness.
        worst: where damage gathers, x and y as shares of width and height.
    """

    strength: float
    scale: float
    generator: np.random.Generator
    worst: tuple[float, float] = (0.5, 0.5)

    def between(self, low: float, high: float) -> float:
        """A random number between two."""
        return float(self.generator.uniform(low, high))

    def stronger(self, low: float, high: float, spread: float = 0.25) -> float:
        """A random number that goes from `low` to `high` as the strength goes from 0 to 1."""
        share = self.strength + self.generator.uniform(-spread, spread)
        return low + (high - low) * min(max(share, 0.0), 1.0)

    def chance(self, share: float) -> bool:
        """True in a share of the cases."""
        return bool(self.generator.random() < share)

    def count(self, low: float, high: float) -> int:
        """A random whole number that grows with the strength, at least 1."""
        return max(1, round(self.stronger(low, high)))

    def length(self, low: float, high: float) -> float:
        """A random length in px between two in units; short ones are as likely as long ones."""
        return float(np.exp(self.generator.uniform(np.log(low), np.log(high)))) * self.scale


@dataclass(frozen=True)
class Drawn:
    """A print before and after one damage.

    Attributes:
        before: `(H, W)` float32 in [0, 255], with what the damage changes without losing anything,
            such as the shading beside a fold.
        after: `(H, W)` float32, with all of the damage.
        covered: `(H, W)` bool, True where nothing of the photograph is left, whatever its gray;
            None for damage that is only where it shows.
    """

    before: Plane
    after: Plane
    covered: Mask | None = None

    def mask(self, noticed: float, stain: bool) -> Mask:
        """`(H, W)` bool, True where the damage is noticed, or nothing is left.

        Args:
            noticed: levels; a change of no more than this goes unnoticed.
            stain: whether the damage is a soft tint, which is noticed as a whole.
        """
        change = np.abs(self.after - self.before)
        if stain:
            change = cv2.blur(change, (STAIN_AROUND, STAIN_AROUND))
            noticed = STAIN_NOTICED
        mask: Mask = change > noticed
        return mask if self.covered is None else mask | self.covered


@dataclass(frozen=True)
class Kind:
    """One kind of damage: `draw(print, brush)`, and its group, one of `GROUPS`."""

    draw: Callable[[Plane, Brush], Drawn]
    group: str


@dataclass(frozen=True)
class PrintDamage:
    """A damaged print and what of it is damaged.

    Attributes:
        luma: `(H, W)` uint8, the damaged print.
        groups: `(H, W)` uint8, 0 undamaged, 1…4 the place of the damage's group in `GROUPS`.
    """

    luma: Luma
    groups: NDArray[np.uint8]
