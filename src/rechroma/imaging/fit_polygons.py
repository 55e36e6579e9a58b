"""Polygons fitted to noisy pixels."""

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.fit_shapes import Scores, Shape

Points = NDArray[np.float32]  # (N, 2), x and y

ROUNDS = 3
REACH = 6  # px to both sides of a line in which the border is searched
SHORTEST = 7.0  # px, lines to which the border is fitted
AROUND = 10  # px from known blocks; parts of a shape without such blocks are thin
CORNERS = 40  # of the polygons before they are simplified, at most
CORNER = 12.0  # score that a corner must be worth
SPIKE = 40.0  # px by which a corner may move
LARGEST = 384  # px, side of a window in which corners are moved
DETAIL = 2.5  # px by which a border may be off a straight line
PROMISING = 0.3  # score of the pixels inside, on average
SOLID = 0.4  # the same before corners are moved


def fitted_polygons(scores: Scores, blocks: NDArray[np.bool_], block: int) -> Shape | None:
    """The polygons around blocks that are known to be inside, their lines fitted to the border.

    Args:
        scores: `(H, W)` float32.
        blocks: `(rows, columns)` bool, True where a block is inside.
        block: px, the side of a block.

    Returns:
        `(H, W)` uint8, 1 inside; None where no polygon has straight lines.
    """
    known = np.zeros(scores.shape, dtype=np.uint8)
    spread = np.repeat(np.repeat(blocks, block, axis=0), block, axis=1)
    known[: spread.shape[0], : spread.shape[1]] = spread
    near = ((cv2.blur(scores, (3, 3)) > 0) | (known > 0)).astype(np.uint8)
    near &= cv2.dilate(known, np.ones((2 * AROUND + 1, 2 * AROUND + 1), dtype=np.uint8))
    near = cv2.morphologyEx(near, cv2.MORPH_OPEN, np.ones((5, 5), dtype=np.uint8)) | known
    # The connected parts that hold such blocks.
    _, parts = cv2.connectedComponents(near, connectivity=4)
    near = np.isin(parts, np.unique(parts[known > 0])).astype(np.uint8)
    contours, _ = cv2.findContours(near, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    polygons = []
    for contour in contours:
        if cv2.contourArea(contour) < block * block:
            continue
        corners = cv2.approxPolyDP(contour, DETAIL, closed=True)[:, 0].astype(np.float32)
        if len(corners) < 3:
            continue
        for _ in range(ROUNDS):
            corners = _refined(scores, corners)
        polygons.append(corners)
    if not polygons or sum(map(len, polygons)) > CORNERS:
        return None
    # Parts of photographs have no straight borders.
    if _mean(scores, polygons) < PROMISING:
        return None
    # Large ones are simplified at a smaller size.
    factor = -(-max(scores.shape) // LARGEST)
    if factor > 1:
        size = [side // factor for side in scores.shape[::-1]]
        small = cv2.resize(scores, size, interpolation=cv2.INTER_AREA)
        polygons = _fewer(small, [each / factor for each in polygons])
        polygons = [_refined(scores, each * np.float32(factor)) for each in polygons]
    else:
        polygons = _fewer(scores, polygons)
    return _filled(scores.shape, polygons)


def _filled(size: tuple[int, ...], polygons: list[Points]) -> Shape:
    shape = np.zeros(size, dtype=np.uint8)
    cv2.fillPoly(shape, [np.rint(corners).astype(np.int32) for corners in polygons], 1)
    return shape


def _sum(scores: Scores, polygons: list[Points]) -> float:
    """The score of a shape; each corner must be worth its while."""
    # Only the part of the window that the polygons reach.
    corners = np.rint(np.concatenate(polygons)).astype(np.int32)
    left, top = np.maximum(corners.min(0), 0).tolist()
    right, bottom = corners.max(0).tolist()
    part = scores[top : bottom + 1, left : right + 1]
    total = 0.0
    if part.size:
        shape = np.zeros(part.shape, dtype=np.uint8)
        moved = [np.rint(each).astype(np.int32) - (left, top) for each in polygons]
        cv2.fillPoly(shape, moved, 1)
        total = cv2.mean(part, shape)[0] * cv2.countNonZero(shape)
    return float(total - CORNER * sum(map(len, polygons)))


def _fewer(scores: Scores, polygons: list[Points]) -> list[Points]:
    """Polygons of few corners, these moved to where the score is highest."""
    polygons = _simplified(scores, polygons)
    return _moved(scores, polygons) if _mean(scores, polygons) >= SOLID else polygons


def _mean(scores: Scores, polygons: list[Points]) -> float:
    return float(cv2.mean(scores, _filled(scores.shape, polygons))[0])


def _simplified(scores: Scores, polygons: list[Points]) -> list[Points]:
    """Polygons without the corners that are not worth their while."""
    highest = _sum(scores, polygons)
    while True:
        fewer = [
            polygons[:number]
            + ([np.delete(corners, corner, axis=0)] if len(corners) > 3 else [])
            + polygons[number + 1 :]
            for number, corners in enumerate(polygons)
            for corner in range(len(corners) if len(corners) > 3 else 1)
        ]
        fewer = [each for each in fewer if each]
        best = max(fewer, key=lambda each: _sum(scores, each), default=None)
        if best is None or _sum(scores, best) <= highest:
            return polygons
        polygons, highest = best, _sum(scores, best)


def _moved(scores: Scores, polygons: list[Points]) -> list[Points]:
    """Polygons whose corners are moved as long as that raises their score."""
    polygons = [corners.copy() for corners in polygons]
    highest = _sum(scores, polygons)
    for step in (8, 4, 2, 1):
        for corners in polygons:
            for corner in range(len(corners)):
                for dx, dy in (
                    (1, 0),
                    (-1, 0),
                    (0, 1),
                    (0, -1),
                    (1, 1),
                    (-1, -1),
                    (1, -1),
                    (-1, 1),
                ):
                    for _ in range(6):
                        corners[corner] += (step * dx, step * dy)
                        score = _sum(scores, polygons)
                        if score <= highest:
                            corners[corner] -= (step * dx, step * dy)
                            break
                        highest = score
    return polygons


def _refined(scores: Scores, corners: Points) -> Points:
    """Corners of a polygon whose longer lines are moved to the border of the shape."""
    following = np.roll(corners, -1, axis=0)
    lengths = np.linalg.norm(following - corners, axis=1)
    kept = np.flatnonzero(lengths >= SHORTEST)
    if len(kept) < 3:
        return corners
    area = cv2.contourArea(corners, oriented=True)
    lines = [_line(scores, corners[k], following[k], np.sign(area)) for k in kept]
    moved = []
    for number, line in enumerate(lines):
        before = lines[number - 1]
        old = corners[kept[number]]
        crossing = _crossing(before, line)
        far = crossing is None or np.linalg.norm(crossing - old) > SPIKE
        moved.append(old if far or crossing is None else crossing)
    return np.asarray(moved, dtype=np.float32)


def _line(scores: Scores, start: Points, end: Points, turn: float) -> tuple[Points, Points]:
    """A point and the direction of the line that the border follows between two corners."""
    length = float(np.linalg.norm(end - start))
    along = (end - start) / length
    outward = np.array([along[1] * turn, -along[0] * turn], dtype=np.float32)
    offsets = np.arange(-REACH, REACH + 1, dtype=np.float32)
    # Without the ends, where the other lines are near.
    margin = min(3.0, length / 4)
    steps = np.arange(margin, length - margin + 0.5, 1.0, dtype=np.float32)
    points = start + steps[:, None] * along  # (N, 2)
    grid = points[:, None] + offsets[None, :, None] * outward  # (N, offsets, 2)
    profile = cv2.remap(
        scores,
        np.ascontiguousarray(grid[..., 0]),
        np.ascontiguousarray(grid[..., 1]),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=-1,
    )
    best = profile.cumsum(1).argmax(1)
    sure = (best > 0) & (best < len(offsets) - 1)
    if sure.sum() < 3:
        return start, along
    border = points[sure] + offsets[best[sure], None] * outward
    vx, vy, px, py = cv2.fitLine(border, cv2.DIST_HUBER, 0, 0.01, 0.01).ravel()
    return np.array([px, py], dtype=np.float32), np.array([vx, vy], dtype=np.float32)


def _crossing(first: tuple[Points, Points], second: tuple[Points, Points]) -> Points | None:
    """Where two lines cross; None where they are nearly parallel."""
    (start, along), (other, direction) = first, second
    turn = along[0] * direction[1] - along[1] * direction[0]
    if abs(turn) < 0.05:
        return None
    gap = other - start
    share = (gap[0] * direction[1] - gap[1] * direction[0]) / turn
    return np.asarray(start + share * along, dtype=np.float32)
