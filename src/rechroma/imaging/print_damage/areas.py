"""Areas of which nothing is left: torn edges and corners, missing pieces, flaked emulsion."""

import numpy as np

from rechroma.imaging.print_damage.kinds import Brush, Drawn
from rechroma.imaging.print_damage.noise import fractal_noise
from rechroma.imaging.types import Plane


def draw_missing(plane: Plane, brush: Brush) -> Drawn:
    """Flaked emulsion: clouds of pieces of irregular outline, paper shows."""
    height, width = plane.shape
    generator = brush.generator
    x, y = generator.uniform(0, width), generator.uniform(0, height)
    reach = brush.length(25, 60 + 140 * brush.strength)
    noise = fractal_noise((height, width), brush.length(6, 50), generator, octaves=5, gain=0.65)
    columns = (np.arange(width, dtype=np.float32)[None] - x) / reach
    rows = (np.arange(height, dtype=np.float32)[:, None] - y) / reach
    inside = 1 + noise - 1.2 * np.sqrt(columns * columns + rows * rows)
    coverage = np.clip(4 * (inside - brush.between(0.2, 0.8)) + 0.5, 0, 1)
    level = brush.between(190, 250) if brush.chance(0.75) else brush.between(10, 70)
    return Drawn(plane, plane + coverage * (level - plane), coverage > 0.5)
