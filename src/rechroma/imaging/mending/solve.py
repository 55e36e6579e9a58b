"""The lost pixels of patches, given the known ones."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.mending.patches import SIDE, PatchModels
from rechroma.imaging.types import Mask, Plane

BATCH = 256  # patches solved together

Planes = NDArray[np.float32]


class Observed(NamedTuple):
    """What is seen of a picture, and how far it may be off.

    Attributes:
        values: `(H, W, C)` float32, levels; where lost, a first guess.
        variances: `(H, W)` float32, levels squared, in excess of the grain; 0 where known.
    """

    values: Planes
    variances: Plane


def estimate(
    observed: Observed, wanted: Mask, models: PatchModels, start: tuple[int, int], stride: int
) -> Planes:
    """The likeliest values of the wanted pixels.

    Args:
        observed: the picture, at least `SIDE` px each way. Its channels' mean chooses the models.
        wanted: `(H, W)` bool, pixels of variance above 0.
        models: of its patches.
        start: row and column of its first pixel in a larger picture, all parts of which have
            patches at the same places.
        stride: px from patch to patch.

    Returns:
        `(N, C)` float32, row by row.

    >>> from rechroma.imaging.mending.patches import patch_models
    >>> ramp = np.tile(np.arange(0, 80, 4, dtype=np.float32), (12, 1))[..., None]
    >>> wanted = np.zeros((12, 20), bool)
    >>> wanted[4:8, 9:11] = True
    >>> observed = Observed(np.where(wanted[..., None], 50, ramp), 400.0 * wanted)
    >>> found = estimate(observed, wanted, patch_models(1), (0, 0), stride=3)
    >>> bool((np.abs(found - ramp[wanted]) < 3).all())
    True
    """
    values, variances = observed
    height, width, channels = values.shape
    inside = (np.arange(SIDE)[:, None] * width + np.arange(SIDE)).ravel()
    places = _corners(wanted, start, stride)[:, None] + inside  # (N, D) indices of pixels
    patches = values.reshape(-1, channels)[places]  # (N, D, C)
    means = patches.mean(axis=1, keepdims=True)
    patches = patches - means
    spread = variances.ravel()[places]  # (N, D)
    chosen = models.choose(patches.mean(axis=2))
    unsure = (spread > 0).sum(axis=1)
    # Patches of one model with about as many unsure pixels are solved together.
    total = np.zeros((height * width, channels), np.float32)
    weight = np.zeros(height * width, np.float32)
    order = np.lexsort((unsure, chosen))
    ends = np.flatnonzero(np.diff(chosen[order])) + 1
    for group in np.split(order, ends):
        for first in range(0, len(group), BATCH):
            batch = group[first : first + BATCH]
            precision = models.precisions[chosen[batch[0]]]
            picked, found, surety = _solve(patches[batch], spread[batch], precision)
            at = np.take_along_axis(places[batch], picked, axis=1)
            np.add.at(weight, at, surety)
            np.add.at(total, at, surety[..., None] * (found + means[batch]))
    lost = np.flatnonzero(wanted)
    estimated = total[lost] / np.maximum(weight[lost], 1e-9)[:, None]
    return estimated.astype(np.float32)


def _corners(wanted: Mask, start: tuple[int, int], stride: int) -> NDArray[np.intp]:
    """Indices of the first pixels of all patches on the grid that hold a wanted pixel."""
    # How many wanted pixels are below and right of each, within a patch.
    held = cv2.boxFilter(
        wanted.astype(np.float32),
        -1,
        (SIDE, SIDE),
        anchor=(0, 0),
        normalize=False,
        borderType=cv2.BORDER_CONSTANT,
    )
    rows, columns = (
        np.unique(np.minimum(np.arange(-first % stride, length, stride), length - SIDE))
        for first, length in zip(start, wanted.shape, strict=True)
    )
    grid = rows[:, None] * wanted.shape[1] + columns
    corners: NDArray[np.intp] = grid[held[np.ix_(rows, columns)] > 0.5]
    return corners


def _solve(
    patches: Planes, spread: NDArray[np.float32], precision: NDArray[np.float32]
) -> tuple[NDArray[np.intp], Planes, NDArray[np.float32]]:
    """The unsure pixels of B patches of one model.

    Args:
        patches: `(B, D, C)`, of mean 0.
        spread: `(B, D)`, variances; 0 where known.
        precision: `(D, D)`.

    Returns:
        `(B, n)` which pixels, `(B, n, C)` their values and `(B, n)` how sure each is, 0 for those
        that fill up rows of fewer than n.
    """
    unsure = spread > 0
    most = int(unsure.sum(axis=1).max())
    picked = np.argsort(~unsure, axis=1, kind="stable")[:, :most]
    valid = np.take_along_axis(unsure, picked, axis=1)
    # Known pixels pull by the precision between them and the unsure ones; an unsure pixel is pulled
    # to what is seen of it by the inverse of its variance.
    pull = np.where(unsure, 1 / np.maximum(spread, 1e-3), 0)
    known = np.where(unsure[..., None], 0, patches)
    force = pull[..., None] * patches - np.matmul(precision, known)  # (B, D, C)
    both = valid[:, :, None] & valid[:, None, :]
    system = np.where(both, precision[picked[:, :, None], picked[:, None, :]], 0)
    place = np.arange(most)
    system[:, place, place] += np.where(valid, np.take_along_axis(pull, picked, axis=1), 1)
    inverse = np.linalg.inv(system)
    found = inverse @ np.where(
        valid[..., None], np.take_along_axis(force, picked[..., None], axis=1), 0
    )
    surety = np.where(valid, 1 / inverse[:, place, place], 0)
    return picked, found.astype(np.float32), surety.astype(np.float32)
