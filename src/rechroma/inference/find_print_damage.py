"""Damage as prints have it, found by a network on a photograph of any size.

The network looks at the photograph at its own scale, at half of it and at a quarter: a hair is
clearest in the first, a fold or a missing corner in the last. The mean of the three looks counts.
Each look is in overlapping tiles. Large photographs are looked at more often; then any three
neighboring scales are enough.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.print_damage.kinds import GROUPS
from rechroma.imaging.resize import downscale_luma
from rechroma.imaging.types import Luma, Mask, Plane, Planes

STRIDE = 32  # px; the network works on multiples
TILE, OVERLAP = 512, 96  # px
LOOKS = 3  # at scales that are halved each time, whose mean counts
LARGE = 448  # px; a longer side, halved, that is looked at beyond those three
SMALL = 96  # px; a longer side that is not looked at, but on photographs that are so small


class FinderBackend(Protocol):
    """The network that finds damage, however it is computed."""

    def __call__(self, lumas: NDArray[np.uint8]) -> Planes:
        """`(N, H, W)` uint8 to `(N, 4, H, W)` float32, the probability of each of `GROUPS`."""


class FoundPrintDamage(NamedTuple):
    """Where a photograph is damaged.

    Attributes:
        probability: `(H, W)` uint8, of damage of any group, 255 for certain.
        groups: `(H, W)` uint8, the likeliest group: its place in `GROUPS`, from 1.
    """

    probability: NDArray[np.uint8]
    groups: NDArray[np.uint8]

    def mask(self, threshold: float, groups: Collection[str] = GROUPS) -> Mask:
        """Where damage of some groups is at least so probable: `(H, W)` bool.

        >>> probability = np.array([[9, 200, 255]], np.uint8)
        >>> found = FoundPrintDamage(probability, np.array([[1, 2, 4]], np.uint8))
        >>> found.mask(0.5, ["line", "spot"]).tolist()
        [[False, True, False]]
        """
        chosen = np.array([False, *(group in groups for group in GROUPS)])
        found: Mask = (self.probability >= threshold * 255) & chosen[self.groups]
        return found


def find_print_damage(luma: Luma, finder: FinderBackend) -> FoundPrintDamage:
    """Find damage on a gray photograph.

    Args:
        luma: `(H, W)` uint8.
        finder: the network.

    >>> def bright_is_a_spot(lumas):
    ...     return np.stack([0 * lumas, lumas > 200, 0 * lumas, 0 * lumas], 1).astype(np.float32)
    >>> luma = np.full((50, 70), 90, np.uint8)
    >>> luma[20, 30] = 255
    >>> found = find_print_damage(luma, bright_is_a_spot)
    >>> np.argwhere(found.mask(0.5)).tolist(), found.groups[20, 30]
    ([[20, 30]], np.uint8(2))
    """
    found = FoundPrintDamage(np.empty(luma.shape, np.uint8), np.empty(luma.shape, np.uint8))
    coarse = [_look(downscale_luma(luma, size), finder) for size in _sizes(max(luma.shape))[1:]]
    for top, planes in _bands(luma, finder):
        rows = slice(top, top + planes.shape[1])
        enlarged = [_enlarge_rows(look, luma.shape, rows) for look in coarse]
        mean = _mean_looks([planes, *enlarged])  # (4, rows, W)
        found.probability[rows] = np.rint(255 * np.minimum(mean.sum(axis=0), 1))
        found.groups[rows] = 1 + mean.argmax(axis=0)
    return found


def _sizes(longer: int) -> list[int]:
    """The longer sides, px, at which a photograph is looked at.

    >>> [_sizes(longer) for longer in (40, 300, 1024, 4000)]
    [[40], [300, 150], [1024, 512, 256], [4000, 2000, 1000, 500]]
    """
    halves = [round(longer / 2**halvings) for halvings in range(16)]
    return [
        size
        for number, size in enumerate(halves)
        if number == 0 or size >= (SMALL if number < LOOKS else LARGE)
    ]


def _mean_looks(looks: list[Planes]) -> Planes:
    """The mean of `LOOKS` neighboring scales, the likeliest where there are more of them."""
    count = min(LOOKS, len(looks))
    likeliest: Planes = np.mean(looks[:count], axis=0)
    for first in range(1, len(looks) - count + 1):
        mean = np.mean(looks[first : first + count], axis=0)
        likeliest = np.where(mean.sum(axis=0) > likeliest.sum(axis=0), mean, likeliest)
    return likeliest


def _look(luma: Luma, finder: FinderBackend) -> Planes:
    """The probabilities on a reduced photograph: `(4, h, w)` float32."""
    return np.concatenate([planes for _, planes in _bands(luma, finder)], axis=1)


def _run(luma: Luma, finder: FinderBackend) -> Planes:
    """The network on a photograph or tile of any size: `(4, H, W)` float32."""
    height, width = luma.shape
    below, right = -height % STRIDE, -width % STRIDE
    if below or right:
        kind = cv2.BORDER_REFLECT_101 if min(height, width) > STRIDE else cv2.BORDER_REPLICATE
        luma = np.asarray(cv2.copyMakeBorder(luma, 0, below, 0, right, kind))
    planes: Planes = finder(luma[None])[0][:, :height, :width]
    return planes


def _enlarge_rows(planes: Planes, shape: tuple[int, ...], rows: slice) -> Planes:
    """Some rows of `(4, h, w)` enlarged to `shape`, H and W: `(4, rows, W)`."""
    height, width = shape
    scale_y, scale_x = planes.shape[1] / height, planes.shape[2] / width
    # Pixel centers of the result in the smaller planes.
    y = (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) * scale_y - 0.5
    x = (np.arange(width, dtype=np.float32) + 0.5) * scale_x - 0.5
    map_x, map_y = np.meshgrid(x, y)
    return np.stack(
        [
            cv2.remap(plane, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for plane in planes
        ]
    )


def _bands(luma: Luma, finder: FinderBackend) -> Iterator[tuple[int, Planes]]:
    """The probabilities on tiles, blended: the first row and `(4, rows, W)` of each band."""
    height, width = luma.shape
    columns = _tiles(width)
    carried = np.zeros((len(GROUPS), 0, width), np.float32)  # of rows that the next tiles share
    for (top, bottom, weights), following in _with_next(_tiles(height)):
        band = np.zeros((len(GROUPS), bottom - top, width), np.float32)
        band[:, : carried.shape[1]] = carried
        for left, right, across in columns:
            planes = _run(luma[top:bottom, left:right], finder)
            band[:, :, left:right] += planes * (weights[:, None] * across)
        done = following - top if following is not None else bottom - top
        yield top, band[:, :done]
        carried = band[:, done:]


class _Span(NamedTuple):
    """Where a tile is along one axis, px, and how much it counts there."""

    start: int
    end: int
    weights: Plane


def _tiles(length: int) -> list[_Span]:
    """Tiles that cover a length evenly; their weights sum to 1 everywhere."""
    if length <= TILE:
        return [_Span(0, length, np.ones(length, np.float32))]
    count = -(-(length - OVERLAP) // (TILE - OVERLAP))
    starts = np.rint(np.linspace(0, length - TILE, count)).astype(int).tolist()
    spans = []
    for number, start in enumerate(starts):
        weights = np.ones(TILE, np.float32)
        if number > 0:
            weights *= _ramp(starts[number - 1] + TILE - start, TILE)
        if number < count - 1:
            weights *= _ramp(start + TILE - starts[number + 1], TILE)[::-1]
        spans.append(_Span(start, start + TILE, weights))
    return spans


def _ramp(overlap: int, length: int) -> Plane:
    """From 0 to 1 over the overlap, then 1: `(length,)`; with the mirrored one it sums to 1."""
    return np.clip((np.arange(length, dtype=np.float32) + 0.5) / overlap, 0, 1)


def _with_next(spans: list[_Span]) -> Iterator[tuple[_Span, int | None]]:
    """Each span with the start of the next one."""
    for number, span in enumerate(spans):
        yield span, spans[number + 1].start if number + 1 < len(spans) else None
