"""Photographs, damage drawn on them, and how well masks agree."""

import cv2
import numpy as np
from skimage import data

from rechroma.imaging.draw_damage import draw_damage
from rechroma.settings import Damage

PHOTOS = {
    name: cv2.cvtColor(getattr(data, name)(), cv2.COLOR_RGB2GRAY)
    for name in ("astronaut", "chelsea", "coffee", "rocket")
}


def overlap(found: np.ndarray, mask: np.ndarray) -> float:
    """Intersection over union."""
    return float((found & mask).sum() / (found | mask).sum())


def drawings(luma: np.ndarray, settings: Damage, number: int = 50) -> list[tuple[np.ndarray, ...]]:
    return [draw_damage(luma, settings, np.random.default_rng(seed)) for seed in range(number)]
