"""Synthetic damage: shapes of one gray each, drawn on a photograph."""

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.types import Luma, Mask
from rechroma.settings import Damage

Canvas = NDArray[np.uint8]  # (H, W), 1 inside of the shape, as OpenCV draws it


def _box(
    shares: tuple[float, float],
    canvas: Canvas,
    generator: np.random.Generator,
    square: bool = False,
) -> tuple[int, int, int, int]:
    """x, y, width and height, px, of a random box inside the photograph.

    Its sides are `shares` of the shorter side, and at least 1 px shorter: no box hides everything.
    """
    shorter: int = min(canvas.shape)

    def side() -> int:
        return min(max(round(generator.uniform(*shares) * shorter), 1), shorter - 1)

    width = side()
    height = width if square else side()
    y, x = generator.integers(np.subtract(canvas.shape, (height, width)) + 1).tolist()
    return x, y, width, height


def _rectangle(canvas: Canvas, settings: Damage, generator: np.random.Generator) -> None:
    x, y, width, height = _box(settings.rectangle_side, canvas, generator)
    canvas[y : y + height, x : x + width] = 1


def _circle(canvas: Canvas, settings: Damage, generator: np.random.Generator) -> None:
    x, y, diameter, _ = _box(settings.circle_diameter, canvas, generator, square=True)
    radius = (diameter - 1) // 2
    cv2.circle(canvas, (x + radius, y + radius), radius, 1, cv2.FILLED)


def _polygon(canvas: Canvas, settings: Damage, generator: np.random.Generator) -> None:
    """Random vertices stretched to their box; edges may cross, `cv2.fillPoly` is even-odd."""
    x, y, width, height = _box(settings.polygon_extent, canvas, generator)
    low, high = settings.polygon_vertices
    vertices = generator.random((generator.integers(low, high + 1), 2))  # (V, 2), x and y
    # Stretch their extent to that of the box, then move them there.
    vertices -= vertices.min(axis=0)
    vertices *= (width - 1, height - 1) / vertices.max(axis=0)
    cv2.fillPoly(canvas, [np.rint(np.add(vertices, (x, y))).astype(np.int32)], 1)


KINDS: dict[str, Callable[[Canvas, Damage, np.random.Generator], None]] = {
    "rectangle": _rectangle,
    "circle": _circle,
    "polygon": _polygon,
}
"""How each kind of shape is drawn; the settings of `damage` weight them by these names."""


def draw_damage(luma: Luma, settings: Damage, generator: np.random.Generator) -> tuple[Luma, Mask]:
    """Draw damage on a gray photograph.

    A shape that would hide the last visible pixel is skipped; the first shape never does.

    Args:
        luma: `(H, W)` uint8, at least 2 px each way.
        settings: number, kinds, sizes and grays of the shapes.
        generator: the only source of randomness.

    Returns:
        The damaged copy, `(H, W)` uint8, and its mask, `(H, W)` bool, True where lost.

    >>> shape = dict(rectangle=1, circle=0, polygon=0, holes=(1, 1), level=(7, 7))
    >>> size = dict(rectangle_side=(0.5, 0.5), circle_diameter=(0.1, 0.1),
    ...             polygon_extent=(0.1, 0.1), polygon_vertices=(3, 3))
    >>> white = np.full((8, 8), 255, np.uint8)
    >>> damaged, mask = draw_damage(white, Damage(**shape, **size), np.random.default_rng(0))
    >>> mask.sum().item(), damaged[mask].min().item(), damaged[~mask].min().item()
    (16, 7, 255)
    """
    damaged = luma.copy()
    mask = np.zeros(luma.shape, dtype=bool)
    kinds = list(KINDS.values())
    bounds = list(accumulate(getattr(settings, kind) for kind in KINDS))  # cumulative weights
    fewest, most = settings.holes
    for _ in range(generator.integers(fewest, most + 1)):
        # Draw a kind with the probability of its weight.
        kind = kinds[bisect_right(bounds, generator.uniform(0, bounds[-1]))]
        # Draw its shape, then its gray.
        canvas = np.zeros(luma.shape, dtype=np.uint8)
        kind(canvas, settings, generator)
        level = generator.integers(settings.level[0], settings.level[1] + 1)
        # Keep the hole only if something remains visible.
        hole = canvas.view(bool)
        lost = mask | hole
        if not lost.all():
            damaged[hole] = level
            mask = lost
    return damaged, mask
