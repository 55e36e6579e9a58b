"""Found damage at the size at which the browser shows it, which weighs and paints it by itself."""

import zlib
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.apps.batch.kinds_picture import COLORS
from rechroma.apps.web.strokes import PreviewSize
from rechroma.imaging.print_damage.kinds import GROUPS
from rechroma.inference.find_all_damage import RIM, LikelyDamage, needed_levels
from rechroma.inference.find_choices import FOUND, Thresholds

STEPS = 100  # of the sensitivity from 0 to 1
LEVELS = 256  # of a probability


@dataclass(frozen=True)
class DamagePreview:
    """Found damage, reduced.

    Attributes:
        planes: `(5, h, w)` uint8, the highest probability of each group of `FOUND` below a pixel.
        counts: `(5, 256)` int64, pixels of the whole photograph by group and probability.
        pixels: of the whole photograph.
        thresholds: the probabilities that are enough, by group.
    """

    planes: NDArray[np.uint8]
    counts: NDArray[np.int64]
    pixels: int
    thresholds: Thresholds

    @classmethod
    def of(cls, found: LikelyDamage, size: PreviewSize) -> "DamagePreview":
        """Reduce found damage to a size.

        >>> found = LikelyDamage(np.array([[0, 255]], np.uint8), np.array([[5, 5]], np.uint8))
        >>> DamagePreview.of(found, PreviewSize(1, 1)).shares(0.5)
        {'flat': 0.5}
        """
        lowest = needed_levels(1, found.thresholds)  # below it, nothing is ever damage
        around = np.ones((2 * RIM + 1, 2 * RIM + 1), np.uint8)
        planes = np.zeros((len(FOUND), *size), np.uint8)
        counts = np.zeros((len(FOUND), LEVELS), np.int64)
        for number, group in enumerate(FOUND):
            of_group = (found.groups == number + 1) & (found.probability >= lowest[number + 1])
            counts[number] = np.bincount(found.probability[of_group], minlength=LEVELS)
            if not counts[number].any():
                continue
            plane = np.where(of_group, found.probability, np.uint8(0))
            if group in GROUPS:  # the rim of what the network finds
                plane = np.asarray(cv2.dilate(plane, around), np.uint8)
            planes[number] = size.reduce_maximum(plane)
        return cls(planes, counts, found.groups.size, found.thresholds)

    def shares(self, sensitivity: float) -> dict[str, float]:
        """The share of the photograph, 0 to 1, by group that is found; without its rim."""
        needed = needed_levels(sensitivity, self.thresholds)[1:]
        found = {
            group: int(counts[least:].sum()) / self.pixels
            for group, counts, least in zip(FOUND, self.counts, needed, strict=True)
        }
        return {group: share for group, share in found.items() if share}

    def browser_data(self, groups: tuple[str, ...]) -> dict[str, Any]:
        """What the browser needs to paint the damage of some groups, for JSON.

        Returns:
            `groups`, the name and the color of each; `planes`, `(groups, h, w)` bytes, compressed
            by zlib, in base64; and `needed`, a row for each step of the sensitivity: the
            probability that is enough, by group.
        """
        chosen = [number for number, group in enumerate(FOUND) if group in groups]
        height, width = self.planes.shape[1:]
        steps = [
            needed_levels(step / STEPS, self.thresholds)[1:][chosen].tolist()
            for step in range(STEPS + 1)
        ]
        return {
            "height": height,
            "width": width,
            "groups": [
                {"name": FOUND[number], "color": COLORS[FOUND[number]]} for number in chosen
            ],
            "planes": b64encode(zlib.compress(self.planes[chosen].tobytes(), 1)).decode(),
            "needed": steps,
        }
