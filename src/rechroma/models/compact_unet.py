"""A small U-Net that starts at half of the resolution: fast on a CPU, and in float16 few MB."""

import torch
from torch import Tensor, nn
from torch.nn import functional

STEM = 2  # px; squares of this side become channels, so that no pixel is lost


class CompactUNet(nn.Module):
    """A U-Net of plain 3x3 convolutions with batch normalization.

    Full-resolution feature maps are the slowest part of a U-Net. Here each square of 2x2 px becomes
    channels of one cell, the U-Net works on those, and its output is enlarged.

    Args:
        channels: of the input.
        classes: channels of the output.
        widths: channels of each scale, from 1/2 of the resolution down.
    """

    def __init__(self, channels: int, classes: int, widths: tuple[int, ...]):
        super().__init__()
        inputs = (channels * STEM * STEM, *widths[:-1])
        self.down = nn.ModuleList(map(_double_convolution, inputs, widths))
        pairs = zip(widths[:0:-1], widths[-2::-1], strict=True)
        self.up = nn.ModuleList(_double_convolution(deep + skip, skip) for deep, skip in pairs)
        self.head = nn.Conv2d(widths[0], classes * STEM * STEM, 1)

    def forward(self, planes: Tensor) -> Tensor:
        """`(N, channels, H, W)` to `(N, classes, H, W)`, H and W even."""
        planes = functional.pixel_unshuffle(planes, STEM)  # (N, 4 channels, H / 2, W / 2)
        planes = planes.contiguous(memory_format=torch.channels_last)
        # Down: each stage halves the planes, but the first.
        feature_maps: list[Tensor] = []  # (N, widths[i], H / 2**(i + 1), W / 2**(i + 1))
        for stage in self.down:
            if feature_maps:
                planes = functional.max_pool2d(planes, 2, ceil_mode=True)
            planes = stage(planes)
            feature_maps.append(planes)
        # Up: each stage enlarges the planes to the feature map of the next scale and joins it.
        for stage, skip in zip(self.up, feature_maps[-2::-1], strict=True):
            planes = functional.interpolate(planes, size=skip.shape[2:])
            planes = stage(torch.cat([planes, skip], dim=1))
        return functional.pixel_shuffle(self.head(planes), STEM)


def _double_convolution(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)),
        nn.ReLU(inplace=True),
        *(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)),
        nn.ReLU(inplace=True),
    )
