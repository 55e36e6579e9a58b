"""The terms that a loss can be a sum of: a batch's predictions against their target."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from rechroma.imaging.hue import HUES, fold_gray
from rechroma.models.restoration import Prediction
from rechroma.training.bin_loss import bin_cross_entropy
from rechroma.training.perceptual_loss import perceptual_distance
from rechroma.training.similarity import (
    SSIM_WINDOW,
    correlation,
    soft_hue_histogram,
    structural_similarity,
)

HUE_STRIDE = 4  # px; a quarter of the resolution is enough to count a photograph's hues
BIN_STRIDE = 2  # of the compared pixels, at a quarter of the resolution
LEAST_CHROMA = 3 / 255  # mean length of (Cb, Cr) of a photograph from which colors are learned
GRAY_WEIGHT = 0.1  # of the error in the gray share, beside the correlation of the histograms


class LossInputs(NamedTuple):
    """The predictions for a batch, and the target of each.

    Attributes:
        prediction: the network's output.
        target_color: `(N, 3, H, W)` float32, in the color space of `prediction.color`.
        target_gray: `(N, 1, H, W)` float32 luma in [0, 1].
        predicted_rgb: `(N, 3, H, W)` float32; may leave [0, 1] a little.
        target_rgb: `(N, 3, H, W)` float32 in [0, 1].
        mask: `(N, 1, H, W)` float32, 1 where lost.
        target_hues: `(N, 181, h, w)` float32 shares, the hue histogram of each cell.
        weight: `(N, 1, H, W)` float32, how much each pixel counts in `mse` and `l1`.
        discriminator_logits: `(N, 1, h, w)` float32 for the predicted RGB; None without `bce`.
        bin_frequency: `(265,)` float32, the share of each bin of chroma in the training
            photographs; None where the network predicts none.
        rare_bins: `train.rare_bins`.
    """

    prediction: Prediction
    target_color: Tensor
    target_gray: Tensor
    predicted_rgb: Tensor
    target_rgb: Tensor
    mask: Tensor
    target_hues: Tensor
    weight: Tensor
    discriminator_logits: Tensor | None
    bin_frequency: Tensor | None = None
    rare_bins: float = 0.0


def pixel_weight(mask: Tensor, hole_weight: float) -> Tensor:
    """The weight of each pixel: `hole_weight` times as much where lost, with a mean of 1.

    Args:
        mask: `(N, 1, H, W)` float32, 1 where lost.
        hole_weight: 0 or more.

    Returns:
        `(N, 1, H, W)` float32.
    """
    weight = 1 + (hole_weight - 1) * mask
    return weight / weight.mean()


def _weighted_difference(inputs: LossInputs, difference: Callable[..., Tensor]) -> Tensor:
    prediction = inputs.prediction
    total = (inputs.weight * difference(prediction.color, inputs.target_color)).mean()
    if prediction.gray is not None:
        # The first of two stages learns from the gray that it restores.
        total = total + (inputs.weight * difference(prediction.gray, inputs.target_gray)).mean()
    return total


def mse(inputs: LossInputs) -> Tensor:
    """Mean squared difference of the color, and of the first stage's gray if there are two."""
    return _weighted_difference(inputs, lambda predicted, target: (predicted - target).square())


def l1(inputs: LossInputs) -> Tensor:
    """Mean absolute difference of the color, and of the first stage's gray if there are two."""
    return _weighted_difference(inputs, lambda predicted, target: (predicted - target).abs())


def ssim(inputs: LossInputs) -> Tensor:
    """1 - SSIM of the predicted RGB."""
    return 1 - structural_similarity(inputs.predicted_rgb, inputs.target_rgb)


def masked_ssim(inputs: LossInputs) -> Tensor:
    """1 - SSIM along the lost pixels in raster order, as the official score defines it.

    Photographs with fewer lost pixels than the window has do not count.
    """
    similarities = []
    for predicted, target, mask in zip(
        inputs.predicted_rgb, inputs.target_rgb, inputs.mask, strict=True
    ):
        lost = mask[0] > 0  # (H, W)
        if lost.sum() >= SSIM_WINDOW:
            # The lost pixels as one row: (1, 3, 1, lost)
            first, second = predicted[None, :, lost][:, :, None], target[None, :, lost][:, :, None]
            similarities.append(structural_similarity(first, second, height=1))
    if not similarities:
        return 0 * inputs.predicted_rgb.sum()  # 0 with a gradient, as every term has
    return 1 - torch.stack(similarities).mean()


def hue(inputs: LossInputs) -> Tensor:
    """1 - correlation of the hue histograms of the predicted RGB and of the target, both at 1/4."""
    predicted = functional.avg_pool2d(inputs.predicted_rgb, HUE_STRIDE).clamp(0, 1)
    # Every fourth pixel of the target, whose mean would have hues that no pixel has.
    middle = slice(HUE_STRIDE // 2, None, HUE_STRIDE)
    target = inputs.target_rgb[..., middle, middle]
    return 1 - correlation(soft_hue_histogram(predicted), soft_hue_histogram(target)).mean()


def histogram(inputs: LossInputs) -> Tensor:
    """1 - correlation of the predicted hue histogram with that of the target, grays as red.

    The error in the share of grays is added with a small weight.
    """
    if inputs.prediction.hues is None:
        raise ValueError("Expected a prediction with hues. But got none.")
    # The photograph's histogram is the mean of its cells: (N, 181)
    predicted, target = (
        by_cell.mean(dim=(2, 3))
        for by_cell in (inputs.prediction.hues.softmax(dim=1), inputs.target_hues)
    )
    gray = (predicted[:, HUES] - target[:, HUES]).abs().mean()
    return 1 - correlation(fold_gray(predicted), fold_gray(target)).mean() + GRAY_WEIGHT * gray


def cells(inputs: LossInputs) -> Tensor:
    """Cross-entropy of the predicted hue histogram of each cell with that of the target."""
    logits = inputs.prediction.hues
    if logits is None:
        raise ValueError("Expected a prediction with hues. But got none.")
    target = functional.adaptive_avg_pool2d(inputs.target_hues, (logits.shape[2], logits.shape[3]))
    return functional.cross_entropy(logits, target)


def bins(inputs: LossInputs) -> Tensor:
    """Cross-entropy of the predicted bins of chroma with those of the target, at 1/4.

    A quarter of the pixels are compared, every second row and column from a random one: neighbors
    say much the same, and all of them would take longer than all else in a step. Photographs with
    hardly any color do not count.
    """
    logits, frequency = inputs.prediction.bins, inputs.bin_frequency
    if logits is None or frequency is None:
        raise ValueError("Expected a prediction with bins of chroma. But got none.")
    size = (logits.shape[2], logits.shape[3])
    chroma = functional.adaptive_avg_pool2d(inputs.target_color[:, 1:], size)  # (N, 2, h, w)
    colored = chroma.norm(dim=1).mean(dim=(1, 2)) > LEAST_CHROMA  # (N,)
    rows, columns = (
        slice(min(first, side - 1), None, BIN_STRIDE)
        for first, side in zip(torch.randint(BIN_STRIDE, (2,)).tolist(), size, strict=True)
    )
    return bin_cross_entropy(
        logits[:, :, rows, columns],
        chroma[:, :, rows, columns],
        frequency,
        colored.float(),
        inputs.rare_bins,
    )


def tv(inputs: LossInputs) -> Tensor:
    """Total variation of the predicted RGB: mean absolute difference of neighbors."""
    down = inputs.predicted_rgb.diff(dim=-2).abs().mean()
    across = inputs.predicted_rgb.diff(dim=-1).abs().mean()
    return down + across


def perceptual(inputs: LossInputs) -> Tensor:
    """Difference in the features of a VGG16 trained on ImageNet, downloaded on first use."""
    return perceptual_distance(inputs.predicted_rgb, inputs.target_rgb)


def bce(inputs: LossInputs) -> Tensor:
    """Adversarial: cross-entropy of the discriminator taking the predicted RGB for a target."""
    if inputs.discriminator_logits is None:
        raise ValueError("Expected the discriminator's logits beside the prediction. But got none.")
    return functional.softplus(-inputs.discriminator_logits).mean()


def segmentation(inputs: LossInputs) -> Tensor:
    """Cross-entropy plus Dice loss of the segmented damage.

    Our own Dice: smp's, of the same formula, differs by 1e-5 in float32 and has no gradient for a
    batch without damage.
    """
    logits, mask = inputs.prediction.damage, inputs.mask
    if logits is None:
        raise ValueError("Expected a prediction with segmented damage. But got none.")
    # Dice over the whole batch, smoothed by one pixel.
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
    "bins": bins,
    "tv": tv,
    "perceptual": perceptual,
    "bce": bce,
    "segmentation": segmentation,
}
