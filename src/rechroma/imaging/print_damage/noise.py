"""Smooth random values: the raw material of stains, torn edges and paper."""

import cv2
import numpy as np

from rechroma.imaging.types import Plane

STEEPER = 1.3  # what lies between random values has a smaller deviation than they have


def smooth_noise(shape: tuple[int, ...], cell: float, generator: np.random.Generator) -> Plane:
    """Random hills about `cell` px wide, of mean 0 and deviation about 1: `(H, W)` float32.

    >>> smooth_noise((5, 7), 3, np.random.default_rng(0)).shape
    (5, 7)
    """
    return fractal_noise(shape, cell, generator, octaves=1)


def fractal_noise(
    shape: tuple[int, ...],
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
    height, width = shape
    total: Plane | None = None
    weight, square = 1.0, 0.0
    for octave in range(octaves):
        # A grid of random values, added to the coarser ones; only the sum grows to full size.
        fine = max(cell / 2**octave, 1.0)
        rows, columns = int(height / fine) + 2, int(width / fine) + 2
        grid = generator.standard_normal((rows, columns), dtype=np.float32)
        grid *= weight * (STEEPER if fine > 1 else 1.0)
        if total is not None:
            grid += cv2.resize(total, (columns, rows), interpolation=cv2.INTER_LINEAR)
        total = grid
        square += weight**2
        weight *= gain
        if fine == 1:
            break
    if total is None:
        raise ValueError(f"octaves is {octaves}, expected at least 1")
    total /= np.float32(np.sqrt(square))
    if fine == 1:
        return total[:height, :width]
    hills: Plane = cv2.resize(total, (width, height), interpolation=cv2.INTER_CUBIC)
    return hills


def noise_along(points: int, cell: float, generator: np.random.Generator) -> Plane:
    """`smooth_noise` along a line of so many points: `(points,)` float32."""
    cell = max(cell, 1.0)
    if cell == 1:
        return generator.standard_normal(points, dtype=np.float32)
    values = generator.standard_normal(int(points / cell) + 3)
    places = np.arange(points) / cell + generator.random()
    line = np.interp(places, np.arange(len(values)), values)
    return (1.2 * line).astype(np.float32)
