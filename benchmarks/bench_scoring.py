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

SIDE = 512  # px
REPEATS = 9
TARGET = 4.0
TOLERANCE = 1e-6

Photo = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def plain_score(target: Photo, restored: Photo, mask: Mask) -> float:
    """The score as the competition's rules write it down; shapes as in `scoring.score`."""
    span = int(restored.max()) - int(restored.min())
    whole = structural_similarity(target, restored, channel_axis=-1, data_range=span)
    lost = structural_similarity(target[mask], restored[mask], channel_axis=-1, data_range=span)
    hues = [
        cv2.calcHist([cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)], [0], None, [180], [0, 180])
        for photo in (target, restored)
    ]
    truth_hues, restored_hues = (cv2.normalize(histogram, None) for histogram in hues)
    hue = cv2.compareHist(truth_hues, restored_hues, cv2.HISTCMP_CORREL)
    return float(0.2 * whole + 0.4 * lost + 0.4 * hue)


def measure() -> Measurement:
    """Both ways on the same photographs and one thread, once they are known to agree.

    Raises:
        AssertionError: they differ by more than 1e-6.
    """
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    mask[150:270, 200:320] = True
    pairs = []
    for name in ("astronaut", "chelsea", "coffee"):
        target = cv2.resize(getattr(data, name)(), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        pairs.append((target, cv2.GaussianBlur(target, (0, 0), 2)))
    with one_thread():
        for pair in pairs:
            difference = abs(plain_score(*pair, mask) - metrics.score(*pair, mask).score)
            assert difference <= TOLERANCE, f"the two scores differ by {difference}"
        medians = [
            medians_ms([partial(way, *pair, mask) for way in (plain_score, metrics.score)], REPEATS)
            for pair in pairs
        ]
    plain, ours = map(mean, zip(*medians, strict=True))
    return Measurement("score of a 512 x 512 photograph", plain, ours, TARGET)


if __name__ == "__main__":
    print(measure())
