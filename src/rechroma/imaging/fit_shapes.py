"""Rectangles and circles fitted to noisy pixels."""

import cv2
import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]  # (H, W), positive where a pixel looks like a part of the shape
Shape = NDArray[np.uint8]  # (H, W), 1 inside

ROUNDS = 3


def fitted_rectangle(scores: Scores, seed: tuple[int, int, int, int], reach: int) -> Shape:
    """The rectangle of the highest score that is up to `reach` px larger than a seed.

    Args:
        scores: `(H, W)` float32.
        seed: y, x, height and width, px, of a rectangle inside.
        reach: px.

    Returns:
        `(H, W)` uint8, 1 inside.

    >>> scores = np.full((12, 12), -1, np.float32)
    >>> scores[2:9, 3:11] = 1
    >>> int(fitted_rectangle(scores, (4, 4, 2, 2), 8).sum())
    56
    """
    y, x, height, width = seed
    top, bottom, left, right = y, y + height, x, x + width
    for _ in range(ROUNDS):
        rows = scores[:, left:right].sum(1)
        top, bottom = _extended(rows, y, y + height, reach)
        columns = scores[top:bottom].sum(0)
        left, right = _extended(columns, x, x + width, reach)
    shape = np.zeros(scores.shape, dtype=np.uint8)
    shape[top:bottom, left:right] = 1
    return shape


def _extended(sums: NDArray[np.float32], start: int, stop: int, reach: int) -> tuple[int, int]:
    """Start and stop moved outward to where the sum in between is largest."""
    before = np.cumsum(sums[max(start - reach, 0) : start][::-1])
    after = np.cumsum(sums[stop : stop + reach])
    if before.size and before.max() > 0:
        start -= int(before.argmax()) + 1
    if after.size and after.max() > 0:
        stop += int(after.argmax()) + 1
    return start, stop


def fitted_circle(scores: Scores, seed: tuple[int, int, int, int]) -> Shape:
    """The circle of the highest score around a seed, as OpenCV draws it.

    Args:
        scores: `(H, W)` float32.
        seed: y, x, height and width, px, of a box inside.

    Returns:
        `(H, W)` uint8, 1 inside.

    >>> drawn = cv2.circle(np.zeros((40, 40), np.uint8), (20, 18), 12, 1, cv2.FILLED)
    >>> bool((fitted_circle(2.0 * drawn - 1, (12, 14, 12, 12)) == drawn).all())
    True
    """
    y, x, height, width = seed
    best = (x + width // 2, y + height // 2, max(max(height, width) // 2 + 3, 1))
    highest = _circle_score(scores, best)
    for step in (4, 2, 1):
        improved = True
        while improved:
            improved = False
            for axis in range(3):
                for sign in (-step, step):
                    x, y, radius = (
                        value + sign * (axis == number) for number, value in enumerate(best)
                    )
                    moved = (x, y, radius)
                    if moved[2] > 0 and (score := _circle_score(scores, moved)) > highest:
                        best, highest, improved = moved, score, True
    return _circle(scores.shape, best)


def _circle(size: tuple[int, ...], circle: tuple[int, ...]) -> Shape:
    shape = np.zeros(size, dtype=np.uint8)
    cv2.circle(shape, circle[:2], circle[2], 1, cv2.FILLED)
    return shape


def _circle_score(scores: Scores, circle: tuple[int, ...]) -> float:
    return float(scores[_circle(scores.shape, circle) > 0].sum())
