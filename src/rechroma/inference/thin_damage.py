"""Scratches, cracks, spots and the like: mended at full resolution, before a network looks."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.mending.mend import mend
from rechroma.imaging.mending.thin import thin_part
from rechroma.imaging.types import Mask


class Mended(NamedTuple):
    """A photograph without thin damage.

    Attributes:
        picture: `(H, W)` or `(H, W, 3)` uint8.
        holes: `(H, W)` bool, True where it is still lost.
        thin: `(H, W)` bool, True where it was mended.
    """

    picture: NDArray[np.uint8]
    holes: Mask
    thin: Mask


def mend_thin_damage(picture: NDArray[np.uint8], mask: Mask, threads: int | None = None) -> Mended:
    """Mend the thin part of the damage; what is wide is left to a network.

    Args:
        picture: `(H, W)` or `(H, W, 3)` uint8; where nothing is thin, it is returned itself.
        mask: `(H, W)` bool, True where lost.
        threads: of the CPU; by default one for each processor.

    >>> picture, mask = np.full((60, 90), 100, np.uint8), np.zeros((60, 90), bool)
    >>> mask[20:50, 20:50] = mask[5, 5:80] = True
    >>> mended = mend_thin_damage(np.where(mask, 0, picture).astype(np.uint8), mask)
    >>> int(mended.holes.sum()), int(mended.thin.sum())
    (900, 75)
    >>> bool((np.abs(mended.picture[5].astype(int) - 100) <= 1).all())
    True
    """
    thin = thin_part(mask)
    if not thin.any():
        return Mended(picture, mask, thin)
    return Mended(mend(picture, thin, mask, threads), mask & ~thin, thin)
