"""What can stand in a hole without any learning: the baselines, and the network's start."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.types import Luma, Mask

TELEA_RADIUS = 3  # px, as in OpenCV's own example
SEAM = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))  # 4 px wide
SOFT_RADII = (1 / 64, 1 / 32)  # of the blurs inside the hole, shares of the shorter side


def _resize(
    plane: NDArray[np.float32], shape: tuple[int, ...], interpolation: int
) -> NDArray[np.float32]:
    resized: NDArray[np.float32] = cv2.resize(plane, shape[::-1], interpolation=interpolation)
    return resized.reshape(shape)


def push_pull(luma: Luma, mask: Mask) -> Luma:
    """Smooth fill from a pyramid: means of the known pixels, coarse to fine (Gortler et al. 1996).

    Args:
        luma: `(H, W)` uint8 gray.
        mask: `(H, W)` bool, True where lost.

    Returns:
        `(H, W)` uint8; known pixels untouched. With nothing known, middle gray.
    """
    if not mask.any():
        return luma
    if mask.all():
        return np.full_like(luma, 128)
    restored = luma.copy()
    restored[mask] = np.rint(diffuse(luma.astype(np.float32), mask)[mask])
    return restored


def diffuse(plane: NDArray[np.float32], mask: Mask) -> NDArray[np.float32]:
    """As `push_pull` for `(H, W)` float32 of any range; with nothing known, 0 everywhere."""
    known = 1.0 - mask.astype(np.float32)
    if not known.any():
        return np.zeros_like(plane)
    values = [plane * known]  # at each level: mean of the known pixels, times their share
    weights = [known]  # their share
    while max(weights[-1].shape) > 1:
        height, width = weights[-1].shape
        half = ((height + 1) // 2, (width + 1) // 2)
        values.append(_resize(values[-1], half, cv2.INTER_AREA))
        weights.append(_resize(weights[-1], half, cv2.INTER_AREA))
    filled = values[-1] / weights[-1]
    for value, weight in zip(values[-2:0:-1], weights[-2:0:-1], strict=True):
        filled = value + (1 - weight) * _resize(filled, value.shape, cv2.INTER_LINEAR)
    return np.where(mask, _resize(filled, plane.shape, cv2.INTER_LINEAR), plane)


def telea(luma: Luma, mask: Mask) -> Luma:
    """OpenCV's fast-marching inpainting (Telea 2004); shapes and types as in `push_pull`."""
    if not mask.any():
        return luma
    if min(luma.shape) < 3:  # OpenCV then reads beside the picture
        inside = np.s_[1:-1, 1:-1]
        return telea(np.pad(luma, 1, mode="edge"), np.pad(mask, 1, mode="edge"))[inside]
    filled: Luma = cv2.inpaint(luma, mask.astype(np.uint8), TELEA_RADIUS, cv2.INPAINT_TELEA)
    return np.where(mask, filled, luma)


def close_seam(picture: Luma, mask: Mask) -> Luma:
    """A picture whose holes are filled, the seam at their border closed.

    The outermost lost pixels are filled anew by Telea, between what is known outside and what
    fills the hole inside.

    Args:
        picture: `(H, W)` or `(H, W, 3)` uint8.
        mask: `(H, W)` bool, True where it was lost.
    """
    if not mask.any() or min(mask.shape) < 3:
        return picture
    core = cv2.erode(mask.astype(np.uint8), SEAM, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    seam = mask & (core == 0)
    closed: Luma = cv2.inpaint(picture, seam.astype(np.uint8), TELEA_RADIUS, cv2.INPAINT_TELEA)
    closed[~seam] = picture[~seam]
    return closed


def soft_telea(luma: Luma, mask: Mask) -> Luma:
    """Telea's fill, blurred the more the deeper in the hole; shapes and types as in `push_pull`.

    Next to the border Telea continues edges well; deeper its streaks are wrong detail.
    """
    if not mask.any():
        return luma
    filled = telea(luma, mask).astype(np.float32)
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    soft = filled
    for share in SOFT_RADII:
        radius = share * min(luma.shape)
        weight = np.clip(depth / (2 * radius), 0, 1)
        soft = soft + weight * (cv2.GaussianBlur(filled, (0, 0), radius) - soft)
    return np.where(mask, np.rint(soft).astype(np.uint8), luma)


def keep_damage(luma: Luma, mask: Mask) -> Luma:  # noqa: ARG001
    """The photograph as it came."""
    return luma


FILLS: dict[str, Callable[[Luma, Mask], Luma]] = {
    "none": keep_damage,
    "push_pull": push_pull,
    "telea": telea,
    "soft_telea": soft_telea,
}
