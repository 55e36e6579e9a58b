"""Cracks of the emulsion: single ones, and nets of them."""

import cv2
import numpy as np

from rechroma.imaging.print_damage.kinds import Brush, Drawn
from rechroma.imaging.print_damage.lines import line_width, somewhere
from rechroma.imaging.print_damage.noise import noise_along
from rechroma.imaging.print_damage.paint import draw_lines, line_level
from rechroma.imaging.print_damage.strokes import Points, Stroke, uneven, walk
from rechroma.imaging.types import Plane

MOST_BRANCHES = 30


def draw_crack(plane: Plane, brush: Brush) -> Drawn:
    """A crack: it turns sharply, zigzags, and has branches; or a root of soft ones."""
    if brush.chance(0.15):
        return _draw_root(plane, brush)
    x, y = somewhere(plane, brush).tolist()
    length, thickness = brush.length(50, 700), line_width(brush, 4.5)
    angle = brush.between(0, 2 * np.pi)
    stem = ragged(
        jagged((x, y), angle, length, 0.3, brush), thickness, brush.stronger(0.5, 1.1), brush
    )
    branches = _branches(stem, angle, round(brush.stronger(0, 7)), (0.4, 1.3), 0.35, brush)
    return draw_lines(plane, [stem, *branches], line_level(brush, 0.85), brush, rim=0.5, rough=15)


def _draw_root(plane: Plane, brush: Brush) -> Drawn:
    """Soft cracks that branch again and again at small angles, as roots do."""
    x, y = somewhere(plane, brush).tolist()
    height, width = plane.shape
    # Mostly from the sides inward.
    angle = float(np.arctan2(height / 2 - y, width / 2 - x)) + brush.between(-0.7, 0.7)
    path = jagged((x, y), angle, brush.length(150, 500), 0.12, brush)
    thickness = max(1.0, brush.stronger(0.9, 2.4) * brush.scale)
    stem = ragged(path, thickness, brush.stronger(0.25, 0.8), brush, spread=0.2)
    stem.widths[:] *= np.linspace(1, 0.4, len(path))
    branches = _branches(stem, angle, brush.count(8, MOST_BRANCHES), (0.25, 0.75), 0.15, brush)
    return draw_lines(plane, [stem, *branches], line_level(brush, 0.9), brush, rim=0.1, rough=5)


def draw_craquelure(plane: Plane, brush: Brush) -> Drawn:
    """A net of fine cracks, denser here and there; or a cloud of short cracks in one direction."""
    cloud = brush.chance(0.4)
    stroke = _cloud(plane, brush) if cloud else _net(plane, brush)
    strokes = [] if stroke is None else [stroke]
    return draw_lines(plane, strokes, line_level(brush, 0.8), brush, rim=0.3, rough=12)


def jagged(
    start: tuple[float, float], angle: float, length: float, turn: float, brush: Brush
) -> Points:
    """A path of large turns that zigzags by about a pixel."""
    generator = brush.generator
    step = min(max(1.5, 2.0 * brush.scale), 6.0)
    path = walk(start, angle, length, step, turn / np.sqrt(max(brush.scale, 0.5)), generator)
    jitter = 0.45 * max(brush.scale, 0.7) * generator.standard_normal(path.shape, dtype=np.float32)
    across = np.array([-np.sin(angle), np.cos(angle)], dtype=np.float32)
    wave = 1.2 * brush.scale * noise_along(len(path), 5, generator)
    zigzag: Points = path + jitter + wave[:, None] * across
    return zigzag


def ragged(
    path: Points, thickness: float, opacity: float, brush: Brush, spread: float = 0.35
) -> Stroke:
    """A stroke along a crack: its width changes from step to step and on the whole."""
    generator, points = brush.generator, len(path)
    widths = uneven(points, thickness, spread, 14, generator)
    widths *= uneven(points, 1, 0.25, 1, generator)
    opacities = uneven(points, opacity, 0.3, 6, generator)
    opacities *= np.clip(
        2 + 1.5 * noise_along(points, 12, generator) * brush.between(0.5, 1.6), 0, 1
    )
    return Stroke(path, widths, np.clip(opacities, 0, 1))


def _branches(
    stem: Stroke,
    angle: float,
    count: int,
    spread: tuple[float, float],
    turn: float,
    brush: Brush,
) -> list[Stroke]:
    """Branches of a crack, and theirs.

    Args:
        stem: the crack.
        angle: its direction, radians.
        count: of branches.
        spread: least and largest angle between a branch and what it leaves, radians.
        turn: as for `walk`, of the branches.
        brush: for the randomness.
    """
    generator = brush.generator
    stems, strokes = [(stem, angle)], []
    for _ in range(min(count, MOST_BRANCHES)):
        parent, direction = stems[generator.integers(len(stems))]
        place = int(generator.integers(len(parent.points)))
        x, y = parent.points[place].tolist()
        away = direction + generator.choice([-1, 1]) * generator.uniform(*spread)
        if brush.chance(0.15):
            away += np.pi
        whole = float(np.hypot(*(parent.points[-1] - parent.points[0])))
        length = max(8 * brush.scale, whole * 0.25 * generator.exponential(1.0))
        path = jagged((x, y), away, min(length, 300 * brush.scale), turn, brush)
        thick = 0.65 * float(np.median(parent.widths))
        opacity = float(np.median(parent.opacities)) * brush.between(0.6, 1)
        branch = ragged(path, max(thick, 0.6), max(opacity, 0.2), brush)
        branch.widths[:] *= np.linspace(1, 0.4, len(path))
        strokes.append(branch)
        stems.append((branch, away))
    return strokes


def twigs(
    starts: Points, angles: Points, lengths: Points, thickness: float, brush: Brush
) -> Stroke:
    """Many short cracks at once, drawn as one stroke with gaps between them.

    Args:
        starts: `(N, 2)`, x and y in px.
        angles: `(N,)`, first directions, radians.
        lengths: `(N,)`, px.
        thickness: px.
        brush: how strong.
    """
    generator, count = brush.generator, len(starts)
    step = min(max(1.5, 2.0 * brush.scale), 6.0)
    steps = min(max(2, round(float(lengths.max()) / step)), 60)
    heading = angles[:, None] + 0.3 * np.cumsum(generator.standard_normal((count, steps)), axis=1)
    reached = np.arange(steps) * step < lengths[:, None]  # (N, steps)
    moves = step * reached[..., None] * np.stack([np.cos(heading), np.sin(heading)], axis=-1)
    paths = np.concatenate([starts[:, None], starts[:, None] + np.cumsum(moves, axis=1)], axis=1)
    widths = uneven(count * (steps + 1), thickness, 0.3, 3, generator)
    opacity = brush.stronger(0.4, 1) * generator.uniform(0.5, 1.2, (count, 1))
    # The last point of each starts nothing.
    opacities = np.pad(np.clip(opacity * reached, 0, 1), [(0, 0), (0, 1)])
    return Stroke(
        paths.reshape(-1, 2).astype(np.float32), widths, opacities.ravel().astype(np.float32)
    )


def _cloud(plane: Plane, brush: Brush) -> Stroke:
    """Short cracks around a point, most in one direction."""
    generator = brush.generator
    count, angle, reach = brush.count(8, 60), brush.between(0, np.pi), brush.length(15, 70)
    along, across = reach * generator.normal(0, [[1.6], [0.6]], (2, count))
    x, y = somewhere(plane, brush)
    starts = np.stack(
        [
            x + along * np.cos(angle) - across * np.sin(angle),
            y + along * np.sin(angle) + across * np.cos(angle),
        ],
        axis=1,
    )
    angles = angle + generator.normal(0, 0.4, count) + np.pi * generator.integers(0, 2, count)
    lengths = brush.scale * (4 + generator.exponential(16, count)).astype(np.float32)
    return twigs(
        starts, angles, lengths, brush.between(0.7, 1.5) * max(brush.scale, 1) ** 0.5, brush
    )


def _net(plane: Plane, brush: Brush) -> Stroke | None:
    """The edges of cells around random points; where they are weak, nothing is drawn."""
    generator = brush.generator
    center, reach = somewhere(plane, brush), brush.length(40, 180)
    cell = max(brush.length(7, 26), reach / 7, 5.0)
    seeds = center + reach * generator.uniform(-1, 1, (int((2 * reach / cell) ** 2), 2))
    low = np.floor(center - 2 * reach).astype(int).tolist()
    division = cv2.Subdiv2D((*low, int(4 * reach) + 4, int(4 * reach) + 4))
    division.insert(seeds.astype(np.float32).tolist())
    facets, centers = division.getVoronoiFacetList([])
    away = np.hypot(*(np.asarray(centers) - center).T) / reach
    kept = np.flatnonzero((away < 1) & (generator.random(len(facets)) < 0.75)).tolist()
    if not kept:
        return None
    paths, begun = [], []
    for index in kept:
        # A part of the way around a cell, with points between its corners.
        corners = facets[index]
        places = np.arange(0, brush.between(0.5, 1) * len(corners), 0.2) % len(corners)
        closed = np.concatenate([corners, corners[:1]])
        around = np.arange(len(closed))
        path = np.stack([np.interp(places, around, closed[:, axis]) for axis in (0, 1)], axis=1)
        paths.append(path)
        begun.append(np.arange(len(path)) < len(path) - 1)  # the last point starts nothing
    points = np.concatenate(paths)
    points += cell / 16 * generator.standard_normal(points.shape)
    worn = uneven(len(points), brush.stronger(0.2, 1), 0.5, 5, generator)
    widths = uneven(
        len(points), brush.stronger(0.5, 1.4) * max(brush.scale, 1) ** 0.5, 0.35, 4, generator
    )
    # The outermost cells reach far out, and fade there.
    fading = 1.6 - 1.2 * np.hypot(*(points - center).T) / reach
    faint = np.clip(np.concatenate(begun) * fading * worn, 0, 1).astype(np.float32)
    return Stroke(points.astype(np.float32), widths, faint)
