"""How much of a print's damage was found, and how much was found where none is.

Damage is thin and its masks are soft: a pixel a little beside it is no mistake. The distances are
those with which masks drawn by hand can be compared.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.print_damage import GROUPS
from rechroma.imaging.types import Mask

MISSED = 3  # px; damage farther from all that was found is missed
FALSE = 5  # px; what was found farther from all damage is a false alarm


@dataclass
class FoundDamage:
    """Counts of pixels over photographs.

    Attributes:
        damaged: of each group.
        hit: of these, within 3 px of what was found.
        predicted: found on damaged photographs.
        right: of these, within 5 px of damage.
        both: found and damaged, exactly.
        clean: of undamaged photographs.
        alarms: of these, found as damage.
    """

    damaged: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(GROUPS), np.int64))
    hit: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(GROUPS), np.int64))
    predicted: int = 0
    right: int = 0
    both: int = 0
    clean: int = 0
    alarms: int = 0

    def add(self, found: Mask, groups: NDArray[np.uint8]) -> None:
        """Count a photograph.

        Args:
            found: `(H, W)` bool.
            groups: `(H, W)` uint8, the damage: 0 for none, else the place in `GROUPS` from 1.
        """
        damaged = groups > 0
        if not damaged.any():
            self.clean += found.size
            self.alarms += int(found.sum())
            return
        near_found, near_damage = near(found, MISSED), near(damaged, FALSE)
        self.damaged += np.bincount(groups[damaged], minlength=1 + len(GROUPS))[1:]
        self.hit += np.bincount(groups[damaged & near_found], minlength=1 + len(GROUPS))[1:]
        self.predicted += int(found.sum())
        self.right += int((found & near_damage).sum())
        self.both += int((found & damaged).sum())

    def scores(self) -> dict[str, float]:
        """Recall, in all and of each group, precision, IoU, and the share of false alarms.

        Scores of what no photograph has are left out.
        """
        scores = {}
        if self.damaged.sum():
            damaged = int(self.damaged.sum())
            scores["recall"] = float(self.hit.sum() / damaged)
            scores["iou"] = self.both / (damaged + self.predicted - self.both)
        if self.predicted:
            scores["precision"] = self.right / self.predicted
        if self.clean:
            scores["false_alarms"] = self.alarms / self.clean
        for group, hit, of_group in zip(GROUPS, self.hit, self.damaged, strict=True):
            if of_group:
                scores[f"recall_{group}"] = float(hit / of_group)
        return scores


def near(mask: Mask, distance: float) -> Mask:
    """The pixels at most so many px from a True pixel of `mask`: `(H, W)` bool."""
    if not mask.any():
        return np.zeros_like(mask)
    apart = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    result: Mask = apart <= distance
    return result
