"""Damage as prints have it, found by a network on a photograph of any size.

The network looks in overlapping tiles at the photograph's own scale, and once at the whole of a
large photograph reduced, for stains and missing corners, which are larger than a tile. A pixel
counts as damaged where either look says so. Small photographs are not looked at reduced: that took
more white skies for damage than it found.
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
WHOLE = 512  # px; longer side of the reduced photograph
LARGE = ("area", "stain")  # groups that a look at a much reduced photograph shows in their place
MUCH = 2.5  # times reduced, at least


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
    coarse = _look_at_whole(luma, finder)  # (4, h, w), or (4, 1, 1) of zeros
    for top, planes in _bands(luma, finder):
        rows = slice(top, top + planes.shape[1])
        _join(planes, _enlarge_rows(coarse, luma.shape, rows), found, rows)
    return found


def _join(fine: Planes, coarse: Planes, found: FoundPrintDamage, rows: slice) -> None:
    """Write the likelier of two looks at some rows into `found`."""
    fine_sum, coarse_sum = fine.sum(axis=0), coarse.sum(axis=0)  # (rows, W)
    likelier = coarse_sum > fine_sum
    probability = np.minimum(np.where(likelier, coarse_sum, fine_sum), 1)
    found.probability[rows] = np.rint(255 * probability)
    found.groups[rows] = 1 + np.where(likelier, coarse.argmax(axis=0), fine.argmax(axis=0))


def _look_at_whole(luma: Luma, finder: FinderBackend) -> Planes:
    """The probabilities on the reduced photograph: `(4, h, w)` float32."""
    if max(luma.shape) < MUCH * WHOLE:
        return np.zeros((len(GROUPS), 1, 1), np.float32)
    planes = _run(downscale_luma(luma, WHOLE), finder).copy()
    for group, plane in zip(GROUPS, planes, strict=True):
        if group not in LARGE:
            plane[:] = 0
    return planes


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
