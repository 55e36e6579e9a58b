"""Damage of photographs that were saved as JPEG after it: blocks of one gray inside shapes."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.fit_shapes import fitted_circle, fitted_polygons, fitted_rectangle
from rechroma.imaging.types import Luma, Mask

BLOCK = 8  # px, side of JPEG's blocks
STEPS = (2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 14, 16)  # of mean grays, qualities 95 to 50 use them
PERIODIC = 0.5  # how clearly the mean grays of the blocks are multiples of a step, at least
NOISE = (2.0, 1.8)  # gray levels by which JPEG changes a gray, at most: constant, per step
SEEDS = 24  # groups of blocks that are looked at, the largest first
ROOM = 16  # px around a group in which rectangles and circles are fitted
STRICT = np.float32(0.4)  # score that the pixels of polygons have, at least
INSIDE = 0.96  # share of the pixels of a shape that have nearly its gray
CLEAR = 0.6  # share of the pixels beside a shape that have another gray
FLAT = 0.85  # share of the blocks inside a shape that are of exactly its gray

Scores = NDArray[np.float32]  # (H, W), 1 where a pixel has the gray of a shape, -1 where it has not


class _Group(NamedTuple):
    """Connected blocks of one gray."""

    level: int
    blocks: Mask  # (rows, columns) of the window, in blocks
    top: int  # px
    left: int


class Fit(NamedTuple):
    """A shape that was fitted to the blocks of one gray."""

    box: tuple[slice, slice]
    shape: Mask
    kind: str
    inside: float
    clear: float
    flat: float
    count: int  # blocks


def quantization_step(gray: Luma) -> int:
    """The step of the mean grays of the blocks of a JPEG file, in eighths of a gray level.

    Returns:
        The step, or 0 where the photograph was not saved as JPEG, or not last.

    Example:
        >>> noise = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
        >>> _, file = cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_QUALITY, 85])
        >>> quantization_step(noise), quantization_step(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE))
        (0, 5)
    """
    rows, columns = (side // BLOCK for side in gray.shape)
    whole = gray[: rows * BLOCK, : columns * BLOCK]
    means = whole.reshape(rows, BLOCK, columns, BLOCK).sum((1, 3), dtype=np.float64) / BLOCK
    # Blocks of black and white are clipped.
    means = means[(means > BLOCK * 3) & (means < BLOCK * 252)] - BLOCK * 128
    if not means.size:
        return 0
    periodic = [step for step in STEPS if abs(np.exp(2j * np.pi * means / step).mean()) > PERIODIC]
    return max(periodic, default=0)


def compressed_damage(gray: Luma, smallest: float) -> list[Fit]:
    """The shapes that were drawn on a photograph before it was saved as JPEG.

    Args:
        gray: `(H, W)` uint8.
        smallest: px, area of the smallest shape.
    """
    step = quantization_step(gray)
    if not step:
        return []
    noise = NOISE[0] + NOISE[1] * step
    fits: list[Fit] = []
    done = np.zeros(gray.shape, dtype=bool)
    for level, blocks, count in _groups(gray):
        y, x, height, width = blocks
        if done[y : y + height, x : x + width].mean() > 0.5:
            continue
        fit = _fit(gray, level, blocks, count, noise)
        if fit is not None and int(fit.shape.sum()) >= smallest:
            fits.append(fit)
            done[fit.box] |= fit.shape
    return fits


def _flat_blocks(gray: Luma) -> NDArray[np.int16]:
    """`(rows, columns)`, the gray of blocks of one gray, -1 of the others."""
    rows, columns = (side // BLOCK for side in gray.shape)
    blocks = gray[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    lowest = blocks.min((1, 3)).astype(np.int16)
    return np.where(blocks.max((1, 3)) == lowest, lowest, -1).astype(np.int16)


def _groups(gray: Luma) -> Iterator[tuple[int, tuple[int, int, int, int], int]]:
    """Gray, box (y, x, height, width in px) and number of connected blocks of one gray."""
    levels = _flat_blocks(gray)
    found = []
    for level in np.unique(levels[levels >= 0]).tolist():
        same = (levels == level).view(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(same, connectivity=8)
        for x, y, width, height, count in stats[1:].tolist():
            box = (y * BLOCK, x * BLOCK, height * BLOCK, width * BLOCK)
            found.append((count, level, box))
    found.sort(key=lambda group: -group[0])
    for count, level, box in found[:SEEDS]:
        yield level, box, count


def _scores(luma: Luma, level: int, noise: float, top: int, left: int) -> Scores:
    """How well pixels fit to a shape of a gray: 1 to -1; blocks of another gray do not at all."""
    off = (luma.astype(np.float32) - level) / noise
    scores = np.maximum(1 - off * off, -1)
    rows, columns = (side // BLOCK for side in luma.shape)
    blocks = _flat_blocks(luma)
    other = (blocks >= 0) & (blocks != level)
    spread = np.repeat(np.repeat(other, BLOCK, axis=0), BLOCK, axis=1)
    scores[: rows * BLOCK, : columns * BLOCK][spread] = -1
    return np.asarray(scores, dtype=np.float32)


def _fit(
    gray: Luma, level: int, blocks: tuple[int, int, int, int], count: int, noise: float
) -> Fit | None:
    """The first kind of shape that fits to a group of blocks, else the best."""
    y, x, height, width = blocks
    fits = []
    for room in (ROOM, ROOM + max(height, width) // BLOCK * BLOCK):
        top, left = max(y - room, 0), max(x - room, 0)
        box = (slice(top, y + height + room), slice(left, x + width + room))
        luma = gray[box]
        scores = _scores(luma, level, noise, top, left)
        seed = (y - top, x - left, height, width)
        if room == ROOM:
            shapes = [
                ("rectangle", fitted_rectangle(scores, seed, BLOCK)),
                ("circle", fitted_circle(scores, seed)),
            ]
        else:
            shapes = [("polygon", fitted_polygons(scores - STRICT, _flat_blocks(luma) == level, BLOCK))]
        for kind, shape in shapes:
            if shape is None or not shape.any():
                continue
            fit = _checked(luma, level, shape.astype(bool), noise, box, kind, count)
            if is_clear(fit):
                return fit
            fits.append(fit)
    return max(fits, key=lambda fit: fit.inside * fit.clear * fit.flat, default=None)


def is_clear(fit: Fit) -> bool:
    """Whether a shape fits to its pixels and the photograph stops at its border."""
    return fit.inside >= INSIDE and fit.clear >= CLEAR and fit.flat >= FLAT


def _checked(
    luma: Luma, level: int, shape: Mask, noise: float, box: tuple[slice, slice], kind: str, count: int
) -> Fit:
    off = np.abs(luma.astype(np.int16) - level)
    near = off <= 1.5 * noise
    inside = float(near[shape].mean())
    around = np.ones((3, 3), dtype=np.uint8)
    ring1 = cv2.dilate(shape.view(np.uint8), around)
    ring = (cv2.dilate(ring1, around) > ring1)
    clear = float((off[ring] > noise).mean()) if ring.any() else 0.0
    # Blocks that lie inside, with a margin for edges that are off by a pixel.
    eroded = cv2.erode(shape.view(np.uint8), around)
    rows, columns = (side // BLOCK for side in luma.shape)
    whole = eroded[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK).min((1, 3))
    flat = float((_flat_blocks(luma)[whole > 0] == level).mean()) if whole.any() else 0.0
    return Fit(box, shape, kind, inside, clear, flat, count)
