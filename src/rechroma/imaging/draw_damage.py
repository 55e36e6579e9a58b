"""Damage drawn on photographs: shapes of one gray each that hide a part of them."""

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.types import Luma, Mask
from rechroma.settings import Damage

Shape = NDArray[np.uint8]  # (H, W), 1 where a shape is, as OpenCV draws it


def _box(
    shares: tuple[float, float], shape: Shape, generator: np.random.Generator, square: bool = False
) -> tuple[int, int, int, int]:
    """x, y, width and height, px, of a box inside the photograph.

    Its sides are shares of the shorter side and 1 px short of it at most: nothing hides everything.
    """
    shorter: int = min(shape.shape)

    def side() -> int:
        return min(max(round(generator.uniform(*shares) * shorter), 1), shorter - 1)

    width = side()
    height = width if square else side()
    y, x = generator.integers(np.subtract(shape.shape, (height, width)) + 1).tolist()
    return x, y, width, height


def _rectangle(shape: Shape, settings: Damage, generator: np.random.Generator) -> None:
    x, y, width, height = _box(settings.rectangle_side, shape, generator)
    shape[y : y + height, x : x + width] = 1


def _circle(shape: Shape, settings: Damage, generator: np.random.Generator) -> None:
    x, y, diameter, _ = _box(settings.circle_diameter, shape, generator, square=True)
    radius = (diameter - 1) // 2
    cv2.circle(shape, (x + radius, y + radius), radius, 1, cv2.FILLED)


def _polygon(shape: Shape, settings: Damage, generator: np.random.Generator) -> None:
    """Random vertices stretched to their box; edges may cross, `cv2.fillPoly` is even-odd."""
    x, y, width, height = _box(settings.polygon_extent, shape, generator)
    low, high = settings.polygon_vertices
    vertices = generator.random((generator.integers(low, high + 1), 2))
    vertices -= vertices.min(axis=0)
    vertices *= (width - 1, height - 1) / vertices.max(axis=0)
    cv2.fillPoly(shape, [np.rint(np.add(vertices, (x, y))).astype(np.int32)], 1)


KINDS: dict[str, Callable[[Shape, Damage, np.random.Generator], None]] = {
    "rectangle": _rectangle,
    "circle": _circle,
    "polygon": _polygon,
}


def draw_damage(luma: Luma, settings: Damage, generator: np.random.Generator) -> tuple[Luma, Mask]:
    """A damaged copy of a photograph in gray, and where it is damaged.

    A shape that would hide the last visible pixel is left out; the first one never does.

    Args:
        luma: `(H, W)` uint8, at least 2 px each way.
        settings: how many shapes, of what kinds, sizes and grays.
        generator: the only source of randomness.

    Returns:
        damaged, `(H, W)` uint8, and mask, `(H, W)` bool, True where lost.
    """
    damaged = luma.copy()
    mask = np.zeros(luma.shape, dtype=bool)
    low, high = settings.holes
    bounds = list(accumulate(getattr(settings, kind) for kind in KINDS))
    kinds = list(KINDS.values())
    for _ in range(generator.integers(low, high + 1)):
        kind = kinds[bisect_right(bounds, generator.uniform(0, bounds[-1]))]
        shape = np.zeros(luma.shape, dtype=np.uint8)
        kind(shape, settings, generator)
        level = generator.integers(settings.level[0], settings.level[1] + 1)
        hole = shape.view(bool)
        hidden = mask | hole
        if not hidden.all():
            damaged[hole] = level
            mask = hidden
    return damaged, mask
