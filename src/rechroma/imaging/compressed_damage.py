"""Damage of photographs that were saved as JPEG after it: blocks of one gray inside shapes."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.fit_shapes import fitted_circle, fitted_polygons, fitted_rectangle
from rechroma.imaging.types import Luma, Mask

BLOCK = 8  # px, side of JPEG's blocks
STEPS = (*range(2, 17), 18, 20, 22, 24, 27, 32, 40, 53, 80)  # of mean grays, in eighths
LARGEST = 16  # of quality 50; blocks of stronger compression have one gray anyway
PERIODIC = 0.5  # how clearly the mean grays of the blocks are multiples of a step, at least
NOISE = (2.0, 1.8)  # gray levels by which JPEG changes a gray, at most: constant, per step
LOOSE = 1.5  # times the noise that pixels inside may be off
SEEDS = 24  # groups of blocks that are looked at, the largest first
DONE = 0.5  # share of the box of a group that known shapes cover
ROOM = 16  # px around a group in which rectangles and circles are fitted
STRICT = np.float32(0.4)  # score that the pixels of polygons have, at least
INSIDE = 0.95  # share of the pixels of a shape that have nearly its gray, at least
CLEAR = 0.6  # share of the pixels beside a shape that have another gray, at least
FLAT = 0.85  # share of the blocks inside a shape that are of exactly its gray, at least

# What tells drawn shapes from parts of photographs; chosen on one half of the photographs.
SURE_INSIDE = 0.98
SURE_CLEAR = 0.9
SURE_FLAT = 0.91
FAINTEST = 0.5  # as CLEAR, for large shapes
FEW_BLOCKS = 6  # of rectangles and circles that must be surer
FEWEST_BLOCKS = {"rectangle": 2, "circle": 2, "polygon": 4}
CLIPPED = 5  # gray levels from black and from white
CLIPPED_CLEAR = {"rectangle": 0.7, "circle": 0.7, "polygon": 0.96}
CLIPPED_FLAT = 0.95
TOUCHING = 0.03  # of the border of a shape that may be the photograph's
RIVAL = 0.4  # of the thickness of a shape; others so thick, clear and ragged make it doubtful
RIVAL_CLEAR = 0.4
RIVALS = {"few blocks": 1, "blocks": 5}  # at most
LARGE_RIVAL = 0.6  # of the number of blocks of a polygon

Scores = NDArray[np.float32]  # (H, W), 1 where a pixel has the gray of a shape, -1 where it has not


class Fit(NamedTuple):
    """A shape that was fitted to blocks of one gray."""

    box: tuple[slice, slice]  # where its window lies in the photograph
    shape: Mask  # (h, w) bool, True inside
    kind: str  # rectangle, circle or polygon
    level: int
    count: int  # blocks of exactly this gray
    inside: float  # share of its pixels that have nearly its gray
    clear: float  # share of the pixels beside it that have another gray
    flat: float  # share of the blocks in it that have exactly its gray
    thickness: float  # px, from its middle to its border
    touching: float  # share of its border that is the photograph's


def quantization_step(gray: Luma) -> int:
    """The step of the mean grays of the blocks of a JPEG file, in eighths of a gray level.

    Returns:
        The step, or 0 where the photograph was not saved as JPEG of a quality from 50 to 95.

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
    step = max(periodic, default=0)
    return step if step <= LARGEST else 0


def compressed_damage(gray: Luma, smallest: float) -> tuple[Mask, int]:
    """The damage of a photograph that was saved as JPEG after it.

    Args:
        gray: `(H, W)` uint8.
        smallest: px, area of the smallest shape.

    Returns:
        `(H, W)` bool, True where lost, and the number of shapes that may be damage or not.

    Example:
        >>> y, x = np.mgrid[:96, :96]
        >>> gray = (128 + 60 * np.sin(x / 5) * np.cos(y / 7) + (x * y) % 7).astype(np.uint8)
        >>> gray[20:70, 10:70] = 30
        >>> _, file = cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, 85])
        >>> mask, _ = compressed_damage(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), 9)
        >>> int(mask.sum()), bool(mask[20:70, 10:70].all())
        (3000, True)
    """
    mask = np.zeros(gray.shape, dtype=bool)
    step = quantization_step(gray)
    if not step:
        return mask, 0
    fits = _fits(gray, NOISE[0] + NOISE[1] * step, smallest)
    doubts = 0
    for fit in fits:
        if not is_clear(fit):
            continue
        if is_sure(fit, [other for other in fits if other is not fit]):
            mask[fit.box] |= fit.shape
        else:
            doubts += 1
    return mask, doubts


def is_clear(fit: Fit) -> bool:
    """Whether a shape fits to its pixels and the photograph stops at its border."""
    return fit.inside >= INSIDE and fit.clear >= CLEAR and fit.flat >= FLAT


def is_sure(fit: Fit, others: list[Fit]) -> bool:
    """Whether a shape is no part of the photograph: clear, and without ragged ones like it."""
    clipped = not CLIPPED <= fit.level <= 255 - CLIPPED
    rivals = [
        other.count
        for other in others
        if not is_clear(other)
        and other.clear >= RIVAL_CLEAR
        and other.thickness >= RIVAL * fit.thickness
    ]
    few = fit.kind != "polygon" and fit.count < FEW_BLOCKS
    if (
        fit.count < FEWEST_BLOCKS[fit.kind]
        or fit.touching > TOUCHING
        or fit.inside < SURE_INSIDE
        or (clipped and (fit.clear < CLIPPED_CLEAR[fit.kind] or fit.flat < CLIPPED_FLAT))
        or len(rivals) > RIVALS["few blocks" if few else "blocks"]
    ):
        return False
    if few:
        return fit.clear >= SURE_CLEAR
    if fit.kind == "polygon":
        large = max(rivals, default=0) > LARGE_RIVAL * fit.count
        return not large or (fit.clear >= SURE_CLEAR and fit.count > FEW_BLOCKS)
    return fit.flat >= SURE_FLAT


def _fits(gray: Luma, noise: float, smallest: float) -> list[Fit]:
    fits: list[Fit] = []
    done = np.zeros(gray.shape, dtype=bool)
    for level, blocks, count in _groups(gray):
        y, x, height, width = blocks
        if done[y : y + height, x : x + width].mean() > DONE:
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
    height, width = (side // BLOCK * BLOCK for side in gray.shape)
    for count, level, box in found[:SEEDS]:
        if box[2] == height or box[3] == width:
            continue  # frames and bars
        yield level, box, count


def _scores(luma: Luma, level: int, noise: float) -> Scores:
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
        scores = _scores(luma, level, noise)
        seed = (y - top, x - left, height, width)
        if room > ROOM and count < FEWEST_BLOCKS["polygon"]:
            continue
        if room == ROOM:
            shapes = [
                ("rectangle", fitted_rectangle(scores, seed, BLOCK)),
                ("circle", fitted_circle(scores, seed)),
            ]
        else:
            shapes = [
                ("polygon", fitted_polygons(scores - STRICT, _flat_blocks(luma) == level, BLOCK))
            ]
        for kind, shape in shapes:
            if shape is None or not shape.any():
                continue
            fit = _checked(gray, box, shape.astype(bool), (kind, level, count), noise)
            if is_clear(fit):
                return fit
            fits.append(fit)
    return max(fits, key=lambda fit: fit.inside * fit.clear * fit.flat, default=None)


def _checked(
    gray: Luma, box: tuple[slice, slice], shape: Mask, seed: tuple[str, int, int], noise: float
) -> Fit:
    """A shape with what tells whether it was drawn."""
    kind, level, count = seed
    luma, canvas = gray[box], shape.view(np.uint8)
    off = np.abs(luma.astype(np.int16) - level)
    # The pixels next to the border may belong to either side.
    around = np.ones((3, 3), dtype=np.uint8)
    next_to = cv2.dilate(canvas, around)
    ring = cv2.dilate(next_to, around) > next_to
    blocks = _flat_blocks(luma)
    rows, columns = blocks.shape
    inner = cv2.erode(canvas, around)[: rows * BLOCK, : columns * BLOCK]
    whole = inner.reshape(rows, BLOCK, columns, BLOCK).min((1, 3)) > 0
    padded = cv2.copyMakeBorder(canvas, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    contours, _ = cv2.findContours(padded, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    length = sum(cv2.arcLength(contour, closed=True) for contour in contours)
    sides = (
        (box[0].start == 0, shape[0]),
        (box[0].stop >= gray.shape[0], shape[-1]),
        (box[1].start == 0, shape[:, 0]),
        (box[1].stop >= gray.shape[1], shape[:, -1]),
    )
    return Fit(
        box,
        shape,
        kind,
        level,
        count,
        inside=float((off[shape] <= LOOSE * noise).mean()),
        clear=float((off[ring] > noise).mean()) if ring.any() else 0.0,
        flat=float((blocks[whole] == level).mean()) if whole.any() else 0.0,
        thickness=float(cv2.distanceTransform(padded, cv2.DIST_L1, 3).max()),
        touching=sum(int(side.sum()) for touches, side in sides if touches) / max(length, 1),
    )
