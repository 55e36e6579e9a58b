"""Bins of chroma: a grid of colors (Cb, Cr) that a network chooses from."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.color import rgb_from_ycbcr, ycbcr_from_rgb
from rechroma.imaging.types import Photo, Planes

STEP = 10  # levels of 255 between neighboring bins
WIDEST = 0.25  # share of the lumas, at least, at which RGB has the color of a bin
SOFT_BINS = 5  # nearest bins that share the weight of a color
SOFTNESS = 5.0  # levels; standard deviation of the weights' Gaussian
DISCORD = 0.3  # agreement in hue, in [0, 1], below which colors are not strengthened
TINY = 1e-6  # against division by zero


@cache
def bin_centers() -> NDArray[np.float32]:
    """The `(K, 2)` float32 Cb, Cr in [-0.5, 0.5] of the bins, read-only; the first is gray.

    They are on a grid of `STEP` levels. Colors that RGB has at few lumas have no bin of their own,
    but that of a weaker color; photographs hardly have them.

    >>> bin_centers().shape, bin_centers()[0].tolist()
    ((265, 2), [0.0, 0.0])
    """
    reach = 128 // STEP
    steps = np.arange(-reach, reach + 1) * (STEP / 255)
    cb, cr = (plane.ravel() for plane in np.meshgrid(steps, steps, indexing="ij"))
    lumas = np.linspace(0, 1, 256)[:, None]  # (lumas, 1)
    channels = np.stack(rgb_from_ycbcr(lumas, cb, cr))  # (3, lumas, grid)
    share = ((channels >= 0) & (channels <= 1)).all(axis=0).mean(axis=0)  # (grid,)
    centers = np.stack([cb, cr], axis=1)[share >= WIDEST]  # (K, 2)
    # From gray outwards.
    order = np.argsort(np.hypot(*centers.T), kind="stable")
    ordered: NDArray[np.float32] = centers[order].astype(np.float32)
    ordered.setflags(write=False)
    return ordered


@cache
def soft_bins() -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """The nearest bins of every color, and their weights.

    Returns:
        `(256, 256, SOFT_BINS)` int16 numbers of bins, and float32 weights whose sum is 1. The first
        index is Cb, the second Cr, in levels plus 128. Read-only.

    >>> bins, weights = soft_bins()
    >>> bins[128, 128, 0].item(), bool(weights[128, 128, 0] > 0.5)  # gray
    (0, True)
    """
    centers = bin_centers() * 255  # (K, 2)
    levels = np.arange(256, dtype=np.float32) - 128
    bins = np.empty((256, 256, SOFT_BINS), np.int16)
    distances = np.empty((256, 256, SOFT_BINS), np.float32)
    for row, cb in enumerate(levels):
        squared = (cb - centers[:, 0]) ** 2 + (levels[:, None] - centers[:, 1]) ** 2  # (256, K)
        bins[row] = np.argsort(squared, axis=1, kind="stable")[:, :SOFT_BINS]
        distances[row] = np.take_along_axis(squared, bins[row].astype(int), axis=1)
    # Relative to the nearest, as all weights of a color far outside of the grid would be 0.
    weights = np.exp(-(distances - distances[..., :1]) / (2 * SOFTNESS**2))
    weights /= weights.sum(axis=2, keepdims=True)
    for table in (bins, weights):
        table.setflags(write=False)
    return bins, weights


def bin_shares(photo: Photo) -> NDArray[np.float32]:
    """How often a photograph has each bin: `(K,)` float32 shares whose sum is 1.

    Args:
        photo: `(H, W, 3)` uint8 RGB.

    >>> bin_shares(np.full((2, 2, 3), 90, np.uint8))[:2].astype(float).round(2).tolist()
    [0.65, 0.09]
    """
    red, green, blue = photo.reshape(-1, 3).astype(np.float32).T  # (N,) each
    _, cb, cr = (np.rint(plane).astype(int) + 128 for plane in ycbcr_from_rgb(red, green, blue))
    cells = np.bincount(256 * cb.clip(0, 255) + cr.clip(0, 255), minlength=256 * 256)
    bins, weights = (table.reshape(256 * 256, SOFT_BINS) for table in soft_bins())
    counted = np.bincount(
        bins.ravel(), (weights * cells[:, None]).ravel(), minlength=len(bin_centers())
    )
    shares: NDArray[np.float32] = (counted / counted.sum()).astype(np.float32)
    return shares


def decode_bins(logits: Planes, temperature: float, vividness: float = 0.0) -> Planes:
    """The color of each pixel: the mean of the bins' colors under their probabilities.

    Source: the annealed mean of Zhang et al., Colorful Image Colorization, 2016. A mean is weaker
    than the colors it is of. Where these are of one hue, it may be strengthened; where blue and
    orange are both likely, it stays the quiet color between them.

    Args:
        logits: `(K, h, w)` float32.
        temperature: above 0; 1 is the mean color, which is pale where several colors are likely.
            Lower ones come nearer to the likeliest color.
        vividness: in [0, 1]; with 1 a mean of likely colors of one hue is as strong as they are.

    Returns:
        `(2, h, w)` float32 Cb, Cr in [-0.5, 0.5].

    >>> logits = np.zeros((265, 1, 1), np.float32)
    >>> logits[0] = 1000  # surely gray
    >>> decode_bins(logits, temperature=1.0).ravel().tolist()
    [0.0, 0.0]
    """
    scaled = logits / np.float32(temperature)
    shares = np.exp(scaled - scaled.max(axis=0))  # (K, h, w)
    shares /= shares.sum(axis=0)
    centers = bin_centers()
    mean: Planes = np.tensordot(centers.T, shares, axes=1)  # (2, h, w)
    if vividness == 0:
        return mean
    # How far the likely colors agree in hue: the strength of their mean over their mean strength.
    strength = np.tensordot(np.hypot(*centers.T), shares, axes=1)  # (h, w)
    agreement = np.clip(np.hypot(*mean) / np.maximum(strength, TINY), TINY, 1)
    trusted = np.clip((agreement - DISCORD) / (1 - DISCORD), 0, 1)
    strengthened: Planes = (mean * agreement ** (-vividness * trusted)).astype(np.float32)
    return strengthened
