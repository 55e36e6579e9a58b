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
    """The reference report's U-Net: 64…1024 channels, no normalization, bilinear upsampling."""

    WIDTHS = (64, 128, 256, 512, 1024)

    def __init__(self, channels: int, classes: int, hues: bool = False):
        super().__init__()
        inputs = (channels, *self.WIDTHS[:-1])
        self.down = nn.ModuleList(map(_double_convolution, inputs, self.WIDTHS))
        pairs = list(zip(self.WIDTHS[:0:-1], self.WIDTHS[-2::-1], strict=True))
        self.up = nn.ModuleList(_double_convolution(deep + skip, skip) for deep, skip in pairs)
        self.head = nn.Conv2d(self.WIDTHS[0], classes, 1)
        self.hues = nn.Linear(self.WIDTHS[-1], HUES + 1) if hues else None

    def forward(self, seen: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """`(N, channels, H, W)` to `(N, classes, H, W)`, and with hues their `(N, 181)` logits.

        H and W are multiples of 16.
        """
        feature_maps: list[Tensor] = []
        for stage in self.down:
            seen = stage(functional.max_pool2d(seen, 2) if feature_maps else seen)
            feature_maps.append(seen)
        whole = seen.mean(dim=(2, 3))
        for stage, skip in zip(self.up, feature_maps[-2::-1], strict=True):
            seen = functional.interpolate(seen, scale_factor=2.0, mode="bilinear")
            seen = stage(torch.cat([seen, skip], dim=1))
        output: Tensor = self.head(seen)
        return output if self.hues is None else (output, self.hues(whole))
