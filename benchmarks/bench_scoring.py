"""The official score of one 512 x 512 photograph, against the plain calls of its rules."""

from functools import partial
from statistics import mean

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data
from skimage.metrics import structural_similarity

from benchmarks.timing import Measurement, medians_ms, one_thread
from rechroma import metrics

SIDE, QUICK_SIDE = 512, 64  # px
REPEATS = 9
GOAL = 4.0
TOLERANCE = 1e-6

Photo = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def plain_score(target: Photo, restored: Photo, mask: Mask) -> float:
    """The score, call by call as in the competition's rules; shapes as in `metrics.score`."""
    span = int(restored.max()) - int(restored.min())
    whole = structural_similarity(target, restored, channel_axis=-1, data_range=span)
    lost = structural_similarity(target[mask], restored[mask], channel_axis=-1, data_range=span)
    hues = [
        cv2.calcHist([cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)], [0], None, [180], [0, 180])
        for photo in (target, restored)
    ]
    target_hues, restored_hues = (cv2.normalize(histogram, None) for histogram in hues)
    hue = cv2.compareHist(target_hues, restored_hues, cv2.HISTCMP_CORREL)
    return float(0.2 * whole + 0.4 * lost + 0.4 * hue)


def measure(quick: bool = False) -> Measurement:
    """The measurement of both ways on the same photographs, after a check that they agree.

    Raises:
        AssertionError: they differ by more than 1e-6.
    """
    side, repeats = (QUICK_SIDE, 1) if quick else (SIDE, REPEATS)
    # The damage: rows 150 to 270 and columns 200 to 320 of 512.
    mask = np.zeros((side, side), dtype=bool)
    mask[150 * side // 512 : 270 * side // 512, 200 * side // 512 : 320 * side // 512] = True
    pairs = []
    for name in ("astronaut", "chelsea", "coffee"):
        target = cv2.resize(getattr(data, name)(), (side, side), interpolation=cv2.INTER_AREA)
        pairs.append((target, cv2.GaussianBlur(target, (0, 0), 2)))
    with one_thread():
        for pair in pairs:
            difference = abs(plain_score(*pair, mask) - metrics.score(*pair, mask).score)
            assert difference <= TOLERANCE, f"the two scores differ by {difference}"
        medians = [
            medians_ms([partial(way, *pair, mask) for way in (plain_score, metrics.score)], repeats)
            for pair in pairs
        ]
    plain, ours = map(mean, zip(*medians, strict=True))
    return Measurement(f"score of a {side} x {side} photograph", plain, ours, GOAL)


if __name__ == "__main__":
    print(measure())
