"""Spots and dust: small things of any shape."""

import cv2
import numpy as np

from rechroma.imaging.print_damage.kinds import Brush, Drawn
from rechroma.imaging.print_damage.lines import somewhere
from rechroma.imaging.print_damage.noise import fractal_noise
from rechroma.imaging.print_damage.paint import add_halo, blend, draw_lines, line_level
from rechroma.imaging.print_damage.strokes import Patch, Stroke
from rechroma.imaging.types import Plane


def draw_spot(plane: Plane, brush: Brush) -> Drawn:
    """One to a few spots of irregular outline near each other; some have a rim or a pale middle."""
    generator = brush.generator
    after = plane.copy()
    x, y = somewhere(plane, brush)
    level, spread = line_level(brush, 0.65), brush.length(6, 120)
    rimmed, opacity = brush.chance(0.3), brush.stronger(0.4, 1.1)
    for _ in range(brush.count(1, 8)):
        center = (x + generator.normal(0, spread), y + generator.normal(0, spread))
        patch = blob(plane.shape, center, brush.length(1.0, 3 + 8 * brush.strength), brush)
        if patch is None:
            continue
        if rimmed:
            add_halo(after, patch, brush.stronger(8, 40) * (-1 if level > 128 else 1), 1.5)
        patch.coverage[:] *= min(1.0, opacity * brush.between(0.8, 1.2))
        blend(after, patch, level + generator.normal(0, 12))
    return Drawn(plane, after)


def draw_dust(plane: Plane, brush: Brush) -> Drawn:
    """Many specks and short fibers, all over the picture or around a place."""
    generator = brush.generator
    height, width = plane.shape
    everywhere = brush.chance(0.5)
    share = height * width / (512 * brush.scale) ** 2  # of a whole print
    count = brush.count(12, 140) if not everywhere else max(4, round(share * brush.count(60, 700)))
    places = generator.random((count, 2)) * (width, height)
    if not everywhere:
        places = somewhere(plane, brush) + generator.normal(0, brush.length(12, 70), (count, 2))
    angles = generator.uniform(0, np.pi, count)
    lengths = generator.exponential(0.8 * max(brush.scale, 0.6), count)
    lengths[generator.random(count) < 0.06] *= 6  # fibers
    widths = np.clip(generator.exponential(0.8, count) + 0.7, 0.7, 3.0) * max(brush.scale, 0.7)
    opacities = np.clip(brush.stronger(0.4, 1.0) * generator.uniform(0.5, 1.2, count), 0, 1)
    ends = places + lengths[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # One stroke: every other point starts nothing.
    stroke = Stroke(
        np.stack([places, ends], axis=1).reshape(-1, 2).astype(np.float32),
        np.repeat(widths, 2).astype(np.float32),
        np.stack([opacities, np.zeros(count)], axis=1).ravel().astype(np.float32),
    )
    return draw_lines(plane, [stroke], line_level(brush, 0.8), brush, rim=0.1, rough=10)


def blob(
    shape: tuple[int, ...],
    center: tuple[float, float],
    radius: float,
    brush: Brush,
    soft: float = 1.0,
    ragged: float = 0.4,
) -> Patch | None:
    """A blob of irregular outline; None where it is outside of the picture.

    Args:
        shape: of the picture.
        center: x and y, px.
        radius: px.
        brush: for the randomness.
        soft: px over which its edge fades.
        ragged: deviation of its outline, in radii.
    """
    found = blob_depth(shape, center, radius, brush, ragged)
    if found is None:
        return None
    return Patch(found.box, np.clip(found.coverage / soft + 0.5, 0, 1))


def blob_depth(
    shape: tuple[int, ...],
    center: tuple[float, float],
    radius: float,
    brush: Brush,
    ragged: float = 0.4,
) -> Patch | None:
    """As `blob`, with the px inside of the outline, negative outside, instead of the coverage."""
    ratio, angle = brush.between(1, 1.7), brush.between(0, np.pi)
    reach = (1 + 2 * ragged) * ratio * radius + 2
    x, y = center
    left, top = max(0, int(x - reach)), max(0, int(y - reach))
    right, bottom = min(shape[1], int(x + reach) + 2), min(shape[0], int(y + reach) + 2)
    if left >= right or top >= bottom:
        return None
    # Distance from the center along two turned axes.
    columns = np.arange(left, right, dtype=np.float32)[None] - np.float32(x)
    rows = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(y)
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    along = (columns * cosine + rows * sine) / np.float32(ratio)
    across = (rows * cosine - columns * sine) * np.float32(ratio**0.5)
    distance = cv2.magnitude(along, across)
    noise = fractal_noise(distance.shape, max(radius, 2), brush.generator, gain=0.45)
    depth = np.float32(radius) * (1 + np.float32(ragged) * np.minimum(noise, 2)) - distance
    return Patch((slice(top, bottom), slice(left, right)), depth)
