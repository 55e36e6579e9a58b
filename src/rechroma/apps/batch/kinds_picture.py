"""A picture of what kinds of damage were found, each group in a color."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.types import Luma, Photo
from rechroma.inference.find_choices import FOUND

COLORS = {
    "line": (230, 60, 50),
    "spot": (250, 190, 20),
    "area": (60, 120, 240),
    "stain": (60, 180, 90),
    "flat": (190, 70, 220),
}  # RGB; the photograph between them is gray
HAND = (0, 190, 205)  # RGB of what a person paints, on the page


def kinds_picture(gray: Luma, groups: NDArray[np.uint8]) -> Photo:
    """A photograph with its damage in the color of its group.

    Args:
        gray: `(H, W)` uint8.
        groups: `(H, W)` uint8, the place in `FOUND` from 1, 0 for no damage.

    Returns:
        `(H, W, 3)` uint8 RGB.

    >>> kinds_picture(np.full((1, 2), 9, np.uint8), np.array([[0, 1]], np.uint8)).tolist()
    [[[9, 9, 9], [230, 60, 50]]]
    """
    palette: NDArray[Any] = np.array([(0, 0, 0), *(COLORS[group] for group in FOUND)], np.uint8)
    return np.where(groups[..., None] > 0, palette[groups], gray[..., None])
