"""The plain border of a scan: paper, cardboard or black around a photograph."""

from typing import NamedTuple

import cv2
import numpy as np

from rechroma.imaging.types import Luma, Mask

SMALLEST = 48  # px of the shorter side of a picture whose border is looked for
DEEPEST = 1 / 4  # share of a side, at most
THINNEST = 1 / 200  # share of the shorter side, at least
LIKE = 14  # levels from the border's own that its texture and JPEG cause
PLAIN = 0.985  # share of a line of the border that has its level, at least
EDGE = 1 / 60  # share of the shorter side in which the edge of the photograph lies: it may slant
CROSSED = 0.8  # share of the edge at which the photograph has other levels, at least
OTHER = 2 * LIKE  # levels by which the photograph differs from its border there, at least
SIDES = 2  # that have a border, at least: one alone may be a sky
LOST = 1 / 4  # share of a side's border, at most
BAND = 64  # lines that are looked at together
ALIKE = 12  # levels between the borders of the sides, at most


class Box(NamedTuple):
    """A photograph inside its scan, in px from the left and from the top; ends are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def inside(self) -> tuple[slice, slice]:
        """Rows and columns of the photograph.

        >>> np.arange(12).reshape(3, 4)[Box(1, 0, 3, 2).inside].tolist()
        [[1, 2], [5, 6]]
        """
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def outside(self, shape: tuple[int, ...]) -> Mask:
        """`(H, W)` bool, True on the border.

        >>> Box(1, 0, 3, 2).outside((2, 4)).tolist()
        [[True, False, False, True], [True, False, False, True]]
        """
        border = np.ones(shape[:2], dtype=bool)
        border[self.inside] = False
        return border


def find_border(gray: Luma, lost: Mask | None = None) -> Box | None:
    """The photograph inside a scan that has a plain border, or None where that is not sure.

    A side has a border where lines of one level, but for noise, end along the whole side at an
    edge. At least two sides have one of about the same level, and none is wider than a quarter of
    the picture. So skies, letters on a bar and frames of photographs on one side are no border.

    Args:
        gray: `(H, W)` uint8.
        lost: `(H, W)` bool, True where the picture is damaged: a side where much is, has no border.

    >>> scan = np.full((100, 120), 250, np.uint8)
    >>> scan[10:95, 8:110] = np.random.default_rng(0).integers(0, 200, (85, 102))
    >>> find_border(scan)
    Box(left=8, top=10, right=110, bottom=95)
    >>> find_border(scan[10:95, 8:110]) is None
    True
    """
    if min(gray.shape) < SMALLEST:
        return None
    smooth = cv2.medianBlur(gray, 3)
    # 1. How deep each side is plain, and of which level; the top of each turned picture.
    sides = [_plain_depth(np.rot90(smooth, turns)) for turns in range(4)]
    # 2. Of these, what ends at an edge between the other sides' borders.
    depths, levels = [], []
    for turns in range(4):
        depth, level = sides[turns]
        left, right = sides[(turns + 3) % 4][0], sides[(turns + 1) % 4][0]
        turned = np.rot90(smooth, turns)
        within = turned[:, left : turned.shape[1] - right]
        sure = bool(depth) and _ends_at_edge(within, depth, level)
        if sure and lost is not None:
            sure = np.rot90(lost, turns)[:depth].mean() <= LOST
        depths.append(depth if sure else 0)
        levels.append(level)
    # 3. Sides that agree.
    found = [level for depth, level in zip(depths, levels, strict=True) if depth]
    if len(found) < SIDES or max(found) - min(found) > ALIKE:
        return None
    height, width = gray.shape
    top, right, bottom, left = depths  # a turn to the left brings the right side to the top
    return Box(left, top, width - right, height - bottom)


def _plain_depth(picture: Luma) -> tuple[int, float]:
    """The number of plain lines at the top, 0 if they are too few or too many; their level."""
    deepest = int(DEEPEST * picture.shape[0])
    thinnest = max(2, round(THINNEST * min(picture.shape)))
    level = float(np.median(picture[:thinnest]))
    depth = 0
    while depth <= deepest:  # a band of lines at a time: most pictures have no border
        lines = picture[depth : min(depth + BAND, deepest + 1)].astype(np.float32)
        plain = (np.abs(lines - level) <= LIKE).mean(axis=1) >= PLAIN
        depth += len(plain) if plain.all() else int(np.argmin(plain))
        if not plain.all():
            break
    return (depth, level) if thinnest <= depth <= deepest else (0, level)


def _ends_at_edge(picture: Luma, depth: int, level: float) -> bool:
    """Whether the plain lines at the top end at an edge, along the whole picture."""
    reach = max(3, round(EDGE * min(picture.shape)))
    behind = picture[depth : depth + reach].astype(np.int16)
    if behind.size == 0:
        return False
    crossed = np.abs(behind - level).max(axis=0) >= OTHER
    return bool(crossed.mean() >= CROSSED)
