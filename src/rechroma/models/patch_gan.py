"""The discriminator of the reference report: a PatchGAN."""

import torch
from torch import Tensor, nn

from rechroma.settings import Discriminator


class PatchGAN(nn.Module):
    """Tells true photographs from restored ones, patch by patch of 70 px (Isola et al. 2017)."""

    def __init__(self, settings: Discriminator):
        super().__init__()
        widths = [settings.channels * factor for factor in (1, 2, 4, 8)]
        layers: list[nn.Module] = [nn.Conv2d(4, widths[0], 4, 2, 1), nn.LeakyReLU(0.2)]
        for deep, (width, stride) in enumerate(zip(widths[1:], (2, 2, 1), strict=True)):
            layers += [
                nn.Conv2d(widths[deep], width, 4, stride, 1, bias=False),
                nn.InstanceNorm2d(width, affine=True),
                nn.LeakyReLU(0.2),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 1, 1))

    def forward(self, luma: Tensor, rgb: Tensor) -> Tensor:
        """`(N, 1, H, W)` and `(N, 3, H, W)` in [0, 1] to `(N, 1, H/8-2, W/8-2)` logits."""
        logits: Tensor = self.layers(2 * torch.cat([luma, rgb], dim=1) - 1)
        return logits.float()
