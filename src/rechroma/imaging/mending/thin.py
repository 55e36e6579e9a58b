"""Which of the lost pixels are thin damage."""

import cv2
import numpy as np

from rechroma.imaging.types import Mask

WIDEST = 12  # px across; what is wider is a hole
SHOULDER = 24  # px; narrow parts so near to a hole are its corners


def thin_part(mask: Mask) -> Mask:
    """The lost pixels that belong to scratches, cracks, spots and the like.

    These are holes in which no circle fits that is wider than `WIDEST`, and the parts of wider
    holes that reach far out, such as a crack that ends in a torn corner. Beyond the picture all
    counts as lost.

    Args:
        mask: `(H, W)` bool, True where lost.

    Returns:
        `(H, W)` bool, a part of the mask.

    >>> mask = np.zeros((60, 200), bool)
    >>> mask[10:50, 10:50] = mask[30, 10:190] = mask[5:8, 100:103] = True
    >>> thin = thin_part(mask)
    >>> thin[30, 100].item(), thin[6, 101].item(), thin[30, 30].item(), thin[30, 52].item()
    (True, True, False, False)
    """
    if not mask.any():
        return mask
    lost = mask.astype(np.uint8)
    # px from each lost pixel to the nearest known one: 1 at the rim, w / 2 inside a width of w.
    depth = cv2.distanceTransform(lost, cv2.DIST_L2, cv2.DIST_MASK_5)
    cores = depth > (WIDEST + 1) / 2
    if not cores.any():
        return mask
    # Holes with a core: what is near to it is wide.
    count, holes = cv2.connectedComponents(lost, connectivity=8)
    wide = np.zeros(count, bool)
    wide[np.unique(holes[cores])] = True
    near = cv2.distanceTransform((~cores).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    thin: Mask = mask & ~(wide[holes] & (near <= WIDEST / 2 + SHOULDER))
    return thin
