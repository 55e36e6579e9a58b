"""Filling by example: what is around a hole goes on in it, its structure, texture and grain.

Sources: Wexler et al., Space-Time Completion of Video, 2007 (patches that vote, coarse to fine);
Barnes et al., PatchMatch, 2009 (how their matches are found). The package `pypatchmatch` fills the
hole on a reduced picture. Votes are means, so they lack grain, and the reduced picture lacks
detail: both are copied from the place that each lost pixel's patch is most like.
"""

from itertools import product
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.imaging.patch_search import nearest_patches
from rechroma.imaging.resize import downscale_mask, fit_shape
from rechroma.imaging.types import Luma, Mask

if TYPE_CHECKING:
    from types import ModuleType

Values = NDArray[np.float32]  # (H, W, C), levels

FILL_SIZE = 512  # px; longer side at which patches are matched
PATCH = 3  # px; a patch that votes is a pixel and so many on each side
SMALLEST = 16  # px; pictures with a shorter side have no patches to speak of
SEED = 1  # of both random searches: the same picture is always filled the same way
SEAM_BLUR = 4.0  # px; standard deviation of the mean of the steps along a hole's border
SEAM_SHARE = 1e-4  # of the border in that mean; further away there is none
SEAM_WIDTH = 16  # px; from the border, where steps are closed in full, to where they are not at all
GRAIN = 1.0  # px; standard deviation of the blur between what is voted and what is copied


def patch_fill(picture: Luma, mask: Mask) -> Luma:
    """Fill holes with patches of the rest of the picture.

    Args:
        picture: `(H, W)` gray or `(H, W, 3)` RGB, uint8.
        mask: `(H, W)` bool, True where lost.

    Returns:
        The same shape, uint8; known pixels keep their value. A picture without a known patch of
        7x7 px, reduced to 512 px, is returned as it is.

    Raises:
        UserError: the library of the package `pypatchmatch` is missing.

    >>> stripes = np.tile(np.array([0, 200, 100, 60], np.uint8), (64, 16))
    >>> mask = np.zeros((64, 64), bool)
    >>> mask[20:40, 20:40] = True
    >>> filled = patch_fill(np.where(mask, 0, stripes).astype(np.uint8), mask)
    >>> bool(np.abs(filled.astype(int) - stripes)[mask].mean() < 15)
    True
    """
    # 1. The holes of the reduced picture are filled by patches that vote.
    shape = fit_shape(mask.shape, FILL_SIZE)
    lost = downscale_mask(mask, FILL_SIZE)  # (h, w)
    values = picture.reshape(*mask.shape, -1).astype(np.float32)  # (H, W, C)
    if not can_fill(lost):
        return picture
    voted = _vote(_resize(values, shape, cv2.INTER_AREA), lost)
    # 2. The place that the patch around each lost pixel is most like, as a move to it.
    places = nearest_patches(_gray(voted), lost, SEED)
    if places is None:
        return picture
    moves = np.zeros((*shape, 2), np.int64)
    moves[lost] = places - np.argwhere(lost)
    # 3. Grain, which voting averages away: from there.
    coarse = _blur(voted)
    grainy = _copy_detail(coarse, voted - coarse, lost, moves)
    filled = np.where(lost[..., None], grainy, voted)
    filled[lost] += _seam(voted, lost, moves)[lost]
    # 4. Detail finer than the reduced picture's: from there, too.
    if shape != mask.shape:
        fine = np.where(mask[..., None], _resize(filled, mask.shape, cv2.INTER_CUBIC), values)
        again = _resize(_resize(fine, shape, cv2.INTER_AREA), mask.shape, cv2.INTER_CUBIC)
        filled = _copy_detail(fine, fine - again, mask, moves)
    levels = np.clip(np.rint(filled), 0, 255).astype(np.uint8)
    return np.where(mask[..., None], levels, picture.reshape(levels.shape)).reshape(picture.shape)


def can_fill(mask: Mask) -> bool:
    """Whether there are holes, and known patches to fill them with.

    >>> can_fill(np.zeros((64, 64), bool)), can_fill(np.ones((64, 64), bool))
    (False, False)
    """
    if not mask.any() or min(mask.shape) < SMALLEST:
        return False
    side = 2 * PATCH + 1
    known = cv2.erode(
        (~mask).astype(np.uint8), np.ones((side, side)), borderType=cv2.BORDER_CONSTANT
    )
    return bool(known.any())


def _vote(values: Values, lost: Mask) -> Values:
    """The picture with its holes filled by patches, `(H, W, C)`."""
    rgb = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    if rgb.shape[2] == 1:
        rgb = np.repeat(rgb, 3, axis=2)
    filled = _library().inpaint(rgb, lost, patch_size=PATCH)[..., : values.shape[2]]
    return np.where(lost[..., None], filled, values).astype(np.float32)


def _library() -> "ModuleType":
    import patchmatch

    if not patchmatch.patchmatch_available:
        raise UserError(
            "holes: is 'texture', which needs the library of pypatchmatch, and it is missing; "
            "install pypatchmatch again, or choose 'smooth'"
        )
    patchmatch.set_random_seed(SEED)
    return patchmatch


def _copy_detail(base: Values, detail: Values, lost: Mask, moves: NDArray[np.int64]) -> Values:
    """`base` with, in its holes, the detail of the places that they are like.

    Args:
        base: `(H, W, C)`, holes filled.
        detail: `(H, W, C)` of the same picture.
        lost: `(H, W)`.
        moves: `(h, w, 2)` rows and columns to those places, px of the picture reduced to h, w.
    """
    size, small = np.array(lost.shape), np.array(moves.shape[:2])
    targets = np.argwhere(lost)  # (N, 2)
    # Around each lost pixel are four of the reduced picture; their moves count by nearness, so
    # that details of different places fade into each other.
    middle = (targets + 0.5) * small / size - 0.5
    corner = np.floor(middle).astype(np.int64)
    near = middle - corner  # (N, 2), 0 at the first corner, 1 at the second
    total = np.zeros((len(targets), base.shape[2]), np.float32)
    for step in product((0, 1), (0, 1)):
        weight = np.where(step, near, 1 - near).prod(axis=1).astype(np.float32)  # (N,)
        move = moves[tuple(np.clip(corner + step, 0, small - 1).T)] * size / small
        source = np.clip(targets + np.rint(move).astype(np.int64), 0, size - 1)
        total += weight[:, None] * detail[tuple(source.T)]
    filled = base.copy()
    filled[lost] += total
    return filled


def _seam(voted: Values, lost: Mask, moves: NDArray[np.int64]) -> Values:
    """`(H, W, C)` what closes the steps at the borders of the holes; it fades inside of them."""
    known = ~lost
    size = np.array(lost.shape)
    steps, count = np.zeros_like(voted), np.zeros(lost.shape, np.float32)
    for towards in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        # Known pixels with a lost neighbor. Had its patch gone on, they were as beside its match.
        border = np.argwhere(known & np.roll(lost, towards, axis=(0, 1)))  # (B, 2)
        neighbor = border - towards
        inside = ((neighbor >= 0) & (neighbor < size)).all(axis=1)  # not around the picture
        border, neighbor = border[inside], neighbor[inside]
        source = np.clip(border + moves[tuple(neighbor.T)], 0, size - 1)
        steps[tuple(border.T)] += voted[tuple(border.T)] - voted[tuple(source.T)]
        count[tuple(border.T)] += 1
    # Their mean nearby, in full at the border.
    mean = cv2.GaussianBlur(steps, (0, 0), SEAM_BLUR).reshape(steps.shape)
    share = cv2.GaussianBlur(count, (0, 0), SEAM_BLUR)
    depth = cv2.distanceTransform(lost.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    fade = np.where(share > SEAM_SHARE, 1 - np.minimum(depth / SEAM_WIDTH, 1), 0)
    seam: Values = mean * (fade / np.maximum(share, SEAM_SHARE))[..., None]
    return seam


def _blur(values: Values) -> Values:
    blurred: Values = cv2.GaussianBlur(values, (0, 0), GRAIN)
    return blurred.reshape(values.shape)


def _resize(values: Values, shape: tuple[int, ...], interpolation: int) -> Values:
    """`(H, W, C)` at another height and width."""
    if values.shape[:2] == tuple(shape):
        return values
    resized: Values = cv2.resize(values, shape[1::-1], interpolation=interpolation)
    return resized.reshape(*shape, -1)


def _gray(values: Values) -> NDArray[np.float32]:
    """`(H, W)` of `(H, W, C)`."""
    if values.shape[2] == 1:
        return values[..., 0]
    return to_luma(np.clip(np.rint(values), 0, 255).astype(np.uint8)).astype(np.float32)
