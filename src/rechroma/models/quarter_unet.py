"""The quarter-resolution U-Net: colors at 1/4 of the resolution, and hues of each cell."""

import torch
from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder
from torch import Tensor, nn
from torch.nn import functional

from rechroma.imaging.hue import HUES

WIDTHS = (256, 128, 64)  # channels of the decoder at 1/16, 1/8 and 1/4 of the resolution
HUE_WIDTH = 512  # channels of the layer between features and hues
HUE_SCALE = 0.1  # of the last layer's usual first weights: a fresh network predicts nearly one hue


class QuarterUNet(nn.Module):
    """A U-Net over any encoder of smp whose decoder stops at 1/4 of the resolution.

    Chroma and a smooth fill need no more, and the expensive layers are the fine ones. The decoder
    gets the network's input at each of its scales too. With a frozen encoder that is the only way
    to the mask: ImageNet's encoders know none.

    Args:
        encoder: of smp, for inputs of `channels`; feature maps from 1/1 to 1/32.
        channels: of the input.
        classes: channels of the output.
        hues: also predict the hue histogram of each cell of 32x32 px.
        dropout: share of the features dropped in training before hues are predicted from them.
    """

    def __init__(
        self,
        encoder: nn.Module,
        channels: int,
        classes: int,
        hues: bool,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.encoder = encoder
        widths: list[int] = encoder.out_channels  # type: ignore[assignment]  # six, 1/1 to 1/32
        self.decoder = UnetDecoder(
            [width + channels for width in widths], WIDTHS, n_blocks=len(WIDTHS)
        )
        self.hues = HueHead(widths[-1], dropout) if hues else None
        self.head = nn.Conv2d(WIDTHS[-1], classes, 3, padding=1)

    def forward(self, planes: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """`(N, channels, H, W)` to `(N, classes, H, W)`, H and W multiples of 32.

        With hues also their logits by cells, `(N, 181, H / 32, W / 32)`.
        """
        # Feature maps at 1/1, 1/2 … 1/32.
        feature_maps = self.encoder(planes)  # (N, widths[i], H / 2**i, W / 2**i)
        # The input, averaged to its scale, is concatenated with each of them.
        with_input = [
            torch.cat([features, functional.avg_pool2d(planes, 2**halvings)], dim=1)
            for halvings, features in enumerate(feature_maps)
        ]
        # The decoder climbs from 1/32 to 1/4; from there on the output is enlarged.
        quarter = self.head(self.decoder(with_input)).float()  # (N, classes, H / 4, W / 4)
        full = functional.interpolate(quarter.contiguous(), scale_factor=4, mode="bicubic")
        if self.hues is None:
            return full
        # Hues are predicted from the deepest features, one histogram for each of their cells.
        return full, self.hues(feature_maps[-1])


class HueHead(nn.Module):
    """Predicts the hue histogram of each cell from its features and the photograph's mean.

    Args:
        features: channels of the deepest feature map.
        dropout: share of the features, and of the layer after them, dropped in training.
    """

    def __init__(self, features: int, dropout: float):
        super().__init__()
        # The attribute names are in files of weights: whole (photograph), place (cell), said (out).
        self.whole = _projection(features, dropout)
        self.place = _projection(features, dropout)
        last = nn.Linear(HUE_WIDTH, HUES + 1)
        with torch.no_grad():
            last.weight *= HUE_SCALE
        self.said = nn.Sequential(nn.GELU(), nn.Dropout(dropout), last)

    def forward(self, features: Tensor) -> Tensor:
        """From the deepest feature map, `(N, C, h, w)`, to `(N, 181, h, w)` logits."""
        cells = features.flatten(2).transpose(1, 2)  # (N, cells, C)
        mean = cells.mean(dim=1, keepdim=True)  # (N, 1, C)
        logits: Tensor = self.said(self.whole(mean) + self.place(cells))  # (N, cells, 181)
        return logits.transpose(1, 2).reshape(features.shape[0], HUES + 1, *features.shape[2:])


def _projection(features: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(features), nn.Dropout(dropout), nn.Linear(features, HUE_WIDTH)
    )
