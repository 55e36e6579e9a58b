"""Faded grays stretched and stains evened, where the photograph still shines through."""

from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.depth import Level
from rechroma.imaging.resize import downscale_mask, fit_shape, resize_plane
from rechroma.imaging.types import Mask, Plane

EvenTone = Literal["auto", "off"]
EVEN_TONE: tuple[EvenTone, ...] = ("auto", "off")

# Levels of 0…255. A photograph is faded where its blacks are no longer dark, its whites no longer
# light, and both lie near each other: mist has whites, and night has blacks.
ENDS = (0.5, 99.5)  # percent of the photograph between black and white
PALE_BLACK, DULL_WHITE = 40, 225
LOW_CONTRAST = (50, 150)  # less is nearly nothing
BLACK, WHITE = 10.0, 245.0  # to which a faded photograph is stretched

SIDE = 768  # px, longer side at which stains are compared with what is around them
SMALLEST = 0.0005  # share of the photograph of a stain that is evened, at least
RIM = 0.02  # of the shorter side: the soft edge of a stain, at most
STRIP = 0.03  # of the shorter side: what is compared on both sides of the edge
GAP = 2  # px outside of a stain that are not compared
FEWEST = 20  # px on each side that are compared
NEAR = 0.02  # share of a strip around a pixel, from which it is compared
FARTHEST = 1.5  # deviations from the usual difference, beyond which one counts less and is clipped
SURE = 0.5  # of 1, at which the difference does not deviate; with less a stain is left as it is
UNSURE = 2.0  # levels that the difference deviates anyway


class Evened(NamedTuple):
    """A gray photograph whose tone was evened, and a note on each thing that was done."""

    gray: NDArray[np.uint8] | NDArray[np.uint16]
    notes: tuple[str, ...]


def even_tone(gray: NDArray[Level], known: Mask, stained: Mask) -> Evened:
    """Even the tone of a gray photograph where it is sure.

    Stains: what they lighten or darken is estimated along their edge, from the mean gray of a strip
    on each side, and continued inwards. The less it agrees along the edge, the less is corrected;
    grain and detail are kept. Fading: if the contrast is clearly low, the grays are stretched.

    Args:
        gray: `(H, W)` uint8 or uint16.
        known: `(H, W)` bool, True on the photograph where it is not lost; False on a border.
        stained: `(H, W)` bool, True where it is stained.

    Returns:
        The photograph, of the same type; the same array if nothing was done.

    >>> faded = np.tile(np.arange(90, 190, dtype=np.uint8), (100, 1))
    >>> evened = even_tone(faded, np.ones(faded.shape, bool), np.zeros(faded.shape, bool))
    >>> int(evened.gray.min()), int(evened.gray.max()), evened.notes
    (10, 245, ('faded: its grays from 90 to 189 were stretched',))
    """
    step = np.iinfo(gray.dtype).max / 255
    plane = (gray / np.float32(step)).astype(np.float32)  # (H, W), levels of 0…255
    notes = []
    change, count = _stain_changes(plane, known, stained)
    if count:
        plane += resize_plane(change, gray.shape, cv2.INTER_LINEAR)
        notes.append(f"{count} stain{'s' if count > 1 else ''} evened")
    sound = plane[known & ~stained]
    if sound.size:
        black, white = (float(level) for level in np.percentile(sound, ENDS))
        if _is_faded(black, white):
            plane = (plane - black) * ((WHITE - BLACK) / (white - black)) + BLACK
            notes.append(f"faded: its grays from {black:.0f} to {white:.0f} were stretched")
    if not notes:
        return Evened(gray, ())
    levels = np.rint(np.clip(plane, 0, 255) * step).astype(gray.dtype)
    return Evened(levels, tuple(notes))


def _is_faded(black: float, white: float) -> bool:
    low = LOW_CONTRAST[0] <= white - black <= LOW_CONTRAST[1]
    return low and black >= PALE_BLACK and white <= DULL_WHITE


def _stain_changes(plane: Plane, known: Mask, stained: Mask) -> tuple[Plane, int]:
    """`(h, w)` levels to add to a reduced photograph, and the number of its stains."""
    height, width = fit_shape(plane.shape, SIDE)
    small = resize_plane(plane, (height, width), cv2.INTER_AREA)
    stains = ~downscale_mask(~stained, SIDE)
    sound = ~downscale_mask(~known | stained, SIDE)
    change, evened = np.zeros_like(small), 0
    strip = max(3.0, STRIP * min(small.shape))
    margin = int(np.ceil(3 * strip)) + GAP
    count, labels, stats, _ = cv2.connectedComponentsWithStats(stains.view(np.uint8))
    for label in range(1, count):
        left, top, wide, high, area = stats[label]
        if area < SMALLEST * small.size:
            continue
        rows = slice(max(top - margin, 0), top + high + margin)
        columns = slice(max(left - margin, 0), left + wide + margin)
        stain = labels[rows, columns] == label
        added = _stain_change(small[rows, columns], stain, sound[rows, columns], strip)
        if added is not None:
            change[rows, columns] += added
            evened += 1
    return change, evened


def _stain_change(plane: Plane, stain: Mask, sound: Mask, strip: float) -> Plane | None:
    """`(h, w)` levels to add to a stain; None where its edge tells too little.

    Args:
        plane: `(h, w)` levels around the stain.
        stain: `(h, w)` bool, True in it.
        sound: `(h, w)` bool, True where nothing is damaged.
        strip: px on each side of the edge that are compared, at most.
    """
    # 1. A strip inside, behind the soft edge, and one outside.
    inward = cv2.distanceTransform(stain.view(np.uint8), cv2.DIST_L2, 5)
    outward = cv2.distanceTransform((~stain).view(np.uint8), cv2.DIST_L2, 5)
    depth = float(inward.max())
    rim = max(1.5, min(strip * RIM / STRIP, 0.3 * depth))
    wide = max(3.0, min(strip, depth))
    inner = stain & (inward > rim) & (inward <= rim + wide)
    outer = sound & (outward > GAP) & (outward <= GAP + wide)
    if min(inner.sum(), outer.sum()) < FEWEST:
        return None
    # 2. The difference of their local means, where both are near.
    inside, inside_share = _local_mean(plane, inner, wide)
    outside, outside_share = _local_mean(plane, outer, wide)
    difference = outside - inside
    weight = np.where(stain, np.minimum(inside_share, outside_share), 0)
    near = weight > NEAR
    if near.sum() < FEWEST:
        return None
    # 3. What it usually is along the edge; an object's own edge there is an outlier.
    usual = float(np.median(difference[near]))
    spread = 1.48 * float(np.median(np.abs(difference[near] - usual))) + UNSURE
    weight *= np.exp(-0.5 * ((difference - usual) / (FARTHEST * spread)) ** 2)
    mean = float(np.average(difference[near], weights=weight[near]))
    sure = mean**2 / (mean**2 + spread**2)
    if sure < SURE:
        return None
    # 4. Continued inwards, and less of it where it agrees less.
    known_there = np.where(near, difference, 0).astype(np.float32)
    continued, _ = _local_mean(known_there, np.where(near, weight, 0), max(wide, depth))
    bound = FARTHEST * spread
    fading_in = np.clip(inward / rim, 0, 1)
    change: Plane = (
        np.clip(continued, mean - bound, mean + bound) * np.float32(sure) * fading_in
    ).astype(np.float32)
    return change


def _local_mean(plane: Plane, weight: Plane | Mask, sigma: float) -> tuple[Plane, Plane]:
    """The Gaussian mean of `(h, w)` where there is weight, and the mean weight itself."""
    weights = weight.astype(np.float32)
    share: Plane = cv2.GaussianBlur(weights, (0, 0), sigma)
    mean: Plane = cv2.GaussianBlur(plane * weights, (0, 0), sigma) / np.maximum(share, 1e-4)
    return mean, share
