"""The discriminator of the reference report: a PatchGAN."""

import torch
from torch import Tensor, nn

from rechroma.settings import Discriminator


class PatchGAN(nn.Module):
    """Classifies overlapping patches of 70 px as target or restored (Isola et al. 2017).

    Args:
        settings: `channels` of the first layer; the deeper ones have 2, 4 and 8 times as many.
    """

    def __init__(self, settings: Discriminator):
        super().__init__()
        widths = [settings.channels * factor for factor in (1, 2, 4, 8)]
        layers: list[nn.Module] = [nn.Conv2d(4, widths[0], 4, 2, 1), nn.LeakyReLU(0.2)]
        for depth, (width, stride) in enumerate(zip(widths[1:], (2, 2, 1), strict=True)):
            layers += [
                nn.Conv2d(widths[depth], width, 4, stride, 1, bias=False),
                nn.InstanceNorm2d(width, affine=True),
                nn.LeakyReLU(0.2),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 1, 1))

    def forward(self, luma: Tensor, rgb: Tensor) -> Tensor:
        """Logits that each patch is of a target.

        Args:
            luma: `(N, 1, H, W)` float in [0, 1], the gray photograph.
            rgb: `(N, 3, H, W)` float in [0, 1], its target or its restoration.

        Returns:
            `(N, 1, H/8-2, W/8-2)` float32.
        """
        logits: Tensor = self.layers(2 * torch.cat([luma, rgb], dim=1) - 1)
        return logits.float()
