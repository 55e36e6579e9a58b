"""Folds of the paper."""

import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.print_damage.cracks import jagged, ragged, twigs
from rechroma.imaging.print_damage.kinds import Brush, Drawn
from rechroma.imaging.print_damage.lines import somewhere
from rechroma.imaging.print_damage.noise import fractal_noise
from rechroma.imaging.print_damage.paint import add_shadow, away_by, blend, line_level, roughen
from rechroma.imaging.print_damage.strokes import Points, Stroke, render
from rechroma.imaging.types import Plane


def draw_fold(plane: Plane, brush: Brush) -> Drawn:
    """A fold across the print: a worn core, with hairs beside it, and shading on both sides.

    The soft shading stays outside of the mask.
    """
    generator = brush.generator
    height, width = plane.shape
    reach = float(np.hypot(height, width))
    # Mostly upright or level, and through any point.
    angle = float(np.pi / 2 * generator.integers(0, 4) + generator.normal(0, 0.12))
    if brush.chance(0.3):
        angle = brush.between(0, 2 * np.pi)
    through = somewhere(plane, brush)
    way = np.array([np.cos(angle), np.sin(angle)])
    begin = through - way * reach
    path = jagged((begin[0], begin[1]), angle, 2 * reach, 0.008, brush)
    path += through - path[len(path) // 2]
    path = path[_near(path, plane)]
    if len(path) < 2:
        return Drawn(plane, plane)
    if brush.chance(0.35):  # it ends inside
        path = path[: max(2, round(len(path) * brush.between(0.3, 0.9)))]
    before = plane + _shading(plane, path[0], path[-1], brush)
    thickness = max(1.0, brush.stronger(0.4, 1.2) * brush.length(1.5, 14))
    core = ragged(
        path, thickness, brush.stronger(0.35, 1.15), brush, spread=brush.between(0.2, 0.55)
    )
    after = _draw_core(before, [*_hairs(path, angle, brush), core], brush)
    return Drawn(before, after)


def _hairs(path: Points, angle: float, brush: Brush) -> list[Stroke]:
    """Fine cracks that leave a fold at any angle, many where the print was bent sharply."""
    count = round(brush.stronger(-8, 20)) * (3 if brush.chance(0.2) else 1)
    if count < 1:
        return []
    generator = brush.generator
    starts = path[generator.integers(0, len(path), count)]
    angles = angle + generator.normal(0, 0.7, count) + np.pi * generator.integers(0, 2, count)
    lengths = brush.scale * generator.exponential(brush.between(5, 25), count).astype(np.float32)
    return [twigs(starts, angles, lengths, brush.between(0.7, 1.6), brush)]


def _draw_core(before: Plane, strokes: list[Stroke], brush: Brush) -> Plane:
    after = before.copy()
    patch = render(before.shape, strokes, margin=6)
    if patch is not None:
        roughen(patch, brush)
        level = line_level(brush, 0.9)
        if brush.chance(0.7):
            tone = brush.stronger(10, 80) * (-1 if level > 128 else 0.5)
            add_shadow(after, patch, tone, away_by(brush, 1.0, 4.0))
        texture = fractal_noise(patch.coverage.shape, 4 * brush.scale, brush.generator, octaves=2)
        blend(after, patch, level - np.abs(brush.stronger(2, 26) * texture))
    return after


def _shading(plane: Plane, first: Points, last: Points, brush: Brush) -> Plane:
    """Levels to add beside a fold between two points: `(H, W)` float32."""
    height, width = plane.shape
    across = np.array([first[1] - last[1], last[0] - first[0]], dtype=np.float32)
    across /= max(float(np.hypot(*across)), 1e-3)
    columns = np.arange(width, dtype=np.float32)[None] - first[0]
    rows = np.arange(height, dtype=np.float32)[:, None] - first[1]
    far = columns * across[0] + rows * across[1]  # px from the fold, signed
    wide = np.float32(brush.length(5, 40))
    levels = brush.stronger(0, 22)
    shade: Plane = np.exp(-np.abs(far) / wide)
    if brush.chance(0.6):  # lit from one side
        shade *= np.tanh(far / brush.length(4, 12))
    elif brush.chance(0.5):
        levels = -levels
    return levels * shade


def _near(path: Points, plane: Plane) -> NDArray[np.bool_]:
    """Which points are in the picture, or just outside."""
    height, width = plane.shape
    x, y = path.T
    near: NDArray[np.bool_] = (x > -12) & (y > -12) & (x < width + 12) & (y < height + 12)
    return near
