"""Grain: how strong it is, and more of it."""

import cv2
import numpy as np

from rechroma.imaging.types import Luma, Mask, Plane

# Differences across and along, of which smooth gray and straight edges have none (Immerkaer, Fast
# noise variance estimation, 1996); noise of deviation 1 gives a deviation of 1.
KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
MEDIAN = 0.6745  # of the absolute value, for a deviation of 1
MEAN = 0.7979
AROUND = 31  # px each way over which grain is measured
LEAST = 50  # px, for a measurement
UNKNOWN = 2.0  # levels, where nothing can be measured
CLIPPED = (3, 252)  # levels beyond which grain is cut off


def grain_levels(luma: Luma, mask: Mask) -> Plane:
    """Deviation of the grain near each pixel, from the known pixels around it.

    Args:
        luma: `(H, W)` uint8.
        mask: `(H, W)` bool, True where lost; two px around it are not used either.

    Returns:
        `(H, W)` float32, levels of 0…255.

    >>> noise = np.random.default_rng(0).normal(0, 4, (64, 64))
    >>> levels = grain_levels((128 + noise).astype(np.uint8), np.zeros((64, 64), bool))
    >>> bool(abs(levels.mean() - 4) < 0.5)
    True
    """
    response = np.abs(cv2.filter2D(luma, cv2.CV_32F, KERNEL))
    used = cv2.dilate(mask.view(np.uint8), np.ones((5, 5), np.uint8)) == 0
    used &= (luma > CLIPPED[0]) & (luma < CLIPPED[1])
    if used.sum() < LEAST:
        return np.full(luma.shape, UNKNOWN, np.float32)
    # Means of small responses: large ones are texture and edges.
    middle = float(np.median(response[used])) / MEDIAN
    small = np.minimum(response, 2 * middle) * used
    box = (AROUND, AROUND)
    pixels = cv2.blur(used.astype(np.float32), box)
    mean = cv2.blur(small, box) / np.maximum(pixels, 1e-6)
    enough = pixels * AROUND**2 >= LEAST
    return np.where(enough, mean / MEAN, middle).astype(np.float32)
