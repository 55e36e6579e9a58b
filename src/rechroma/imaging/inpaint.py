"""Classical inpainting: baselines to compare with, and what a network starts from in a hole."""

import math
from collections.abc import Callable

import cv2
import numpy as np

from rechroma.imaging.resize import resize_plane
from rechroma.imaging.types import Luma, Mask, Plane

TELEA_RADIUS = 3  # px, as in OpenCV's own example
SEAM = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))  # 4 px wide
SOFT_RADII = (1 / 64, 1 / 32)  # of the blurs inside the hole, shares of the shorter side
BLUR_REACH = 4  # standard deviations of a Gaussian in float32, after which OpenCV cuts it off


def push_pull(luma: Luma, mask: Mask) -> Luma:
    """Smooth fill from a pyramid of means of the known pixels, coarse to fine.

    Source: Gortler et al., The Lumigraph, 1996.

    Args:
        luma: `(H, W)` uint8 gray.
        mask: `(H, W)` bool, True where lost.

    Returns:
        `(H, W)` uint8; known pixels keep their value. Where all is lost, middle gray.

    >>> push_pull(np.array([[90, 0, 90]], np.uint8), np.array([[False, True, False]])).tolist()
    [[90, 90, 90]]
    """
    if not mask.any():
        return luma
    if mask.all():
        return np.full_like(luma, 128)
    restored = luma.copy()
    restored[mask] = np.rint(diffuse(luma.astype(np.float32), mask)[mask])
    return restored


def diffuse(plane: Plane, mask: Mask) -> Plane:
    """As `push_pull`, for `(H, W)` float32 of any range; where all is lost, 0.

    >>> diffuse(np.array([[0.5, 0.0, 0.5]], np.float32), np.array([[False, True, False]])).tolist()
    [[0.5, 0.5, 0.5]]
    """
    known = 1.0 - mask.astype(np.float32)  # (H, W), 1 where known
    if not known.any():
        return np.zeros_like(plane)
    # Pull: halve the size until one pixel is left. Each level holds the share of known pixels under
    # each of its pixels, and their mean times that share.
    values = [plane * known]
    weights = [known]
    while max(weights[-1].shape) > 1:
        height, width = weights[-1].shape
        half = ((height + 1) // 2, (width + 1) // 2)
        values.append(resize_plane(values[-1], half, cv2.INTER_AREA))
        weights.append(resize_plane(weights[-1], half, cv2.INTER_AREA))
    # The coarsest level is the mean of all known pixels.
    filled = values[-1] / weights[-1]  # (1, 1)
    # Push: go back to finer levels; what is unknown of a pixel is taken from the coarser level.
    for value, weight in zip(values[-2:0:-1], weights[-2:0:-1], strict=True):
        filled = value + (1 - weight) * resize_plane(filled, value.shape, cv2.INTER_LINEAR)
    # At full size a pixel is either known or lost.
    return np.where(mask, resize_plane(filled, plane.shape, cv2.INTER_LINEAR), plane)


def telea(luma: Luma, mask: Mask) -> Luma:
    """OpenCV's fast-marching inpainting (Telea 2004); shapes and types as in `push_pull`.

    >>> hole = np.eye(5, dtype=bool)
    >>> filled = telea(np.where(hole, 0, 90).astype(np.uint8), hole)
    >>> bool(filled.min() >= 89)
    True
    """
    if not mask.any():
        return luma
    if min(luma.shape) < 3:  # OpenCV would read beyond the border of the picture
        inside = np.s_[1:-1, 1:-1]
        return telea(np.pad(luma, 1, mode="edge"), np.pad(mask, 1, mode="edge"))[inside]
    filled: Luma = cv2.inpaint(luma, mask.astype(np.uint8), TELEA_RADIUS, cv2.INPAINT_TELEA)
    return np.where(mask, filled, luma)


def close_seam(picture: Luma, mask: Mask) -> Luma:
    """A picture with filled holes, the visible seam along their border removed.

    The outermost 4 px of each hole are inpainted anew by Telea, between the known pixels outside
    and the filling inside.

    Args:
        picture: `(H, W)` or `(H, W, 3)` uint8, its holes filled.
        mask: `(H, W)` bool, True where lost.

    Returns:
        The same shape, uint8; pixels outside of the seam keep their value.

    >>> picture = np.full((20, 20), 90, np.uint8)
    >>> mask = np.zeros((20, 20), bool)
    >>> mask[4:16, 4:16] = True
    >>> picture[mask] = 100
    >>> closed = close_seam(picture, mask)
    >>> closed[10, 10].item(), closed[0, 0].item(), bool(90 < closed[10, 5] < 100)
    (100, 90, True)
    """
    if not mask.any() or min(mask.shape) < 3:
        return picture
    # The seam: lost pixels within 4 px of a known one; beyond the picture nothing is known.
    core = cv2.erode(mask.astype(np.uint8), SEAM, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    seam = mask & (core == 0)
    closed: Luma = cv2.inpaint(picture, seam.astype(np.uint8), TELEA_RADIUS, cv2.INPAINT_TELEA)
    closed[~seam] = picture[~seam]
    return closed


def soft_telea(luma: Luma, mask: Mask) -> Luma:
    """Telea's fill, blurred the more the deeper in the hole; shapes and types as in `push_pull`.

    Next to the border Telea continues edges well; deeper inside its streaks are wrong detail.

    >>> hole = np.eye(5, dtype=bool)
    >>> filled = soft_telea(np.where(hole, 0, 90).astype(np.uint8), hole)
    >>> bool(filled.min() >= 89)
    True
    """
    if not mask.any():
        return luma
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)  # px
    radii = [share * min(luma.shape) for share in SOFT_RADII]
    # Blurs are computed around the holes alone, as far as OpenCV's kernel reaches.
    box = _box_around(mask, math.ceil(BLUR_REACH * max(radii)) + 1)
    filled = np.ascontiguousarray(telea(luma, mask)[box], np.float32)
    soft = filled
    # Two blurs: the narrow one near the border, the wide one deep inside.
    for radius in radii:
        weight = np.minimum(depth[box], 2 * radius) / (
            2 * radius
        )  # 0 at the border, 1 two radii inside
        soft = soft + weight * (cv2.GaussianBlur(filled, (0, 0), radius) - soft)
    restored = luma.copy()
    np.copyto(restored[box], np.rint(soft).astype(np.uint8), where=mask[box])
    return restored


def _box_around(mask: Mask, margin: int) -> tuple[slice, slice]:
    """Rows and columns of the lost pixels, and of `margin` px around them."""
    rows, columns = (
        slice(max(0, lost[0] - margin), lost[-1] + 1 + margin)
        for lost in (np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0)))
    )
    return rows, columns


def no_fill(luma: Luma, mask: Mask) -> Luma:  # noqa: ARG001
    """The photograph unchanged, holes included.

    >>> no_fill(np.array([[7, 8]], np.uint8), np.array([[False, True]])).tolist()
    [[7, 8]]
    """
    return luma


FILLS: dict[str, Callable[[Luma, Mask], Luma]] = {
    "none": no_fill,
    "push_pull": push_pull,
    "telea": telea,
    "soft_telea": soft_telea,
}
"""How a hole may be filled, by the name in `model.fill`."""
