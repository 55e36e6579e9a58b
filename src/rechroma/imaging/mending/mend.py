"""Thin damage filled from what is beside it: edges go on, and so does grain.

Every patch of 8 x 8 px that thin damage touches is explained by one of the models in `patches`; its
lost pixels are then the likeliest ones, given the known. Patches overlap: their estimates are
averaged, the surer ones count more.
"""

import zlib
from collections.abc import Iterator
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.color import to_luma
from rechroma.imaging.inpaint import TELEA_RADIUS
from rechroma.imaging.mending.grain import grain_levels
from rechroma.imaging.mending.patches import SIDE, patch_models
from rechroma.imaging.mending.solve import Observed, estimate
from rechroma.imaging.types import Luma, Mask, Plane
from rechroma.progress import parallel_map

TILE = 128  # px; a photograph is mended in such squares
MARGIN = 24  # px around them that are looked at
STRIDE, WIDE_STRIDE = 3, 4  # px from patch to patch; the second is faster, for large damage
LARGE = 50_000  # px of thin damage
GUESS = 30.0  # deviation of the first guess, levels
# A scan's blur spreads damage into the pixels beside it: such shares of its contrast. How much is
# measured in each tile, and so much more is allowed for.
SPREADS, USUAL, MISTRUST = (0.02, 0.5), 0.15, 1.5
HOLD = 50 * 40.0**2  # so many px of such contrast weigh as much as what is usual
AROUND, ENOUGH = 7, 0.15  # px each way of a mean beside damage, and the share known
GRAIN = 0.85  # of the grain nearby is lacking where the fill is smooth

Box = tuple[slice, slice]


def mend(
    picture: NDArray[np.uint8], thin: Mask, lost: Mask, threads: int | None = None
) -> NDArray[np.uint8]:
    """A picture whose thin damage is filled.

    Args:
        picture: `(H, W)` or `(H, W, 3)` uint8.
        thin: `(H, W)` bool, True where it is to be filled.
        lost: `(H, W)` bool, True where nothing is known: the thin damage and any other.
        threads: of the CPU; by default one for each processor.

    Returns:
        The same shape, uint8; only thin damage is changed. The same picture and masks give the same
        result, whatever the number of threads.

    >>> ramp = np.tile(np.arange(0, 240, 4, dtype=np.uint8), (60, 1))
    >>> crack = np.zeros((60, 60), bool)
    >>> crack[:, 30:33] = True
    >>> mended = mend(np.where(crack, 0, ramp).astype(np.uint8), crack, crack)
    >>> bool((np.abs(mended.astype(int) - ramp) < 5).all())
    True
    """
    mended = picture.copy()
    if not thin.any():
        return mended
    seed = zlib.crc32(picture.tobytes())
    stride = STRIDE if np.count_nonzero(thin) <= LARGE else WIDE_STRIDE

    def mend_tile(core: Box) -> None:
        mended[core][thin[core]] = _mend_tile(picture, thin, lost, core, stride, seed)

    for _ in parallel_map(mend_tile, _tiles(thin), threads):
        pass
    return mended


def _tiles(thin: Mask) -> Iterator[Box]:
    """Squares that hold thin damage; together they hold all of it."""
    height, width = thin.shape
    for top, left in product(range(0, height, TILE), range(0, width, TILE)):
        core = np.s_[top : min(top + TILE, height), left : min(left + TILE, width)]
        if thin[core].any():
            yield core


def _mend_tile(
    picture: NDArray[np.uint8], thin: Mask, lost: Mask, core: Box, stride: int, seed: int
) -> NDArray[np.uint8]:
    """The thin damage of one tile: `(N,)` or `(N, 3)` uint8, row by row."""
    # 1. The tile and what is around it, the lost pixels guessed.
    top, left = (max(0, span.start - MARGIN) for span in core)
    box = np.s_[top : core[0].stop + MARGIN, left : core[1].stop + MARGIN]
    part, unknown = np.ascontiguousarray(picture[box]), lost[box]
    wanted = np.zeros_like(unknown)
    inner = np.s_[
        core[0].start - top : core[0].stop - top, core[1].start - left : core[1].stop - left
    ]
    wanted[inner] = thin[core]
    guess = _guess(part, unknown)
    if min(unknown.shape) < SIDE:
        return np.rint(guess[wanted]).astype(np.uint8)
    # 2. How far each pixel may be off: the guess, and what is beside damage.
    luma = part if part.ndim == 2 else to_luma(part)
    levels = grain_levels(luma, unknown)
    gray = guess if guess.ndim == 2 else guess.mean(axis=2)
    variances = _rim_variances(luma, gray, unknown, thin[box])
    variances[unknown] = GUESS**2
    # 3. The likeliest pixels.
    values = np.where(unknown[(..., *[None] * (part.ndim - 2))], guess, part).astype(np.float32)
    values = values.reshape(*unknown.shape, -1)
    models = patch_models(float(levels[wanted].mean()))
    seen = Observed(values, variances)
    filled = estimate(seen, wanted, models, (top, left), stride)  # (N, C)
    # 4. Grain as around them.
    generator = np.random.default_rng([seed, core[0].start, core[1].start])
    depth = cv2.distanceTransform(unknown.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)[wanted]
    noise = generator.standard_normal(len(filled), dtype=np.float32)
    filled += (GRAIN * np.clip(depth - 1, 0, 1) * levels[wanted] * noise)[:, None]
    rounded = np.clip(np.rint(filled), 0, 255).astype(np.uint8)
    return rounded.reshape(-1, *part.shape[2:])


def _guess(part: NDArray[np.uint8], unknown: Mask) -> NDArray[np.float32]:
    """The mean of OpenCV's two ways of inpainting: one continues edges, the other slopes."""
    if min(unknown.shape) < 3:  # OpenCV would read beyond the border
        wider = np.pad(part, [(1, 1), (1, 1), (0, 0)][: part.ndim], mode="edge")
        return _guess(wider, np.pad(unknown, 1, mode="edge"))[1:-1, 1:-1]
    mask = unknown.astype(np.uint8)
    telea, smooth = (
        cv2.inpaint(part, mask, TELEA_RADIUS, way).astype(np.float32)
        for way in (cv2.INPAINT_TELEA, cv2.INPAINT_NS)
    )
    mean: NDArray[np.float32] = (telea + smooth) / 2
    return mean


def _rim_variances(luma: Luma, guess: Plane, unknown: Mask, thin: Mask) -> Plane:
    """How far known pixels beside thin damage may be off, by its contrast: `(H, W)` float32."""
    contrast = (luma - guess) * thin
    near = cv2.blur(thin.astype(np.float32), (3, 3))
    beside = ~unknown & (near > 0)
    # What is known two px away and more, in the mean, beside the contrast of the nearest damage.
    farther = (~unknown & ~beside).astype(np.float32)
    share = cv2.blur(farther, (AROUND, AROUND))
    mean = cv2.blur(luma * farther, (AROUND, AROUND)) / np.maximum(share, 1e-6)
    nearest = cv2.blur(contrast, (3, 3)) / np.maximum(near, 1e-6)
    used = beside & (share > ENOUGH)
    change, cause = (luma - mean)[used], nearest[used]
    change = np.clip(change, -np.abs(cause), np.abs(cause))  # edges change more
    # Least squares, held by the usual spread.
    spread = (change @ cause + USUAL * HOLD) / (cause @ cause + HOLD)
    spread = MISTRUST * np.clip(spread, *SPREADS)
    most = cv2.dilate(np.abs(contrast), np.ones((3, 3), np.uint8))
    variances: Plane = np.where(unknown, 0, (spread * most) ** 2).astype(np.float32)
    return variances
