"""The mask of a damaged photograph, from the pair of it and its target."""

import cv2
import numpy as np

from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.imaging.decode import PhotoError
from rechroma.imaging.types import Luma, Mask, Photo

LOST_LIMIT = 0.9  # share of the pixels


def mask_of_pair(file: str, target: Photo, damaged: Luma) -> Mask:
    """`(H, W)` bool, where a photo that came `damaged` differs from its `target`.

    Raises:
        PhotoError: they are no pair, or there is no damage, or hardly anything else.
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


PAIR_SHARE = 0.5  # of the pixels that differ in a pair, at least, that have the same gray


def mask_from_pair(damaged: Luma, luma: Luma) -> Mask:
    """Where a damaged photograph differs from its target in gray, and where its filling hides it.

    A lost pixel whose target happens to have the gray of the filling does not differ. It counts
    where it hangs together with pixels that do and lies within their convex hull; so a shape on
    black that is filled with black does not take in all the black around it.

    Args:
        damaged: `(H, W)` uint8, one gray where lost, elsewhere exactly `luma`.
        luma: `(H, W)` uint8, PIL's `convert("L")` of the target.

    Returns:
        `(H, W)` bool, True where lost; all False where the two are equal.

    Raises:
        UserError: sizes differ, or what differs has not mostly one gray: these are no pair.
    """
    if damaged.shape != luma.shape:
        raise UserError(
            f"The damaged photograph is {_size(damaged)} px and its truth {_size(luma)} px, "
            "expected the same size"
        )
    differs: Mask = damaged != luma
    if not differs.any():
        return differs
    grays = np.bincount(damaged[differs])
    level, share = int(grays.argmax()), grays.max() / grays.sum()
    if share < PAIR_SHARE:
        raise UserError(
            "The damaged photograph and its truth differ in many grays, "
            f"at most {share:.0%} of the differing pixels have the same one, "
            f"expected {PAIR_SHARE:.0%} or more; is it the truth of another photograph?"
        )
    filled = damaged == level
    lost = filled & differs
    _, labels = cv2.connectedComponents(filled.astype(np.uint8))
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
