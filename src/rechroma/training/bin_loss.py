"""Cross-entropy of bins of chroma, with soft targets and rare bins weighed up.

Source: Zhang et al., Colorful Image Colorization, 2016. Theirs predicts probabilities that favor
rare colors, as much as the weights do. Here the weights, or a power of them, are taken back from
what is predicted: with all taken back the logits are of the photographs' true probabilities.
"""

from functools import cache

import torch
from torch import Tensor

from rechroma.imaging.chroma_bins import soft_bins

UNIFORM_SHARE = 0.5  # of the mixture with equal frequencies whose inverse is a bin's weight


def bin_weights(frequency: Tensor) -> Tensor:
    """How much each bin counts: `(265,)`, the mean over the photographs' pixels is 1.

    Args:
        frequency: `(265,)` float32, the share of each bin in photographs.
    """
    weights = 1 / ((1 - UNIFORM_SHARE) * frequency + UNIFORM_SHARE / len(frequency))
    return weights / (frequency * weights).sum()


def bin_cross_entropy(
    logits: Tensor,
    chroma: Tensor,
    frequency: Tensor,
    counts: Tensor | None = None,
    rare_bins: float = 0.0,
) -> Tensor:
    """The mean cross-entropy of predicted bins with the nearest bins of the true colors.

    Args:
        logits: `(N, 265, h, w)` float32.
        chroma: `(N, 2, h, w)` float32 Cb, Cr in [-0.5, 0.5].
        frequency: `(265,)` float32, the share of each bin in photographs.
        counts: `(N,)` float32, how much each photograph counts; all alike without it.
        rare_bins: power of the weights that stays in the probabilities; 0: the loss is least at
            the true ones, 1: at those that favor rare colors as much as they are weighed.
    """
    # The nearest bins of each pixel, and their weights: (N, h, w, 5)
    levels = (chroma * 255).round().clamp(-128, 127).long() + 128  # (N, 2, h, w)
    nearest, shares = (table.to(logits.device)[levels[:, 0], levels[:, 1]] for table in _tables())
    # What is learned is weighed: logits of the weighed probabilities are larger by log(weights).
    weights = bin_weights(frequency)
    weighed = logits.permute(0, 2, 3, 1) + (1 - rare_bins) * weights.log()  # (N, h, w, 265)
    chosen = (weighed.gather(-1, nearest) * shares).sum(dim=-1)  # (N, h, w)
    entropy = weighed.logsumexp(dim=-1) - chosen
    pixels = (weights[nearest] * shares).sum(dim=-1)  # (N, h, w)
    if counts is not None:
        pixels = pixels * counts[:, None, None]
    return (entropy * pixels).sum() / pixels.sum().clamp(min=1e-6)


@cache
def _tables() -> tuple[Tensor, Tensor]:
    """`soft_bins` as tensors."""
    bins, weights = soft_bins()
    return torch.from_numpy(bins.astype("int64")), torch.from_numpy(weights.copy())
