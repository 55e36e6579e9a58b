"""Putting a damage on a print: grays, rims, relief."""

import cv2
import numpy as np

from rechroma.imaging.print_damage.kinds import Brush, Drawn
from rechroma.imaging.print_damage.noise import fractal_noise
from rechroma.imaging.print_damage.strokes import Patch, Stroke, render
from rechroma.imaging.types import Plane

LIGHTER = 0.75  # share of the damages that are lighter than the print


def line_level(brush: Brush, lighter: float = LIGHTER) -> float:
    """The gray of bare paper, or of dirt and shadow."""
    return brush.between(200, 255) if brush.chance(lighter) else brush.between(0, 70)


def blend(plane: Plane, patch: Patch, level: float | Plane) -> None:
    """Mix a gray into what a patch covers of `plane`, in place."""
    plane[patch.box] += patch.coverage * (level - plane[patch.box])


def roughen(patch: Patch, brush: Brush) -> None:
    """Fray the edges of what a patch covers, in place; thin lines stay."""
    cell, coverage = 4 * max(brush.scale, 0.6), patch.coverage
    soft = cv2.GaussianBlur(coverage, (0, 0), 0.4 * cell)
    noise = fractal_noise(coverage.shape, cell, brush.generator, octaves=3, gain=0.7)
    amount = brush.between(0.03, 0.3)
    # What is wide keeps a middle; where it is thin, soft is small and the line itself counts.
    frayed = np.clip(3 * (soft + amount * noise * np.minimum(3 * soft, 1) - 0.45) + 0.5, 0, 1)
    wide = np.clip(2 * soft - 0.2, 0, 1)
    coverage += wide * (frayed * coverage.max() - coverage)


def add_halo(plane: Plane, patch: Patch, levels: float, spread: float) -> None:
    """Add levels around what a patch covers, fading over `spread` px, in place."""
    halo = cv2.GaussianBlur(patch.coverage, (0, 0), spread)
    highest = float(halo.max())
    if highest > 0:
        plane[patch.box] += levels * (halo / highest)


def add_shadow(plane: Plane, patch: Patch, levels: float, away: tuple[float, float]) -> None:
    """Add levels beside what a patch covers, `away` px (x, y) from it, in place."""
    moved = shifted(patch.coverage, away)
    plane[patch.box] += levels * np.maximum(cv2.GaussianBlur(moved, (0, 0), 0.8), 0)


def shifted(plane: Plane, away: tuple[float, float]) -> Plane:
    """`plane` moved by `away` px (x, y); what comes in is 0."""
    height, width = plane.shape
    motion = np.array([[1, 0, away[0]], [0, 1, away[1]]], dtype=np.float64)
    moved: Plane = cv2.warpAffine(plane, motion, (width, height), flags=cv2.INTER_LINEAR)
    return moved


def relief(plane: Plane, away: tuple[float, float]) -> Plane:
    """Light and shadow on a surface of this height, lit from one side: `(H, W)`, about -1…1."""
    lit: Plane = plane - shifted(plane, away)
    return lit


def away_by(brush: Brush, low: float, high: float) -> tuple[float, float]:
    """A random direction, and a random length in units, as px (x, y)."""
    angle, far = brush.between(0, 2 * np.pi), max(brush.between(low, high) * brush.scale, 0.7)
    return (float(far * np.cos(angle)), float(far * np.sin(angle)))


def draw_lines(
    plane: Plane,
    strokes: list[Stroke],
    level: float,
    brush: Brush,
    rim: float = 0.35,
    rough: float = 0.0,
) -> Drawn:
    """Draw strokes of one gray.

    Args:
        plane: `(H, W)` float32, the print.
        strokes: the lines.
        level: their gray, of 0…255.
        brush: how strong.
        rim: how often the other tone lies around them, or beside them.
        rough: deviation of the gray along them, in levels.
    """
    spread = brush.between(0.6, 1.3) * max(brush.scale, 0.7)  # px
    patch = render(plane.shape, strokes, margin=round(3 * spread) + 1)
    if patch is None:
        return Drawn(plane, plane)
    after = plane.copy()
    if brush.chance(rim):
        tone = brush.stronger(10, 60) * (-1 if level > 128 else 1)
        if brush.chance(0.4):
            add_halo(after, patch, 0.5 * tone, spread)
        else:
            add_shadow(after, patch, tone, away_by(brush, 1.0, 2.2))
    grays: float | Plane = level
    if rough:
        grays = level + rough * fractal_noise(patch.coverage.shape, 3, brush.generator, octaves=2)
    blend(after, patch, grays)
    return Drawn(plane, after)
