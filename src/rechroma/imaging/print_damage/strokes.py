"""Lines of varying width and opacity, drawn finer than a pixel."""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.print_damage.noise import noise_along
from rechroma.imaging.types import Plane

Points = NDArray[np.float32]  # (N, 2), x and y in px

MOST_FINE = 500_000  # px; larger patches are drawn with half the precision
SHIFT = 3  # fractional bits of OpenCV's coordinates


@dataclass(frozen=True)
class Stroke:
    """A line through points.

    Attributes:
        points: `(N, 2)` float32, x and y in px.
        widths: `(N,)` float32, px; 0 leaves a gap.
        opacities: `(N,)` float32 in [0, 1].
    """

    points: Points
    widths: NDArray[np.float32]
    opacities: NDArray[np.float32]


class Patch(NamedTuple):
    """Where a part of a picture is, and how much of its pixels is covered: `(h, w)` in [0, 1]."""

    box: tuple[slice, slice]
    coverage: Plane


def walk(
    start: tuple[float, float],
    angle: float,
    length: float,
    step: float,
    turn: float,
    generator: np.random.Generator,
) -> Points:
    """A path that turns at random: `(N, 2)` float32, x and y in px.

    Args:
        start: x and y, px.
        angle: first direction, radians.
        length: px, along the path.
        step: px between points.
        turn: deviation of the change of direction over 10 px, radians.
        generator: the only source of randomness.
    """
    steps = max(1, round(length / step))
    turns = generator.standard_normal(steps) * turn * np.sqrt(step / 10)
    angles = angle + np.cumsum(turns) - turns[0]
    moves = step * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    path = np.concatenate([[(0.0, 0.0)], np.cumsum(moves, axis=0)]) + start
    return path.astype(np.float32)


def uneven(
    points: int, mean: float, spread: float, cell: float, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Values around a mean, of a relative deviation, that change over `cell` points."""
    values: NDArray[np.float32] = mean * np.exp(
        np.float32(spread) * noise_along(points, cell, generator)
    )
    return values


def render(shape: tuple[int, int], strokes: list[Stroke], margin: int = 0) -> Patch | None:
    """Draw strokes on the part of a picture that holds them; None where all are outside.

    Args:
        shape: height and width of the picture, px.
        strokes: where they cross, the later one is seen.
        margin: px around them that the patch has as well, for halos.
    """
    if not strokes:
        return None
    # The smallest box around all strokes, inside the picture.
    points = np.concatenate([stroke.points for stroke in strokes])
    reach = margin + 1 + max(float(stroke.widths.max()) for stroke in strokes) / 2
    low = np.maximum(np.floor(points.min(axis=0) - reach), 0).astype(int)
    high = np.minimum(np.ceil(points.max(axis=0) + reach) + 1, shape[::-1]).astype(int)
    if (low >= high).any():
        return None
    width, height = (high - low).tolist()
    # Draw on a finer grid, then average.
    fine = 4 if width * height <= MOST_FINE else 2
    canvas = np.zeros((height * fine, width * fine), dtype=np.uint8)
    for stroke in strokes:
        _draw(canvas, stroke, low, fine)
    small = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    box = (slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0])))
    return Patch(box, small.astype(np.float32) / 255)


def _draw(canvas: NDArray[np.uint8], stroke: Stroke, origin: NDArray[np.int_], fine: int) -> None:
    # OpenCV's pixel centers are whole numbers; there is half a fine pixel between the two grids.
    places = ((stroke.points - origin + 0.5) * fine - 0.5) * 2**SHIFT
    corners = np.rint(np.clip(places, -(2**28), 2**28)).astype(np.int32).tolist()
    # OpenCV's lines cover an odd number of pixels, 1 more than an even thickness; where that is
    # more than wanted, they are fainter instead.
    wanted = stroke.widths * fine
    half = np.maximum(np.rint((wanted - 1) / 2), 0)
    levels = np.rint(stroke.opacities * np.minimum(wanted / (2 * half + 1), 1) * 255)
    thickness = np.maximum(2 * half, 1)
    for start, end, thick, level in zip(
        corners, corners[1:], thickness.astype(int).tolist(), levels.tolist(), strict=False
    ):
        if level > 0:
            cv2.line(canvas, start, end, level, thick, cv2.LINE_8, SHIFT)


def fill(shape: tuple[int, ...], outline: Points) -> Plane:
    """How much of each pixel a polygon covers: `(H, W)` float32 in [0, 1].

    Args:
        shape: height and width of the picture, px.
        outline: `(N, 2)` float32, x and y in px, inside the picture or not.
    """
    height, width = shape
    fine = 4 if width * height <= MOST_FINE else 2
    canvas = np.zeros((height * fine, width * fine), dtype=np.uint8)
    places = ((outline + 0.5) * fine - 0.5) * 2**SHIFT
    corners = np.rint(np.clip(places, -(2**24), 2**24)).astype(np.int32)
    cv2.fillPoly(canvas, [corners], 255, cv2.LINE_8, SHIFT)
    small = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    coverage: Plane = small.astype(np.float32) / 255
    return coverage
