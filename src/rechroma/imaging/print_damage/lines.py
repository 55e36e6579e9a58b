"""Scratches, film lines, hairs and scribbles."""

import numpy as np

from rechroma.imaging.print_damage.kinds import Brush, Drawn
from rechroma.imaging.print_damage.noise import noise_along
from rechroma.imaging.print_damage.paint import draw_lines, line_level
from rechroma.imaging.print_damage.strokes import Points, Stroke, uneven, walk
from rechroma.imaging.types import Plane


def draw_scratch(plane: Plane, brush: Brush) -> Drawn:
    """A thin or thick scratch, or a few beside each other: curved, broken, some with a rim."""
    generator = brush.generator
    start = somewhere(plane, brush)
    angle, turn = brush.between(0, 2 * np.pi), brush.between(0.01, 0.12)
    length, thickness = brush.length(15, 450), line_width(brush, 3.0)
    opacity = brush.stronger(0.3, 1)
    together = brush.count(2, 8) if brush.chance(0.2) else 1
    strokes = []
    for _ in range(together):
        x, y = start + generator.normal(0, 9 * brush.scale, 2) * (together > 1)
        shorter = length * (brush.between(0.3, 1) if together > 1 else 1)
        path = walk((x, y), angle + generator.normal(0, 0.06), shorter, 3.0, turn, generator)
        strokes.append(worn(path, thickness, opacity, brush))
    return draw_lines(plane, strokes, line_level(brush), brush)


def draw_film_line(plane: Plane, brush: Brush) -> Drawn:
    """Lines of a film that ran through a machine: nearly upright, straight, across the picture."""
    generator = brush.generator
    height, width = plane.shape
    tilt = np.pi / 2 + generator.normal(0, 0.01)
    level, thickness = line_level(brush, 0.6), line_width(brush, 2.5)
    x = generator.uniform(0, width)
    strokes = []
    for _ in range(brush.count(1, 4)):
        top, length = -3.0, height + 6.0
        if brush.chance(0.4):
            top, length = brush.between(-0.3, 0.7) * height, brush.between(0.3, 1) * height
        path = walk((x, top), tilt, length, 4.0, 0.002, generator)
        path[:, 0] += 0.4 * noise_along(len(path), 15, generator)
        strokes.append(worn(path, thickness, brush.stronger(0.15, 0.9), brush, worn_out=0.4))
        x += generator.normal(0, 25 * brush.scale)
    return draw_lines(plane, strokes, level, brush, rim=0.2)


def draw_hair(plane: Plane, brush: Brush) -> Drawn:
    """A hair or a curled fiber that lay on the print or on the scanner."""
    generator = brush.generator
    start, length = somewhere(plane, brush), brush.length(20, 220)
    path = walk((start[0], start[1]), brush.between(0, 7), length, 2.5, 0.03, generator)
    # It bends on the whole, and in places more.
    points = len(path)
    bend = brush.between(-2.5, 2.5) / points + 0.12 * noise_along(points, 12, generator)
    path = bent(path, np.cumsum(bend))
    thickness = max(brush.between(0.7, 1.7) * max(brush.scale, 0.6), 0.7)
    widths = uneven(points, thickness, 0.1, 15, generator)
    opacities = np.clip(uneven(points, brush.stronger(0.35, 1), 0.12, 15, generator), 0, 1)
    stroke = Stroke(path, widths, opacities)
    return draw_lines(plane, [stroke], line_level(brush, 0.5), brush, rim=0.1)


def draw_scribble(plane: Plane, brush: Brush) -> Drawn:
    """Writing, loops or strokes of a pen or a pencil."""
    generator = brush.generator
    high = brush.length(8, 60)  # px, height of a letter
    points = int(brush.between(120, 700))
    # Loops of uneven size and pace, while the hand moves on.
    pace = 0.17 * np.cumsum(np.maximum(1 + 0.6 * noise_along(points, 35, generator), 0.1))
    swing = high / 2 * (1 + 0.4 * noise_along(points, 45, generator))
    across = 0.03 * high * brush.between(0.3, 1.6) * np.arange(points) + swing * np.cos(pace)
    down = swing * np.sin(pace + 0.5 * noise_along(points, 90, generator))
    angle = generator.normal(0, 0.25)
    path = np.stack(
        [
            across * np.cos(angle) - down * np.sin(angle),
            across * np.sin(angle) + down * np.cos(angle),
        ],
        axis=1,
    ) + somewhere(plane, brush) * (0.7, 1)
    thickness = max(brush.between(0.9, 3.5) * brush.scale, 0.9)
    widths = uneven(points, thickness, 0.12, 30, generator)
    opacities = np.clip(uneven(points, brush.stronger(0.45, 1), 0.1, 30, generator), 0, 1)
    opacities[noise_along(points, 60, generator) < -1.2] = 0  # the pen is lifted
    level = brush.between(0, 80) if brush.chance(0.75) else brush.between(200, 255)
    stroke = Stroke(path.astype(np.float32), widths, opacities)
    return draw_lines(plane, [stroke], level, brush, rim=0.0, rough=8.0)


def somewhere(plane: Plane, brush: Brush) -> Points:
    """A point of the picture, x and y in px: often at its sides, or where damage gathers."""
    height, width = plane.shape
    generator = brush.generator
    place = generator.random(2)
    if brush.chance(0.25):
        side = generator.integers(2)
        place[side] = abs(generator.integers(2) - generator.exponential(0.07)) % 1
    elif brush.chance(0.35):
        place = np.clip(generator.normal(brush.worst, 0.12), 0, 1)
    return (place * (width, height)).astype(np.float32)


def line_width(brush: Brush, most: float) -> float:
    """Px; a hairline, whatever the scale, or a width in units that grows with the strength."""
    if brush.chance(0.3):
        return brush.between(0.7, 1.8)
    wider = brush.between(1.5, 3.0) if brush.chance(0.2) else 1.0
    return max(0.8, wider * brush.stronger(1.0, most) * brush.scale)


def bent(path: Points, angles: Points) -> Points:
    """A path whose steps are turned by `angles`, `(N,)` radians."""
    moves = np.diff(path, axis=0)
    cosine, sine = np.cos(angles[1:]), np.sin(angles[1:])
    turned = np.stack(
        [
            moves[:, 0] * cosine - moves[:, 1] * sine,
            moves[:, 0] * sine + moves[:, 1] * cosine,
        ],
        axis=1,
    )
    return np.concatenate([path[:1], path[0] + np.cumsum(turned, axis=0)]).astype(np.float32)


def worn(
    path: Points, thickness: float, opacity: float, brush: Brush, worn_out: float = 1.0
) -> Stroke:
    """A stroke along a path, thinner at its ends, with gaps where it was not pressed.

    Args:
        path: `(N, 2)` float32, x and y in px.
        thickness: px, its mean.
        opacity: its mean, in [0, 1].
        brush: for the randomness.
        worn_out: how broken, from 0, not at all.
    """
    generator, points = brush.generator, len(path)
    widths = uneven(points, thickness, 0.22, 12, generator)
    widths *= np.clip(np.minimum(np.arange(points), np.arange(points)[::-1]) / 5 + 0.2, 0.3, 1)
    opacities = np.clip(uneven(points, opacity, 0.25, 9, generator), 0, 1)
    gaps = noise_along(points, brush.between(3, 20), generator) * worn_out
    opacities *= np.clip(1.5 + 2 * (gaps + brush.between(-0.6, 1.5) * worn_out), 0, 1)
    return Stroke(path, widths, opacities)
