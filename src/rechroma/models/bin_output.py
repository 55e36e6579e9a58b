"""Bins of chroma as a network's output: their mean color, and how often photographs have them."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from rechroma.imaging.chroma_bins import bin_centers

BINS = len(bin_centers())  # 265
QUARTER = 4  # px; bins are predicted at 1/4 of the resolution
RAREST_BIN = 1e-5  # share that a fresh network predicts for a bin which no photograph has


class BinOutput(nn.Module):
    """Splits a network's output into logits of bins and all else.

    Nothing of it is in a file of weights.

    Args:
        first: the channel of the first bin.

    Attributes:
        frequency: `(265,)` float32, the share of each bin in the photographs to train on.
    """

    centers: Tensor
    frequency: Tensor

    def __init__(self, first: int):
        super().__init__()
        self.first = first
        self.register_buffer("centers", torch.from_numpy(bin_centers().copy()), persistent=False)
        self.register_buffer("frequency", torch.full((BINS,), 1 / BINS), persistent=False)

    def forward(self, raw: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Split, and put the mean color in place of the bins.

        The mean has no gradient: bins learn by their cross-entropy alone.

        Args:
            raw: `(N, channels, h, w)` float32 at 1/4 of the resolution.
            height: H, px.
            width: W, px.

        Returns:
            `(N, channels - 263, H, W)` the other channels and Cb, Cr in [-0.5, 0.5] between them,
            and `(N, 265, h, w)` logits of the bins.
        """
        # In one operation: the gradient of each is of the size of all bins.
        widths = [self.first, BINS, raw.shape[1] - self.first - BINS]
        before, bins, after = torch.split(raw, widths, dim=1)
        with torch.no_grad():
            shares = bins.permute(0, 2, 3, 1).softmax(dim=-1)  # (N, h, w, 265)
            mean = (shares @ self.centers).permute(0, 3, 1, 2)  # (N, 2, h, w)
        planes = torch.cat([before, mean, after], dim=1)
        enlarged = functional.interpolate(planes, scale_factor=QUARTER, mode="bicubic")
        return crop(enlarged, height, width), bins

    def start(self, head: nn.Conv2d) -> None:
        """Let a fresh network predict `frequency` for every pixel; `head` is its last layer."""
        if head.bias is not None:
            with torch.no_grad():
                head.bias[self.first : self.first + BINS] = (self.frequency + RAREST_BIN).log()


def crop(raw: Tensor, height: int, width: int) -> Tensor:
    """The first rows and columns; where these are all, the planes as they are.

    A slice of all would have a gradient to copy. A traced graph is for any size, and always crops.
    """
    if not torch.onnx.is_in_onnx_export() and raw.shape[-2:] == (height, width):
        return raw
    return raw[..., :height, :width]


def reduce_output(raw: Tensor, padded: int) -> Tensor:
    """The output of any decoder at 1/4 of the resolution; `padded` is the width of its input."""
    return functional.avg_pool2d(raw, QUARTER) if raw.shape[-1] == padded else raw
