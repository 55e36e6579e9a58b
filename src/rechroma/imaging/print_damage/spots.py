"""Spots and dust: small things of any shape."""

import cv2
import numpy as np

from rechroma.imaging.print_damage.kinds import Brush, Drawn
from rechroma.imaging.print_damage.lines import blend, line_level
from rechroma.imaging.print_damage.noise import fractal_noise
from rechroma.imaging.print_damage.strokes import Patch
from rechroma.imaging.types import Plane


def draw_spot(plane: Plane, brush: Brush) -> Drawn:
    """One to a few spots of irregular outline near each other."""
    generator = brush.generator
    after = plane.copy()
    height, width = plane.shape
    x, y = generator.uniform(0, width), generator.uniform(0, height)
    level, spread = line_level(brush), brush.length(10, 120)
    for _ in range(brush.count(1, 7)):
        center = (x + generator.normal(0, spread), y + generator.normal(0, spread))
        patch = blob(plane.shape, center, brush.length(1.2, 3 + 9 * brush.strength), brush)
        if patch is not None:
            patch.coverage[:] *= brush.stronger(0.45, 1.0)
            blend(after, patch, level)
    return Drawn(plane, after)


def blob(
    shape: tuple[int, ...], center: tuple[float, float], radius: float, brush: Brush
) -> Patch | None:
    """A blob of irregular outline with soft edges; None where it is outside of the picture."""
    reach = 1.6 * radius + 2
    x, y = center
    left, top = max(0, int(x - reach)), max(0, int(y - reach))
    right, bottom = min(shape[1], int(x + reach) + 2), min(shape[0], int(y + reach) + 2)
    if left >= right or top >= bottom:
        return None
    ratio, angle = brush.between(1, 1.8), brush.between(0, np.pi)
    # Distance from the center along two turned axes, in radii.
    columns = np.arange(left, right, dtype=np.float32)[None] - x
    rows = np.arange(top, bottom, dtype=np.float32)[:, None] - y
    along = (columns * np.cos(angle) + rows * np.sin(angle)) / ratio
    across = (rows * np.cos(angle) - columns * np.sin(angle)) * ratio
    distance = cv2.sqrt(along * along + across * across)
    noise = fractal_noise((bottom - top, right - left), max(radius, 2), brush.generator)
    inside = radius * (1 + 0.25 * noise) - distance  # px inside of the outline
    return Patch((slice(top, bottom), slice(left, right)), np.clip(inside + 0.5, 0, 1))
