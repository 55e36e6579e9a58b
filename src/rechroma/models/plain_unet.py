"""The plain U-Net of the reference report."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from rechroma.imaging.hue import HUES


def _double_convolution(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(inplace=True),
    )


class PlainUNet(nn.Module):
    """The reference report's U-Net: 64…1024 channels, no normalization, bilinear upsampling.

    Args:
        channels: of the input.
        classes: channels of the output.
        hues: also predict the hue histogram of the whole photograph.
    """

    WIDTHS = (64, 128, 256, 512, 1024)

    def __init__(self, channels: int, classes: int, hues: bool = False):
        super().__init__()
        inputs = (channels, *self.WIDTHS[:-1])
        self.down = nn.ModuleList(map(_double_convolution, inputs, self.WIDTHS))
        pairs = list(zip(self.WIDTHS[:0:-1], self.WIDTHS[-2::-1], strict=True))
        self.up = nn.ModuleList(_double_convolution(deep + skip, skip) for deep, skip in pairs)
        self.head = nn.Conv2d(self.WIDTHS[0], classes, 1)
        self.hues = nn.Linear(self.WIDTHS[-1], HUES + 1) if hues else None

    def forward(self, planes: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """`(N, channels, H, W)` to `(N, classes, H, W)`, and with hues their `(N, 181)` logits.

        H and W are multiples of 16.
        """
        # Down: each stage halves the planes, but the first.
        feature_maps: list[Tensor] = []  # (N, WIDTHS[i], H / 2**i, W / 2**i)
        for stage in self.down:
            planes = stage(functional.max_pool2d(planes, 2) if feature_maps else planes)
            feature_maps.append(planes)
        # The photograph's hues are predicted from the mean of the deepest features.
        mean = planes.mean(dim=(2, 3))  # (N, 1024)
        # Up: each stage doubles the planes and joins the feature map of their size.
        for stage, skip in zip(self.up, feature_maps[-2::-1], strict=True):
            planes = functional.interpolate(planes, scale_factor=2.0, mode="bilinear")
            planes = stage(torch.cat([planes, skip], dim=1))
        output: Tensor = self.head(planes)
        return output if self.hues is None else (output, self.hues(mean))
