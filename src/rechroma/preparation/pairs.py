"""The mask of a damaged photograph, computed from the photograph and its target."""

import cv2
import numpy as np

from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.imaging.decode import PhotoError
from rechroma.imaging.types import Luma, Mask, Photo

LOST_LIMIT = 0.9  # share of the pixels that may be lost
PAIR_SHARE = 0.5  # of the pixels that differ in a pair, at least, that have the same gray


def validate_pair(file: str, target: Photo, damaged: Luma) -> Mask:
    """The mask of a damaged photograph from a source, after checking that it fits its target.

    Args:
        file: name of the damaged photograph, in errors.
        target: `(H, W, 3)` uint8 RGB.
        damaged: `(H, W)` uint8.

    Returns:
        `(H, W)` bool, True where lost.

    Raises:
        PhotoError: not a pair, not damaged, or nearly everything is lost.
    """
    gray = to_luma(target)
    try:
        mask = mask_from_pair(damaged, gray)
    except UserError:
        raise PhotoError(file, "shows something else than its original") from None
    if np.mean(mask) > LOST_LIMIT:
        raise PhotoError(file, "shows hardly anything of its original")
    if not mask.any():
        raise PhotoError(file, "shows no damage")
    return mask


def mask_from_pair(damaged: Luma, luma: Luma) -> Mask:
    """The lost pixels of a damaged photograph: where it differs from its target, without gaps.

    A lost pixel whose target happens to have the gray of the damage does not differ. It is lost
    where it is connected with pixels that differ and lies within their convex hull; so a black
    shape on a black background does not take in all of the background.

    Args:
        damaged: `(H, W)` uint8, one gray where lost, elsewhere exactly `luma`.
        luma: `(H, W)` uint8, PIL's `convert("L")` of the target.

    Returns:
        `(H, W)` bool, True where lost; all False where the two are equal.

    Raises:
        UserError: the sizes differ, or most of the differing pixels have several grays: not a pair.
    """
    if damaged.shape != luma.shape:
        raise UserError(
            f"The damaged photograph is {_size(damaged)} px and its target {_size(luma)} px, "
            "expected the same size"
        )
    differs: Mask = damaged != luma
    if not differs.any():
        return differs
    # The gray of the damage: the most frequent one where the two differ.
    grays = np.bincount(damaged[differs])
    level, share = int(grays.argmax()), grays.max() / grays.sum()
    if share < PAIR_SHARE:
        raise UserError(
            "The damaged photograph and its target differ in many grays, "
            f"at most {share:.0%} of the differing pixels have the same one, "
            f"expected {PAIR_SHARE:.0%} or more; is it the target of another photograph?"
        )
    # Connected parts of that gray, whether they differ or not.
    same_gray = damaged == level
    lost = same_gray & differs
    _, labels = cv2.connectedComponents(same_gray.astype(np.uint8))
    # Of each part, what lies within the convex hull of its differing pixels.
    mask = np.zeros(damaged.shape, dtype=bool)
    for label in np.unique(labels[lost]):
        part = labels == label
        points = np.argwhere(part & lost)[:, ::-1].astype(np.int32)  # (N, 2), x and y
        hull = np.zeros(damaged.shape, dtype=np.uint8)
        cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
        mask |= part & hull.astype(bool)
    return mask


def _size(luma: Luma) -> str:
    return f"{luma.shape[1]} x {luma.shape[0]}"
