"""Nearest patches: for each lost pixel the known place whose surroundings look most like its own.

Source: Barnes et al., PatchMatch: A Randomized Correspondence Algorithm for Structural Image
Editing, 2009. Its steps (random start, propagation, random search) are done here for all pixels at
once, so that NumPy can do them.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.types import Mask, Plane

Places = NDArray[np.int64]  # (N, 2), row and column

REACH = 3  # px; a patch is the pixel and so many on each side
ROUNDS = 4  # of propagation and random search
STEPS = (8, 4, 2, 1)  # px to the neighbors whose matches are tried
CHUNK = 16_384  # patches compared at once: they fit the processor's cache


def nearest_patches(plane: Plane, lost: Mask, seed: int) -> Places | None:
    """The center of the known patch that is most like each lost pixel's.

    Args:
        plane: `(H, W)` float32, its holes filled.
        lost: `(H, W)` bool; patches with a lost pixel are no sources.
        seed: of the random search.

    Returns:
        `(N, 2)` rows and columns, for the N lost pixels row by row; None where the plane has no
        patch without a lost pixel.

    >>> stripes = np.tile(np.float32([0, 9, 5, 7]), (32, 8))
    >>> lost = np.zeros((32, 32), bool)
    >>> lost[10:14, 10:14] = True
    >>> rows, columns = nearest_patches(stripes, lost, seed=0).T
    >>> bool((stripes[rows, columns] == stripes[lost]).all())
    True
    """
    sources = _whole_patches(lost)  # (H, W)
    if not sources.any():
        return None
    search = _Search(plane, lost, sources, np.random.default_rng(seed))
    for _ in range(ROUNDS):
        for step in STEPS:
            for move in ((0, step), (step, 0), (0, -step), (-step, 0)):
                search.propagate(*move)
        reach = max(plane.shape)
        while reach >= 1:
            search.search_near(reach)
            reach //= 2
    return search.best


def _whole_patches(lost: Mask) -> Mask:
    """`(H, W)` bool: the patch around a pixel is inside of the picture and known."""
    kernel = np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)
    known = (~lost).astype(np.uint8)
    whole = cv2.erode(known, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(whole > 0)


class _Search:
    """The best match so far of each of N lost pixels, `best` `(N, 2)`, and its `cost` `(N,)`."""

    def __init__(
        self, plane: Plane, lost: Mask, sources: Mask, generator: np.random.Generator
    ) -> None:
        self._sources = sources
        self._generator = generator
        # Patches reach beyond the picture where a hole does; it is mirrored there.
        padded = np.ascontiguousarray(np.pad(plane, REACH, mode="symmetric"))
        self._flat, self._width = padded.ravel(), padded.shape[1]
        across = np.arange(2 * REACH + 1)
        self._patch = (across[:, None] * self._width + across).ravel()  # (P,) from its corner
        # The lost pixels, their number at each place, and their patches.
        self._targets: Places = np.argwhere(lost)  # (N, 2)
        self._numbers = np.full(lost.shape, -1)
        self._numbers[lost] = np.arange(len(self._targets))
        self._own = self._patches(self._targets)  # (N, P)
        # A random start.
        every = np.argwhere(sources)
        self.best: Places = every[generator.integers(len(every), size=len(self._targets))]
        self.cost = np.full(len(self._targets), np.inf, np.float32)
        self._try(np.arange(len(self._targets)), self.best)

    def propagate(self, down: int, right: int) -> None:
        """Try the match of each pixel's neighbor, moved back."""
        neighbors = self._targets + np.array((down, right))
        inside = ((neighbors >= 0) & (neighbors < self._numbers.shape)).all(axis=1)
        who = np.flatnonzero(inside)
        number = self._numbers[tuple(neighbors[who].T)]
        who, number = who[number >= 0], number[number >= 0]
        self._try(who, self.best[number] - np.array((down, right)))

    def search_near(self, reach: int) -> None:
        """Try a random place within `reach` px of each best match."""
        moves = self._generator.integers(-reach, reach + 1, size=self.best.shape)
        self._try(np.arange(len(self.best)), self.best + moves)

    def _try(self, who: NDArray[np.int64], places: Places) -> None:
        """Keep `places` `(M, 2)` for the pixels of numbers `who` `(M,)` where they cost less."""
        inside = ((places >= 0) & (places < self._sources.shape)).all(axis=1)
        who, places = who[inside], places[inside]
        usable = self._sources[tuple(places.T)]
        who, places = who[usable], places[usable]
        for start in range(0, len(who), CHUNK):
            few, tried = who[start : start + CHUNK], places[start : start + CHUNK]
            difference = self._patches(tried) - self._own[few]  # (M, P)
            cost = np.einsum("ij,ij->i", difference, difference)
            better = cost < self.cost[few]
            self.cost[few[better]] = cost[better]
            self.best[few[better]] = tried[better]

    def _patches(self, places: Places) -> NDArray[np.float32]:
        """`(M, P)` the values of the patches around `places` `(M, 2)`."""
        corners = places[:, 0] * self._width + places[:, 1]  # of the padded plane
        patches: NDArray[np.float32] = self._flat[corners[:, None] + self._patch]
        return patches
