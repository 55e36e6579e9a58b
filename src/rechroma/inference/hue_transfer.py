"""The hues that a network predicts, given to the colors that it paints."""

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.hue import HUES, chroma_of_hue, hue_of_chroma
from rechroma.imaging.resize import resize_planes
from rechroma.imaging.types import Planes

SHARPNESS = 1.3  # 1 makes rainbows, 2 hardly any at a cost of 0.006 (docs/score.md)
TURNING = 0.01  # nats; what a hue turned by one costs, by two four times, beside being unlikely
LIKELY_BLUR = 2.0  # standard deviation, in hues, of the blur of what is likely
TINY = np.finfo(np.float32).tiny
RAREST = 1e-5  # share at which a hue is as unlikely as can be
# Colors whose hue is turned by less than the first keep their strength; those turned by more than
# the second (hues, 2 degrees each) are at most FAINT, length of (Cb, Cr): docs/score.md.
FADE_BETWEEN, FAINT = (15, 36), 4 / 255


def sharpen(places: Planes) -> Planes:
    """`(181, h, w)` shares, those of each place's colors raised to a power: rare ones get rarer.

    A place that is taken for blue or, less likely, orange is one of them and hardly half of each;
    its gray share stays.
    """
    colored = places[:HUES] ** SHARPNESS
    total = np.maximum(colored.sum(axis=0), TINY)
    return np.concatenate([colored / total * (1 - places[HUES:]), places[HUES:]])


def blend_histograms(chroma: Planes, places: Planes) -> NDArray[np.float64]:
    """`(181,)` shares: the mean of the hues that are painted and of those that places say.

    Two witnesses that err in different ways; only the places know of grays.

    Args:
        chroma: `(2, H, W)` float32 Cb, Cr as painted.
        places: `(181, h, w)` shares of the hues of each place.
    """
    said: NDArray[np.float64] = places.mean(axis=(1, 2), dtype=np.float64)
    strength = np.hypot(*chroma)
    colored = strength > np.quantile(strength, min(1.0, said[HUES]))
    if not colored.any():
        return said
    painted = np.bincount(
        np.rint(hue_of_chroma(chroma)[colored]).astype(int) % HUES, minlength=HUES
    ) / int(colored.sum())
    said[:HUES] = (said[:HUES] + painted * said[:HUES].sum()) / 2
    return said


def transfer_hues(chroma: Planes, wanted: NDArray[np.float64], places: Planes) -> Planes:
    """Turn the hues of a photograph so that they occur as often as is wanted.

    Each color gets one of the hues, so that all in all they are likely where they come to lie and
    near to what is painted there: an optimal assignment. The weakest colors become gray, as many
    as are wanted. The others keep their strength, but where a hue is turned far: there the
    photograph as a whole asks for a color that nothing in the place itself speaks for, and strong
    it would stand there as a colored spot; faint it stays.

    Args:
        chroma: `(2, H, W)` float32 Cb, Cr. Time and memory go with the square of `H * W`: a
            thousand take half a second.
        wanted: `(181,)` shares of the hues of the whole photograph.
        places: `(181, h, w)` shares of the hues of each place, the photograph cut into `h` times
            `w`; one place says nothing of where a hue is likely.

    Returns:
        `(2, H, W)` float32. Without any colored share, all gray.
    """
    from scipy.optimize import linear_sum_assignment

    strength = np.hypot(*chroma)
    gray = np.zeros_like(strength, dtype=bool)
    if wanted[HUES] > 0:
        gray = strength <= np.quantile(strength, min(1.0, wanted[HUES]))
    if gray.all() or not wanted[:HUES].any():
        return np.zeros_like(chroma)
    hues = hue_of_chroma(chroma)
    drawn = _sample_hues(wanted[:HUES], int((~gray).sum()))
    likely = resize_planes(_blur_shares(places[:HUES]), chroma.shape[1:], cv2.INTER_LINEAR)[
        :, ~gray
    ]
    likely /= np.maximum(likely.sum(axis=0), TINY)
    unlikely = -np.log(np.maximum(likely, RAREST))[np.rint(drawn).astype(int) % HUES].T
    turns = _hue_distance(hues[~gray][:, None], drawn)
    _, given = linear_sum_assignment(unlikely + TURNING * turns**2)
    turned = hues.copy()
    turned[~gray] = drawn[given]
    sure = np.interp(_hue_distance(turned, hues), FADE_BETWEEN, (1.0, 0.0))
    strength = sure * strength + (1 - sure) * np.minimum(strength, FAINT)
    return chroma_of_hue(turned, np.where(gray, 0, strength))


def _sample_hues(shares: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """`(count,)` hues in [-0.5, 179.5), rising, that occur as often as `(180,)` shares say."""
    borders = np.arange(HUES + 1) - 0.5
    summed = np.concatenate([[0.0], np.cumsum(shares / shares.sum())])
    hues: NDArray[np.float64] = np.interp((np.arange(count) + 0.5) / count, summed, borders)
    return hues


def _blur_shares(places: Planes) -> Planes:
    """Each place's shares, neighboring hues mixed: what is likely has no fine structure."""
    from scipy.ndimage import gaussian_filter1d

    blurred: Planes = gaussian_filter1d(places, LIKELY_BLUR, axis=0, mode="wrap")
    return blurred


def _hue_distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far hues are from each other on the circle, in [0, 90]."""
    return np.abs((one - other + HUES / 2) % HUES - HUES / 2)
