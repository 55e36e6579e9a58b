"""Scratches, film lines and hair: lines on a print."""

import cv2
import numpy as np

from rechroma.imaging.print_damage.kinds import Brush, Drawn
from rechroma.imaging.print_damage.noise import noise_along
from rechroma.imaging.print_damage.strokes import Patch, Stroke, render, uneven, walk
from rechroma.imaging.types import Plane

LIGHTER = 0.75  # share of the damages that are lighter than the print


def draw_scratch(plane: Plane, brush: Brush) -> Drawn:
    """A thin or thick scratch or a few that run together: curved, broken, some with a rim."""
    generator = brush.generator
    height, width = plane.shape
    angle, start = brush.between(0, 2 * np.pi), np.array([width, height]) * generator.random(2)
    length, thickness = brush.length(30, 450), _line_width(brush, 3.5)
    turn = brush.between(0.01, 0.12)
    strokes = []
    for _ in range(brush.count(1, 3) if brush.chance(0.3) else 1):
        begin = start + generator.normal(0, 12 * brush.scale, 2)
        path = walk((begin[0], begin[1]), angle, length, 3.0, turn, generator)
        strokes.append(_worn(path, thickness, brush.stronger(0.35, 1), brush))
        angle += generator.normal(0, 0.08)
    return draw_lines(plane, strokes, line_level(brush), brush)


def line_level(brush: Brush) -> float:
    """The gray of bare paper, in three of four cases, or of dirt."""
    return brush.between(205, 255) if brush.chance(LIGHTER) else brush.between(5, 60)


def _line_width(brush: Brush, most: float) -> float:
    """Px; a hairline, whatever the scale, or a width that grows with it."""
    if brush.chance(0.4):
        return brush.between(0.7, 1.6)
    return max(0.8, brush.stronger(1.0, most) * brush.scale)


def _worn(path: np.ndarray, thickness: float, opacity: float, brush: Brush) -> Stroke:
    """A stroke along a path, thinner at its ends, with gaps."""
    generator, points = brush.generator, len(path)
    widths = uneven(points, thickness, 0.3, 6, generator)
    widths *= np.clip(np.minimum(np.arange(points) + 1, np.arange(points)[::-1] + 1) / 5, 0.3, 1)
    opacities = np.clip(uneven(points, opacity, 0.25, 9, generator), 0, 1)
    gaps = noise_along(points, brush.between(3, 20), generator)
    opacities *= np.clip(1.5 + 2 * (gaps + brush.between(-0.6, 1.5)), 0, 1)
    return Stroke(path, widths, opacities)


def draw_lines(plane: Plane, strokes: list[Stroke], level: float, brush: Brush) -> Drawn:
    """Draw strokes of one gray; some with a rim of the other tone around them."""
    rim = brush.stronger(8, 45) if brush.chance(0.35) else 0.0
    spread = brush.between(1.0, 2.5) * max(brush.scale, 0.7)  # px
    patch = render(plane.shape, strokes, margin=round(3 * spread) if rim else 1)
    if patch is None:
        return Drawn(plane, plane)
    after = plane.copy()
    if rim:
        _add_rim(after, patch, -rim if level > 128 else rim, spread)
    blend(after, patch, level)
    return Drawn(plane, after)


def _add_rim(plane: Plane, patch: Patch, levels: float, spread: float) -> None:
    halo = cv2.GaussianBlur(patch.coverage, (0, 0), spread)
    highest = float(halo.max())
    if highest > 0:
        plane[patch.box] += levels * np.minimum(halo / highest * 1.5, 1)


def blend(plane: Plane, patch: Patch, level: float) -> None:
    """Mix a gray into what a patch covers of `plane`, in place."""
    plane[patch.box] += patch.coverage * (level - plane[patch.box])
