"""What a network gives, enlarged to the photograph a band of rows at a time."""

import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.color import merge_luma_chroma
from rechroma.imaging.depth import Level
from rechroma.imaging.resize import upscale_bands
from rechroma.imaging.types import Photo, Planes
from rechroma.inference.hole_filling import to_levels
from rechroma.progress import parallel_map


def enlarge_rgb(planes: Planes, shape: tuple[int, ...]) -> Photo:
    """`(3, h, w)` float32 RGB in [0, 1] as `(H, W, 3)` uint8.

    >>> enlarge_rgb(np.full((3, 2, 2), 0.2, np.float32), (3, 4))[0, 0].tolist()
    [51, 51, 51]
    """
    photo = np.empty((*shape, 3), dtype=np.uint8)
    for rows, band in upscale_bands(planes, shape):
        photo[rows] = to_levels(band).transpose(1, 2, 0)
    return photo


def merge_enlarged(luma: NDArray[Level], chroma: Planes, threads: int | None) -> NDArray[Level]:
    """`(H, W, 3)` of exactly this luma, `(H, W)`, and of chroma, `(2, h, w)`, enlarged.

    Args:
        luma: `(H, W)` uint8 or uint16.
        chroma: `(2, h, w)` float32 Cb, Cr.
        threads: of the CPU; None is one for each processor.

    >>> gray = np.full((3, 4), 90, np.uint8)
    >>> merge_enlarged(gray, np.zeros((2, 2, 2), np.float32), threads=1)[0, 0].tolist()
    [90, 90, 90]
    """
    photo = np.empty((*luma.shape, 3), dtype=luma.dtype)

    def merge_band(piece: tuple[slice, Planes]) -> None:
        rows, band = piece
        photo[rows] = merge_luma_chroma(luma[rows], band)

    # A band of rows at a time, on a few threads: all planes of a large photograph are much memory.
    for _ in parallel_map(merge_band, upscale_bands(chroma, luma.shape), threads):
        pass
    return photo
