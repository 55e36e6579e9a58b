"""The quarter U-Net: colors at 1/4 of the resolution, and the photograph's hues beside them."""

import segmentation_models_pytorch as smp
import torch
from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder
from torch import Tensor, nn
from torch.nn import functional

from rechroma.hues import HUES

WIDTHS = (256, 128, 64)  # of the decoder at 1/16, 1/8 and 1/4 of the resolution
QUIET = 0.1  # of the usual first weights: fresh, it takes photographs for nearly the same


class QuarterUNet(nn.Module):
    """A U-Net over any encoder of smp whose decoder stops at 1/4 of the resolution.

    Chroma and a smooth fill need no more, and the dear layers are the fine ones.
    """

    def __init__(self, encoder: str, weights: str | None, channels: int, classes: int, hues: bool):
        super().__init__()
        self.encoder = smp.encoders.get_encoder(encoder, in_channels=channels, weights=weights)
        widths = self.encoder.out_channels
        self.decoder = UnetDecoder(widths, WIDTHS, n_blocks=len(WIDTHS))
        self.hues = nn.Linear(widths[-1], HUES + 1) if hues else None
        self.head = nn.Conv2d(WIDTHS[-1], classes, 3, padding=1)
        if self.hues is not None:
            with torch.no_grad():
                self.hues.weight *= QUIET

    def forward(self, seen: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """`(N, channels, H, W)` to `(N, classes, H, W)`, and with hues their `(N, 181)` logits.

        H and W are multiples of 32.
        """
        feature_maps = self.encoder(seen)
        quarter = self.head(self.decoder(feature_maps)).float()
        full = functional.interpolate(quarter.contiguous(), scale_factor=4, mode="bicubic")
        if self.hues is None:
            return full
        return full, self.hues(feature_maps[-1].mean(dim=(2, 3)))
