"""Loss terms, and the expression that weighs them: `bce + 100*mse`."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from rechroma.imaging.hue import HUES, fold_gray
from rechroma.models.restoration import Prediction
from rechroma.training.perceptual_loss import perceptual_distance

SSIM_WINDOW = 7  # px, as in the official score
SSIM_C1, SSIM_C2 = 0.01**2, 0.03**2
HUE_STRIDE = 4  # px; the chroma of a photograph needs no more to count its hues
HUE_BINS = 90  # of the differentiable histogram
HUE_BLUR = 2.0  # standard deviation, in hues of OpenCV, of the blur that lets hues move
GRAY = 1.5 / 255  # saturation, largest less smallest channel, at which a color is mostly gray
GRAY_WEIGHT = 0.1  # of the gray share's error beside the correlation of the histograms


class LossInputs(NamedTuple):
    """A batch's predictions beside their target.

    Attributes:
        prediction: what the network says.
        color: `(N, 3, H, W)` float32 target in the space of `prediction.color`.
        gray: `(N, 1, H, W)` float32 true luma in [0, 1].
        rgb: `(N, 3, H, W)` float32 predicted RGB.
        true_rgb: `(N, 3, H, W)` float32 RGB in [0, 1].
        mask: `(N, 1, H, W)` float32, 1 where lost.
        hues: `(N, 181, h, w)` float32, the hue histogram of each place of the target.
        weight: `(N, 1, H, W)` float32, how much each pixel counts in mse and l1.
        logits: the discriminator's of the predicted RGB, or None when it is not trained.
    """

    prediction: Prediction
    color: Tensor
    gray: Tensor
    rgb: Tensor
    target_rgb: Tensor
    mask: Tensor
    hues: Tensor
    weight: Tensor
    logits: Tensor | None


def pixel_weight(mask: Tensor, hole_weight: float) -> Tensor:
    """`(N, 1, H, W)`: 1 where known and `hole_weight` where lost, with a mean of 1."""
    weight = 1 + (hole_weight - 1) * mask
    return weight / weight.mean()


def _by_pixel(compared: LossInputs, difference: Callable[..., Tensor]) -> Tensor:
    total = (compared.weight * difference(compared.prediction.color, compared.color)).mean()
    if compared.prediction.gray is not None:
        total = (
            total + (compared.weight * difference(compared.prediction.gray, compared.gray)).mean()
        )
    return total


def mse(compared: LossInputs) -> Tensor:
    """Mean squared difference of the color, and of the first stage's gray where there is one."""
    return _by_pixel(compared, lambda ours, true: (ours - true).square())


def l1(compared: LossInputs) -> Tensor:
    """Mean absolute difference, of the same as `mse`."""
    return _by_pixel(compared, lambda ours, true: (ours - true).abs())


def structural_similarity(first: Tensor, second: Tensor, height: int = SSIM_WINDOW) -> Tensor:
    """Mean SSIM of `(N, C, H, W)` float32 in [0, 1], with scikit-image's uniform 7x7 window.

    Source: Wang et al. 2004; the border that the window does not cover is left out. A window of
    `height` 1 goes along the rows.
    """
    planes = torch.cat([first, second, first * first + second * second, first * second], dim=1)
    channels = planes.shape[1]
    box = first.new_full((channels, 1, 1, SSIM_WINDOW), 1 / SSIM_WINDOW)
    across = functional.conv2d(planes, box, groups=channels)
    down = first.new_full((channels, 1, height, 1), 1 / height)
    means = functional.conv2d(across, down, groups=channels)
    mean_1, mean_2, squares, product = means.chunk(4, dim=1)
    pixels = SSIM_WINDOW * height
    sample = pixels / (pixels - 1)
    mean_product, mean_squares = mean_1 * mean_2, mean_1 * mean_1 + mean_2 * mean_2
    covariance = sample * (product - mean_product)
    variances = sample * (squares - mean_squares)
    similar = (2 * mean_product + SSIM_C1) * (2 * covariance + SSIM_C2)
    largest = (mean_squares + SSIM_C1) * (variances + SSIM_C2)
    return (similar / largest).mean()


def ssim(compared: LossInputs) -> Tensor:
    """1 - SSIM of the predicted RGB."""
    return 1 - structural_similarity(compared.rgb, compared.target_rgb)


def masked_ssim(compared: LossInputs) -> Tensor:
    """1 - SSIM along the lost pixels in raster order, as the official score has it.

    Photographs with fewer lost pixels than the window has are left out.
    """
    similar = []
    for ours, true, mask in zip(compared.rgb, compared.target_rgb, compared.mask, strict=True):
        lost = mask[0] > 0
        if lost.sum() >= SSIM_WINDOW:
            first, second = ours[None, :, lost][:, :, None], true[None, :, lost][:, :, None]
            similar.append(structural_similarity(first, second, height=1))  # of (1, 3, 1, N)
    if not similar:
        return 0 * compared.rgb.sum()
    return 1 - torch.stack(similar).mean()


def soft_hue_histogram(rgb: Tensor) -> Tensor:
    """`(N, 90)` blurred shares of the hues of `(N, 3, H, W)` RGB, grays as red, with a gradient.

    A pixel counts in its two nearest bins, and the blur gives it a slope towards those further
    off: after HistoGAN (Afifi et al. 2021), over the hue of OpenCV.
    """
    red, green, blue = rgb.flatten(2).unbind(1)
    largest, smallest = torch.stack([red, green, blue]).aminmax(dim=0)[::-1]
    saturation = largest - smallest
    safe = saturation.clamp_min(1e-4)
    sextant = torch.where(
        largest == red,
        (green - blue) / safe,
        torch.where(largest == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    place = sextant / 6 * HUE_BINS
    gray = torch.exp(-((saturation / GRAY) ** 2))
    low = place.detach().floor()
    part = place - low
    bins = low.long() % HUE_BINS
    shares = rgb.new_zeros(len(rgb), HUE_BINS)
    shares = shares.scatter_add(1, bins, (1 - part) * (1 - gray))
    shares = shares.scatter_add(1, (bins + 1) % HUE_BINS, part * (1 - gray))
    red_only = functional.one_hot(bins.new_zeros(()), HUE_BINS)
    shares = (shares + gray.sum(dim=1, keepdim=True) * red_only) / place.shape[1]
    around = torch.arange(HUE_BINS, device=rgb.device)
    around = torch.minimum(around, HUE_BINS - around) * (HUES / HUE_BINS)
    kernel = torch.exp(-0.5 * (around / HUE_BLUR) ** 2)
    spectrum = torch.fft.rfft(shares) * torch.fft.rfft(kernel / kernel.sum())
    blurred: Tensor = torch.fft.irfft(spectrum, n=HUE_BINS)
    return blurred


def correlation(first: Tensor, second: Tensor) -> Tensor:
    """`(N,)` Pearson correlation of the rows of `(N, B)`; 0 where a row is constant."""
    first, second = (rows - rows.mean(dim=1, keepdim=True) for rows in (first, second))
    return functional.cosine_similarity(first, second, dim=1)


def hue(compared: LossInputs) -> Tensor:
    """1 - correlation of the hue histograms of the predicted chroma, at 1/4, and of the target."""
    ours = functional.avg_pool2d(compared.rgb, HUE_STRIDE).clamp(0, 1)
    true = compared.target_rgb[..., HUE_STRIDE // 2 :: HUE_STRIDE, HUE_STRIDE // 2 :: HUE_STRIDE]
    return 1 - correlation(soft_hue_histogram(ours), soft_hue_histogram(true)).mean()


def histogram(compared: LossInputs) -> Tensor:
    """1 - correlation of the predicted hue histogram with that of the target, grays as red.

    And, with a small weight, how wrong the share of grays is.
    """
    if compared.prediction.hues is None:
        raise ValueError("Expected a prediction with hues. But got none.")
    ours, true = (
        by_place.mean(dim=(2, 3))
        for by_place in (compared.prediction.hues.softmax(dim=1), compared.hues)
    )
    gray = (ours[:, HUES] - true[:, HUES]).abs().mean()
    return 1 - correlation(fold_gray(ours), fold_gray(true)).mean() + GRAY_WEIGHT * gray


def cells(compared: LossInputs) -> Tensor:
    """Cross-entropy of the hues that each place is taken to have, of those that it has."""
    logits = compared.prediction.hues
    if logits is None:
        raise ValueError("Expected a prediction with hues. But got none.")
    true = functional.adaptive_avg_pool2d(compared.hues, (logits.shape[2], logits.shape[3]))
    return functional.cross_entropy(logits, true)


def tv(compared: LossInputs) -> Tensor:
    """Total variation of the predicted RGB: mean absolute step between neighbors."""
    down = compared.rgb.diff(dim=-2).abs().mean()
    across = compared.rgb.diff(dim=-1).abs().mean()
    return down + across


def perceptual(compared: LossInputs) -> Tensor:
    """Difference of what a network trained on ImageNet sees; its weights come from a hub."""
    return perceptual_distance(compared.rgb, compared.target_rgb)


def bce(compared: LossInputs) -> Tensor:
    """Adversarial: cross-entropy of the discriminator taking the restored photograph for true."""
    if compared.logits is None:
        raise ValueError("Expected the discriminator's logits beside the prediction. But got none.")
    return functional.softplus(-compared.logits).mean()


def segmentation(compared: LossInputs) -> Tensor:
    """Cross-entropy plus Dice loss of the segmented damage."""
    if compared.prediction.damage is None:
        raise ValueError("Expected a prediction with segmented damage. But got none.")
    logits, mask = compared.prediction.damage, compared.mask
    overlap = 2 * (logits.sigmoid() * mask).sum() + 1
    dice = 1 - overlap / (logits.sigmoid().sum() + mask.sum() + 1)
    return functional.binary_cross_entropy_with_logits(logits, mask) + dice


TERMS: dict[str, Callable[[LossInputs], Tensor]] = {
    "mse": mse,
    "l1": l1,
    "ssim": ssim,
    "masked_ssim": masked_ssim,
    "hue": hue,
    "histogram": histogram,
    "cells": cells,
    "tv": tv,
    "perceptual": perceptual,
    "bce": bce,
    "segmentation": segmentation,
}


def discriminator_loss(true_logits: Tensor, restored_logits: Tensor) -> Tensor:
    """Cross-entropy of telling `(N, 1, h, w)` logits of true patches from restored ones."""
    return (
        functional.softplus(-true_logits).mean() + functional.softplus(restored_logits).mean()
    ) / 2
