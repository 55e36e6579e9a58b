"""Damage of photographs that were saved as JPEG after it: blocks of one gray inside shapes."""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from rechroma.imaging.fit_polygons import fitted_polygons
from rechroma.imaging.fit_shapes import Scores, Shape, fitted_circle, fitted_rectangle
from rechroma.imaging.jpeg_blocks import BLOCK, block_groups, flat_blocks, quantization_step
from rechroma.imaging.types import Luma, Mask

NOISE = (2.0, 1.8)  # gray levels by which JPEG changes a gray, at most: constant, per step
LOOSE = 1.5  # times the noise that pixels inside may be off
DONE = 0.5  # share of the box of a group that known shapes cover
ROUND = 1.5  # height by width, or width by height, of blocks in a circle, about
ROOM = 16  # px around a group in which rectangles and circles are fitted
STRICT = np.float32(0.4)  # score that the pixels of polygons have, at least
INSIDE = 0.95  # share of the pixels of a shape that have nearly its gray, at least
CLEAR = 0.6  # share of the pixels beside a shape that have another gray, at least
FLAT = 0.85  # share of the blocks inside a shape that are of exactly its gray, at least

# What tells drawn shapes from parts of photographs; chosen on one half of the photographs.
SURE_INSIDE = 0.98
SURE_CLEAR = 0.9
SURE_FLAT = 0.91
FEW_BLOCKS = 6  # of rectangles and circles that must be surer
FEWEST_BLOCKS = {"rectangle": 2, "circle": 2, "polygon": 4}
WHITE = 235  # of video; skies and paper are of one white in JPEG files as often as damage is
CLIPPED = 5  # gray levels from black
CLIPPED_CLEAR = {"rectangle": 0.7, "circle": 0.7, "polygon": 0.96}
CLIPPED_FLAT = 0.95
TOUCHING = 0.03  # of the border of a shape that may be the photograph's
SIDE = 0.3  # the same for large rectangles of exactly one gray: a side of theirs
SIDE_CLEAR = 0.7
SIDE_FLAT = 0.99
SIDE_BLOCKS = 12
RIVAL = 0.4  # of the thickness of a shape; others so thick, clear and ragged make it doubtful
RIVAL_CLEAR = 0.4
RIVALS = {"few blocks": 1, "blocks": 5}  # at most
LARGE_RIVAL = 0.6  # of the number of blocks of a polygon

Seed = tuple[int, int, int, int]  # y, x, height and width, px, of a group of blocks


class Fit(NamedTuple):
    """A shape that was fitted to blocks of one gray."""

    box: tuple[slice, slice]  # where its window lies in the photograph
    shape: Mask  # (h, w) bool, True inside
    kind: str  # rectangle, circle or polygon
    level: int
    blocks: int  # blocks of exactly this gray
    inside: float  # share of its pixels that have nearly its gray
    clear: float  # share of the pixels beside it that have another gray
    flat: float  # share of the blocks in it that have exactly its gray
    thickness: float  # px, from its middle to its border
    touching: float  # share of its border that is the photograph's


def compressed_damage(gray: Luma, smallest: float) -> tuple[Mask, int]:
    """The damage of a photograph that was saved as JPEG after it.

    Args:
        gray: `(H, W)` uint8.
        smallest: px, area of the smallest shape.

    Returns:
        `(H, W)` bool, True where lost, and the number of shapes that may be damage or not.

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
    clipped = fit.level < CLIPPED
    rivals = [
        other.blocks
        for other in others
        if not is_clear(other)
        and other.clear >= RIVAL_CLEAR
        and other.thickness >= RIVAL * fit.thickness
    ]
    few = fit.kind != "polygon" and fit.blocks < FEW_BLOCKS
    if (
        fit.level >= WHITE
        or fit.blocks < FEWEST_BLOCKS[fit.kind]
        or fit.touching > (SIDE if _may_touch(fit) else TOUCHING)
        or fit.inside < SURE_INSIDE
        or (clipped and (fit.clear < CLIPPED_CLEAR[fit.kind] or fit.flat < CLIPPED_FLAT))
        or len(rivals) > RIVALS["few blocks" if few else "blocks"]
    ):
        return False
    if few:
        return fit.clear >= SURE_CLEAR
    if fit.kind == "polygon":
        large = max(rivals, default=0) > LARGE_RIVAL * fit.blocks
        return not large or (fit.clear >= SURE_CLEAR and fit.blocks > FEW_BLOCKS)
    return fit.flat >= SURE_FLAT


def _may_touch(fit: Fit) -> bool:
    """Whether a shape at the photograph's border is too exact for a part of the photograph."""
    return (
        fit.kind == "rectangle"
        and CLIPPED <= fit.level <= 255 - CLIPPED
        and fit.blocks >= SIDE_BLOCKS
        and fit.clear >= SIDE_CLEAR
        and fit.inside >= SIDE_FLAT
        and fit.flat >= SIDE_FLAT
    )


def _fits(gray: Luma, noise: float, smallest: float) -> list[Fit]:
    fits: list[Fit] = []
    done = np.zeros(gray.shape, dtype=bool)
    for level, blocks, count in block_groups(gray):
        y, x, height, width = blocks
        if done[y : y + height, x : x + width].mean() > DONE:
            continue
        fit = _fit(gray, level, blocks, count, noise)
        if fit is not None and int(fit.shape.sum()) >= smallest:
            fits.append(fit)
            done[fit.box] |= fit.shape
    return fits


def _scores(luma: Luma, level: int, noise: float) -> Scores:
    """How well pixels fit to a shape of a gray: 1 to -1; blocks of another gray do not at all."""
    off = (luma.astype(np.float32) - level) / noise
    scores = np.maximum(1 - off * off, -1)
    rows, columns = (side // BLOCK for side in luma.shape)
    blocks = flat_blocks(luma)
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
    for kind, fitted in FITTED.items():
        # Rectangles and circles have blocks all over; polygons end far from theirs.
        room = ROOM + (max(height, width) // BLOCK * BLOCK if kind == "polygon" else 0)
        if count < FEWEST_BLOCKS[kind]:
            continue
        top, left = max(y - room, 0), max(x - room, 0)
        box = (slice(top, y + height + room), slice(left, x + width + room))
        scores = _scores(gray[box], level, noise)
        shape = fitted(scores, (y - top, x - left, height, width), flat_blocks(gray[box]) == level)
        if shape is None or not shape.any():
            continue
        fit = _checked(gray, box, shape.view(bool), (kind, level, count), noise)
        if is_clear(fit):
            return fit
        fits.append(fit)
    return max(fits, key=lambda fit: fit.inside * fit.clear * fit.flat, default=None)


def _rectangle(scores: Scores, seed: Seed, _: Mask) -> Shape:
    return fitted_rectangle(scores, seed, BLOCK)


def _circle(scores: Scores, seed: Seed, _: Mask) -> Shape | None:
    *_box, height, width = seed
    long = max(height, width) > ROUND * min(height, width) + BLOCK
    return None if long else fitted_circle(scores, seed)


def _polygon(scores: Scores, _: Seed, blocks: Mask) -> Shape | None:
    return fitted_polygons(scores - STRICT, blocks, BLOCK)


FITTED: dict[str, Callable[[Scores, Seed, Mask], Shape | None]] = {
    "rectangle": _rectangle,
    "circle": _circle,
    "polygon": _polygon,
}
"""How each kind of shape is fitted; the first that fits is taken."""


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
    blocks = flat_blocks(luma)
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
