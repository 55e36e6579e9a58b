"""The blocks of a photograph that was saved as JPEG: how coarse their grays are, which are flat."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.types import Luma

BLOCK = 8  # px, side of JPEG's blocks
STEPS = (*range(2, 17), 18, 20, 22, 24, 27, 32, 40, 53, 80)  # of mean grays, in eighths
LARGEST = 11  # of quality 66; blocks of stronger compression have one gray anyway
PERIODIC = 0.5  # how clearly the mean grays of the blocks are multiples of a step, at least
SEEDS = 12  # groups of two or more blocks that are looked at, the largest first


def quantization_step(gray: Luma) -> int:
    """The step of the mean grays of the blocks of a JPEG file, in eighths of a gray level.

    Returns:
        The step, or 0 where the photograph was not saved as JPEG of a quality from 66 to 95.

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
    # (steps, blocks): how far each mean is on its way from one multiple of a step to the next.
    phases = np.float32(2 * np.pi) * np.outer(1 / np.array(STEPS), means).astype(np.float32)
    periods = np.hypot(np.cos(phases).mean(1), np.sin(phases).mean(1))
    step = max(np.array(STEPS)[periods > PERIODIC].tolist(), default=0)
    return step if step <= LARGEST else 0


def flat_blocks(gray: Luma) -> NDArray[np.int16]:
    """`(rows, columns)`, the gray of blocks of one gray, -1 of the others."""
    rows, columns = (side // BLOCK for side in gray.shape)
    blocks = gray[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    lowest = blocks.min((1, 3)).astype(np.int16)
    return np.where(blocks.max((1, 3)) == lowest, lowest, -1).astype(np.int16)


def block_groups(gray: Luma) -> Iterator[tuple[int, tuple[int, int, int, int], int]]:
    """Gray, box (y, x, height, width in px) and number of connected blocks of one gray."""
    levels = flat_blocks(gray)
    found = []
    counts = np.bincount(levels[levels >= 0], minlength=256)
    for level in np.flatnonzero(counts > 1).tolist():
        same = (levels == level).view(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(same, connectivity=8)
        for x, y, width, height, count in stats[1:].tolist():
            box = (y * BLOCK, x * BLOCK, height * BLOCK, width * BLOCK)
            if count > 1:
                found.append((count, level, box))
    found.sort(key=lambda group: -group[0])
    height, width = (side // BLOCK * BLOCK for side in gray.shape)
    for count, level, box in found[:SEEDS]:
        if box[2] == height or box[3] == width:
            continue  # frames and bars
        yield level, box, count
