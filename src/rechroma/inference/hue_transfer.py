"""Hue transfer: the hues that a network predicts, given to the colors that it painted.

A network paints the mean of the likely colors, which is duller than each of them. The hue
histograms that it predicts keep them apart: shares of 180 hues (OpenCV's, 2 degrees each) and of
gray, for each cell of the photograph. Three steps, in this order: `sharpen` the histograms, blend
their mean with the painted hues (`blend_histograms`), and assign hues to colors (`transfer_hues`).
`give_predicted_hues` takes all of them.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.hue import HUES, chroma_of_hue, hue_of_chroma
from rechroma.imaging.resize import resize_planes
from rechroma.imaging.types import Plane, Planes

# px of the network's input for one color of hue transfer; finer ones leave colored fringes. Of 8,
# 12 and 16 no score is better than another's: finer has more of C and less of S
# (docs/lab-notes/score.md).
COLOR_CELL = 12
MOST_COLORS = 24  # along the longer side, for an input of any size: takes a quarter of a second
# A power: 1 makes rainbows, 2 hardly any at a cost of 0.006 (docs/lab-notes/score.md).
SHARPNESS = 1.3
TURN_COST = 0.01  # nats for a hue turned by one, four times that for one turned by two
SHARE_BLUR = 2.0  # standard deviation, in hues, of the blur of shares before they are costs
TINY = np.finfo(np.float32).tiny
RAREST = 1e-5  # share below which all hues cost the same
# Colors whose hue is turned by less than the first keep their strength; those turned by more than
# the second (hues, 2 degrees each) are at most FAINT, length of (Cb, Cr): docs/lab-notes/score.md.
FADE_BETWEEN, FAINT = (15, 36), 4 / 255


def give_predicted_hues(chroma: Planes, predicted: Planes) -> Planes:
    """All steps: painted chroma, coarser and of the predicted hues.

    Args:
        chroma: `(2, H, W)` float32 Cb, Cr as painted.
        predicted: `(181, h, w)` float32 shares of the hues of each cell.

    Returns:
        `(2, H', W')` float32, one color for each `COLOR_CELL` px.

    >>> uniform = np.full((181, 5, 6), 1 / 181, np.float32)
    >>> give_predicted_hues(np.full((2, 144, 192), 0.1, np.float32), uniform).shape
    (2, 12, 16)
    """
    histograms = sharpen(predicted)  # (181, h, w)
    shares = blend_histograms(chroma, histograms)  # (181,)
    cell = max(COLOR_CELL, max(chroma.shape) / MOST_COLORS)
    height, width = (max(1, round(side / cell)) for side in chroma.shape[1:])
    colors = resize_planes(chroma, (height, width), cv2.INTER_AREA)  # (2, H', W')
    return transfer_hues(colors, shares, histograms)


def sharpen(histograms: Planes) -> Planes:
    """Sharpen the hue histogram of each cell: likely hues get more, rare ones less.

    A cell that is blue or, less likely, orange becomes one of them and hardly half of each. Its
    share of gray stays.

    Args:
        histograms: `(181, h, w)` float32 shares of the hues of each cell.

    Returns:
        `(181, h, w)` float32 shares: those of the 180 hues raised to the power `SHARPNESS`.

    >>> cell = np.zeros((181, 1, 1), np.float32)
    >>> cell[[110, 15, 180], 0, 0] = 0.6, 0.3, 0.1  # blue, orange, gray
    >>> sharpen(cell)[[110, 15, 180], 0, 0].astype(float).round(2).tolist()
    [0.64, 0.26, 0.1]
    """
    colored = histograms[:HUES] ** SHARPNESS  # (180, h, w)
    total = np.maximum(colored.sum(axis=0), TINY)  # (h, w); 0 in a cell that is all gray
    return np.concatenate([colored / total * (1 - histograms[HUES:]), histograms[HUES:]])


def blend_histograms(chroma: Planes, histograms: Planes) -> NDArray[np.float64]:
    """The hue histogram that the whole photograph is to have.

    It is the mean of two estimates that err in different ways: the hues that the network painted,
    and the histograms that it predicted. Only the latter have a share of gray.

    Args:
        chroma: `(2, H, W)` float32 Cb, Cr as painted.
        histograms: `(181, h, w)` float32 shares of the hues of each cell.

    Returns:
        `(181,)` float64 shares.

    >>> strength = np.linspace(0.1, 0.2, 16, dtype=np.float32).reshape(4, 4)
    >>> painted = chroma_of_hue(np.full((4, 4), 20.0), strength)
    >>> predicted = np.zeros((181, 1, 1), np.float32)
    >>> predicted[60] = 1
    >>> blended = blend_histograms(painted, predicted)
    >>> {int(hue): float(blended[hue]) for hue in np.flatnonzero(blended)}
    {20: 0.5, 60: 0.5}
    """
    # The predicted histogram of the photograph: the mean of its cells.
    blended: NDArray[np.float64] = histograms.mean(axis=(1, 2), dtype=np.float64)  # (181,)
    # The painted histogram counts colors alone: not the weakest ones, by the share of gray.
    strength = np.hypot(*chroma)  # (H, W)
    colored = strength > _quantile(strength, min(1.0, blended[HUES]))
    if not colored.any():
        return blended
    painted = np.bincount(
        np.rint(hue_of_chroma(chroma)[colored]).astype(int) % HUES, minlength=HUES
    ) / int(colored.sum())  # (180,)
    # Their mean; the painted one counts for the colored share.
    blended[:HUES] = (blended[:HUES] + painted * blended[:HUES].sum()) / 2
    return blended


def transfer_hues(chroma: Planes, shares: NDArray[np.float64], histograms: Planes) -> Planes:
    """Turn the hues of a photograph so that its hue histogram becomes `shares`.

    Which color gets which hue is an optimal assignment: all in all, each hue is likely in its cell
    and near to the painted one. The weakest colors become gray, by the share of gray. The others
    keep their strength, unless their hue is turned far: then the histogram of the photograph asks
    for it, and that of the cell does not. A strong color would be a colored spot there, so it
    becomes faint.

    Args:
        chroma: `(2, H, W)` float32 Cb, Cr. Time and memory grow with the square of `H * W`: a
            thousand pixels take half a second.
        shares: `(181,)` shares of the hues of the whole photograph.
        histograms: `(181, h, w)` float32 shares of the hues of each cell; the cells divide the
            photograph evenly. A single cell makes a hue equally likely everywhere.

    Returns:
        `(2, H, W)` float32 Cb, Cr. All gray where `shares` has no color.

    Raises:
        ValueError: a share or a color is not a finite number.

    >>> painted = chroma_of_hue(np.full((4, 4), 20.0), np.full((4, 4), 0.2, np.float32))
    >>> shares = np.zeros(181)
    >>> shares[25] = 1
    >>> turned = transfer_hues(painted, shares, shares.astype(np.float32)[:, None, None])
    >>> turned.shape, float(hue_of_chroma(turned).mean().round())
    ((2, 4, 4), 25.0)
    """
    from lap import lapjv

    # The weakest colors become gray, as many as the share of gray.
    strength = np.hypot(*chroma)  # (H, W)
    gray = np.zeros_like(strength, dtype=bool)
    if shares[HUES] > 0:
        gray = strength <= _quantile(strength, min(1.0, shares[HUES]))
    if gray.all() or not shares[:HUES].any():
        return np.zeros_like(chroma)
    # As many hues as there are colors, distributed as the shares are.
    painted = hue_of_chroma(chroma)  # (H, W)
    hues = _sample_hues(shares[:HUES], int((~gray).sum()))  # (colors,)
    # First cost: the surprise of a hue where the color is, between cells interpolated.
    likely = resize_planes(blur_shares(histograms[:HUES]), chroma.shape[1:], cv2.INTER_LINEAR)
    likely = likely[:, ~gray]  # (180, colors)
    likely /= np.maximum(likely.sum(axis=0), TINY)
    surprise = -np.log(np.maximum(likely, RAREST))[np.rint(hues).astype(int) % HUES].T
    # Second cost: how far the painted hue would be turned.
    turns = _hue_distance(painted[~gray][:, None], hues)  # (colors, hues)
    # Each color gets one hue so that the sum of costs is the least.
    cost = surprise + TURN_COST * turns**2  # (colors, hues)
    if not np.isfinite(cost).all():  # which the solver does not check
        raise ValueError("the network's colors or hues are not finite numbers")
    assigned, _ = lapjv(cost, return_cost=False)  # the hue of each color
    turned = painted.copy()
    turned[~gray] = hues[assigned]
    # The farther a hue was turned, the fainter the color.
    kept = np.interp(_hue_distance(turned, painted), FADE_BETWEEN, (1.0, 0.0))  # (H, W) share
    strength = kept * strength + (1 - kept) * np.minimum(strength, FAINT)
    return chroma_of_hue(turned, np.where(gray, 0, strength))


def blur_shares(histograms: Planes) -> Planes:
    """Mix neighboring hues of each cell: likelihood has no fine structure.

    Args:
        histograms: `(180, h, w)` float32 shares of the hues of each cell, without gray.

    Returns:
        `(180, h, w)` float32 shares, blurred by a Gaussian of `SHARE_BLUR` on the circle of hues.

    >>> cell = np.zeros((180, 1, 1), np.float32)
    >>> cell[0] = 1
    >>> blur_shares(cell)[[178, 179, 0, 1, 2], 0, 0].astype(float).round(2).tolist()
    [0.12, 0.18, 0.2, 0.18, 0.12]
    """
    # A Gaussian cut off at four standard deviations, around the circle of hues.
    reach = round(4 * SHARE_BLUR)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / SHARE_BLUR) ** 2)  # (17,)
    weights /= weights.sum()
    # Summed in float64, as float32 would round each term.
    circle = np.take(histograms.astype(np.float64), np.arange(-reach, HUES + reach), 0, mode="wrap")
    blurred = np.zeros(histograms.shape)
    for offset, weight in enumerate(weights):
        blurred += weight * circle[offset : offset + HUES]
    return blurred.astype(np.float32)


def _quantile(values: Plane, share: float) -> np.float64:
    """`np.quantile`, without the import of `numpy.ma` that takes a tenth of the start.

    Equal to the bit, as the colors that are gray depend on it.
    """
    position = (values.size - 1) * np.float64(share)
    low = int(np.floor(position))
    high = min(low + 1, values.size - 1)
    ordered = np.partition(values, (low, high), axis=None)
    below, above = ordered[low], ordered[high]
    weight = position - np.floor(position)
    # From the nearer end, as numpy does.
    step = above - below
    # In float64: a comparison of float32 with a plain float would round the latter.
    return np.float64(below + step * weight if weight < 0.5 else above - step * (1 - weight))


def _sample_hues(shares: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """`(count,)` hues in [-0.5, 179.5), ascending, distributed as `(180,)` shares."""
    # Inverse of the cumulative distribution, at the middles of `count` equal steps.
    borders = np.arange(HUES + 1) - 0.5
    cumulated = np.concatenate([[0.0], np.cumsum(shares / shares.sum())])
    hues: NDArray[np.float64] = np.interp((np.arange(count) + 0.5) / count, cumulated, borders)
    return hues


def _hue_distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distance of hues on their circle, in [0, 90]."""
    return np.abs((one - other + HUES / 2) % HUES - HUES / 2)
