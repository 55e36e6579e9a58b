"""The quarter U-Net: colors at 1/4 of the resolution, and the photograph's hues beside them."""

import segmentation_models_pytorch as smp
import torch
from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder
from torch import Tensor, nn
from torch.nn import functional

from rechroma.imaging.hue import HUES

WIDTHS = (256, 128, 64)  # of the decoder at 1/16, 1/8 and 1/4 of the resolution
HUE_WIDTH = 512  # of the layer between features and hues
QUIET = 0.1  # of the usual first weights: fresh, it takes photographs for nearly the same


class QuarterUNet(nn.Module):
    """A U-Net over any encoder of smp whose decoder stops at 1/4 of the resolution.

    Chroma and a smooth fill need no more, and the dear layers are the fine ones. The decoder sees
    what the encoder sees at each of its scales too, which an encoder that does not learn needs:
    ImageNet's knows nothing of masks.
    """

    def __init__(
        self,
        encoder: str,
        weights: str | None,
        channels: int,
        classes: int,
        hues: bool,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.encoder = smp.encoders.get_encoder(encoder, in_channels=channels, weights=weights)
        widths = self.encoder.out_channels
        seen_too = [width + channels for width in widths]
        self.decoder = UnetDecoder(seen_too, WIDTHS, n_blocks=len(WIDTHS))
        self.hues = HueHead(widths[-1], dropout) if hues else None
        self.head = nn.Conv2d(WIDTHS[-1], classes, 3, padding=1)

    def forward(self, seen: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """`(N, channels, H, W)` to `(N, classes, H, W)`, with hues also their logits by places.

        Those are `(N, 181, H / 32, W / 32)`; H and W are multiples of 32.
        """
        feature_maps = self.encoder(seen)
        with_seen = [
            torch.cat([features, functional.avg_pool2d(seen, 2**halvings)], dim=1)
            for halvings, features in enumerate(feature_maps)
        ]
        quarter = self.head(self.decoder(with_seen)).float()
        full = functional.interpolate(quarter.contiguous(), scale_factor=4, mode="bicubic")
        if self.hues is None:
            return full
        return full, self.hues(feature_maps[-1])


class HueHead(nn.Module):
    """What hues each place of a photograph is taken to have."""

    def __init__(self, features: int, dropout: float):
        super().__init__()
        self.whole = _description(features, dropout)
        self.place = _description(features, dropout)
        last = nn.Linear(HUE_WIDTH, HUES + 1)
        with torch.no_grad():
            last.weight *= QUIET
        self.said = nn.Sequential(nn.GELU(), nn.Dropout(dropout), last)

    def forward(self, features: Tensor) -> Tensor:
        """From the deepest feature map, `(N, C, H, W)`, to `(N, 181, H, W)` logits."""
        places = features.flatten(2).transpose(1, 2)  # (N, places, C)
        whole = places.mean(dim=1, keepdim=True)
        logits: Tensor = self.said(self.whole(whole) + self.place(places))
        return logits.transpose(1, 2).reshape(features.shape[0], HUES + 1, *features.shape[2:])


def _description(features: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(features), nn.Dropout(dropout), nn.Linear(features, HUE_WIDTH)
    )
