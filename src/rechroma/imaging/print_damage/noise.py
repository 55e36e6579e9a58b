"""Smooth random planes: the raw material of stains, torn edges and paper."""

import cv2
import numpy as np

from rechroma.imaging.types import Plane


def smooth_noise(shape: tuple[int, int], cell: float, generator: np.random.Generator) -> Plane:
    """Random hills about `cell` px wide, of mean 0 and deviation about 1: `(H, W)` float32.

    >>> smooth_noise((5, 7), 3, np.random.default_rng(0)).shape
    (5, 7)
    """
    height, width = shape
    rows, columns = (int(np.ceil(side / max(cell, 1))) + 1 for side in shape)
    grid = generator.standard_normal((rows, columns), dtype=np.float32)
    if (rows, columns) == (height + 1, width + 1):
        return grid[:height, :width]
    # A cubic between random values is flatter than they are.
    hills: Plane = 1.35 * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    return hills


def fractal_noise(
    shape: tuple[int, int],
    cell: float,
    generator: np.random.Generator,
    octaves: int = 4,
    gain: float = 0.5,
) -> Plane:
    """Hills on hills, each octave half as wide and `gain` times as high: `(H, W)` float32.

    Their mean is 0 and their deviation about 1; octaves finer than a pixel are left out.

    >>> fractal_noise((4, 9), 4, np.random.default_rng(0)).dtype
    dtype('float32')
    """
    total = np.zeros(shape, dtype=np.float32)
    weight, square = 1.0, 0.0
    for _ in range(octaves):
        total += weight * smooth_noise(shape, cell, generator)
        square += weight**2
        if cell <= 1:
            break
        cell, weight = cell / 2, weight * gain
    total /= np.sqrt(square)
    return total


def noise_along(points: int, cell: float, generator: np.random.Generator) -> Plane:
    """`smooth_noise` along a line of so many points: `(points,)` float32."""
    line: Plane = smooth_noise((1, points), cell, generator)[0]
    return line
