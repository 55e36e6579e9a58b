"""Differentiable measures of likeness: structural similarity, hue histograms, correlation."""

import torch
from torch import Tensor
from torch.nn import functional

from rechroma.imaging.hue import HUES

SSIM_WINDOW = 7  # px, as in the official score
SSIM_C1, SSIM_C2 = 0.01**2, 0.03**2
HUE_BINS = 90  # of the differentiable histogram
HUE_BLUR = 2.0  # standard deviation, in hues of OpenCV, of the histogram's blur
GRAY = 1.5 / 255  # saturation, largest less smallest channel, at which a color is mostly gray


def structural_similarity(first: Tensor, second: Tensor, height: int = SSIM_WINDOW) -> Tensor:
    """Mean SSIM with scikit-image's uniform window, without the border that it does not cover.

    Source: Wang et al. 2004. Our own, because it has scikit-image's sample covariance and windows
    of one row, and filters all moments in one pass.

    Args:
        first: `(N, C, H, W)` float32 in [0, 1].
        second: of the same shape.
        height: of the window, px; its width is 7 px. 1 goes along the rows.

    Returns:
        A number in [-1, 1].
    """
    # All first and second moments side by side, so that one filter takes the mean of all.
    planes = torch.cat(  # (N, 4C, H, W)
        [first, second, first * first + second * second, first * second], dim=1
    )
    # The mean of each window, first along the rows, then along the columns.
    channels = planes.shape[1]
    row = first.new_full((channels, 1, 1, SSIM_WINDOW), 1 / SSIM_WINDOW)
    column = first.new_full((channels, 1, height, 1), 1 / height)
    means = functional.conv2d(planes, row, groups=channels)
    means = functional.conv2d(means, column, groups=channels)  # (N, 4C, H - height + 1, W - 6)
    mean_1, mean_2, squares, product = means.chunk(4, dim=1)
    # Sample variances and covariance: divided by one pixel less than the window has.
    pixels = SSIM_WINDOW * height
    sample = pixels / (pixels - 1)
    mean_product, mean_squares = mean_1 * mean_2, mean_1 * mean_1 + mean_2 * mean_2
    covariance = sample * (product - mean_product)
    variances = sample * (squares - mean_squares)
    # Wang's eq. 13: luminance times contrast and structure, of each window.
    numerator = (2 * mean_product + SSIM_C1) * (2 * covariance + SSIM_C2)
    denominator = (mean_squares + SSIM_C1) * (variances + SSIM_C2)
    return (numerator / denominator).mean()


def soft_hue_histogram(rgb: Tensor) -> Tensor:
    """A hue histogram with a gradient; grays count as red, as in OpenCV.

    A pixel counts in its two nearest bins, and a blur gives it a slope toward those further away.
    Source: HistoGAN (Afifi et al. 2021), here over the hue of OpenCV.

    Args:
        rgb: `(N, 3, H, W)` float32 in [0, 1].

    Returns:
        `(N, 90)` float32 shares whose sum is 1.
    """
    # The hue of HSV: which channel is largest gives the sextant, the others the position in it.
    red, green, blue = rgb.flatten(2).unbind(1)  # (N, pixels) each
    largest, smallest = torch.stack([red, green, blue]).aminmax(dim=0)[::-1]
    saturation = largest - smallest
    safe = saturation.clamp_min(1e-4)
    sextant = torch.where(
        largest == red,
        (green - blue) / safe,
        torch.where(largest == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    position = sextant / 6 * HUE_BINS  # (N, pixels), in bins
    gray = torch.exp(-((saturation / GRAY) ** 2))  # (N, pixels), 1 for a gray pixel
    # Each pixel is shared by the bins below and above its position; bins have no gradient.
    low = position.detach().floor()
    part = position - low
    bins = low.long() % HUE_BINS
    shares = rgb.new_zeros(len(rgb), HUE_BINS)
    shares = shares.scatter_add(1, bins, (1 - part) * (1 - gray))
    shares = shares.scatter_add(1, (bins + 1) % HUE_BINS, part * (1 - gray))
    # What is gray counts as red, the first bin.
    red_only = functional.one_hot(bins.new_zeros(()), HUE_BINS)
    shares = (shares + gray.sum(dim=1, keepdim=True) * red_only) / position.shape[1]
    # A Gaussian blur around the circle of hues, as a product of spectra.
    distance = torch.arange(HUE_BINS, device=rgb.device)
    distance = torch.minimum(distance, HUE_BINS - distance) * (HUES / HUE_BINS)
    kernel = torch.exp(-0.5 * (distance / HUE_BLUR) ** 2)
    spectrum = torch.fft.rfft(shares) * torch.fft.rfft(kernel / kernel.sum())
    blurred: Tensor = torch.fft.irfft(spectrum, n=HUE_BINS)
    return blurred


def correlation(first: Tensor, second: Tensor) -> Tensor:
    """`(N,)` Pearson correlation of the rows of `(N, B)`; 0 where a row is constant."""
    first, second = (rows - rows.mean(dim=1, keepdim=True) for rows in (first, second))
    return functional.cosine_similarity(first, second, dim=1)
