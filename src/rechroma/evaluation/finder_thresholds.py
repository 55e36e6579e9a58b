"""The probabilities from which on a network's finds count, chosen on undamaged photographs."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from rechroma.evaluation.finder_scores import MIXED, PHOTOGRAPH, PRINT, draw_kinds
from rechroma.evaluation.found_damage import FALSE, near
from rechroma.imaging.print_damage import GROUPS
from rechroma.imaging.types import Luma
from rechroma.inference.find_choices import Thresholds
from rechroma.inference.find_print_damage import FinderBackend, find_print_damage
from rechroma.settings import PrintDamageSettings

# At sensitivity 0, 0.5 and 1, for each group by itself:
MOST_ALARMS = (0.0005, 0.004, 0.03)  # share of the area of undamaged photographs
LEAST_PRECISION = (0.85, 0.7, 0.5)  # of what is found on damaged prints
LEVELS = 256  # of the probability
LOWEST, HIGHEST = 0.1, 0.98  # thresholds

Histogram = NDArray[np.int64]
"""`(4, 256)`: px by group and level of probability."""


def choose_thresholds(
    finder: FinderBackend, photos: Iterable[Luma], settings: PrintDamageSettings, seed: int
) -> Thresholds:
    """The lowest thresholds with few false alarms and a good precision, by group.

    Args:
        finder: the network.
        photos: undamaged, each `(H, W)` uint8; they are looked at as they are, as aged prints, and
            with damage of all kinds drawn on them.
        settings: how damage is drawn.
        seed: of what is drawn.

    Returns:
        Thresholds at sensitivity 0, 0.5 and 1, from high to low, by group.
    """
    alarms, right, wrong = (np.zeros((len(GROUPS), LEVELS), np.int64) for _ in range(3))
    area = 0
    for number, photo in enumerate(photos):
        for drawing in draw_kinds(photo, settings, [seed, number], (MIXED, PRINT, PHOTOGRAPH)):
            found = find_print_damage(drawing.luma, finder)
            damaged = drawing.groups > 0
            if not damaged.any():
                alarms += _histogram(found.groups, found.probability)
                area += photo.size
                continue
            beside = near(damaged, FALSE)
            right += _histogram(found.groups[beside], found.probability[beside])
            wrong += _histogram(found.groups[~beside], found.probability[~beside])
    return {
        group: _of_group(alarms[place] / max(1, area), right[place], wrong[place])
        for place, group in enumerate(GROUPS)
    }


def _histogram(groups: NDArray[np.uint8], probability: NDArray[np.uint8]) -> Histogram:
    pairs = groups.ravel().astype(np.int64) * LEVELS + probability.ravel()
    counts = np.bincount(pairs, minlength=(1 + len(GROUPS)) * LEVELS)
    return counts.reshape(-1, LEVELS)[1:]


def _of_group(
    alarms: NDArray[np.float64], right: NDArray[np.int64], wrong: NDArray[np.int64]
) -> tuple[float, float, float]:
    """The thresholds of one group.

    Args:
        alarms: `(256,)`, by level: share of the undamaged area.
        right: `(256,)`, by level: px near damage.
        wrong: `(256,)`, by level: other px of damaged prints.
    """
    # (256,) each: what is found if this level is enough.
    false, hits, misses = (np.cumsum(each[::-1])[::-1] for each in (alarms, right, wrong))
    precision = hits / np.maximum(1, hits + misses)
    precision[hits + misses == 0] = 1
    chosen: list[float] = []
    for most, least in zip(MOST_ALARMS, LEAST_PRECISION, strict=True):
        enough = np.flatnonzero((false <= most) & (precision >= least))
        level = enough[0] / (LEVELS - 1) if len(enough) else HIGHEST
        # A higher sensitivity never has a higher threshold.
        highest = chosen[-1] if chosen else HIGHEST
        chosen.append(round(min(max(float(level), LOWEST), highest), 3))
    certain, usual, all_there_may_be = chosen
    return certain, usual, all_there_may_be
