"""The context decoder: a light decoder to 1/4 of the resolution that looks at the whole photograph.

Made to be trained on a CPU, above all on stored features of a frozen encoder: convolutions are 1x1
or depthwise 3x3, whose gradients are fast there, and self-attention is at 1/32 only.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from rechroma.models.quarter_unet import HueHead

WIDTHS = (256, 192, 128, 64)  # channels at 1/32, 1/16, 1/8 and 1/4 of the resolution
BLOCKS = (1, 2, 2, 1)  # residual blocks at each of them
ATTENTIONS = 2  # layers of self-attention at 1/32
HEADS = 8  # of each
QUARTER = 4  # px of the input for one of the output, each way
DROPOUT = 0.15  # share of the encoder's features that are dropped in training
LEVELS = (5, 4, 3)  # of the encoder's feature maps, which are used: 1/32, 1/16 and 1/8


class ContextNetwork(nn.Module):
    """An encoder of smp with the context decoder.

    Args:
        encoder: of smp, for inputs of `channels`; feature maps from 1/1 to 1/32.
        channels: of the input.
        classes: channels of the output.
        hues: also predict the hue histogram of each cell of 32x32 px.
        dropout: share of the features dropped in training before hues are predicted from them.
        enlarge: enlarge the output to the size of the input.

    Attributes:
        levels: the numbers of the encoder's feature maps that are used.
    """

    levels = LEVELS

    def __init__(
        self,
        encoder: nn.Module,
        channels: int,
        classes: int,
        hues: bool,
        dropout: float = 0.0,
        enlarge: bool = True,
    ):
        super().__init__()
        self.encoder = encoder
        widths: list[int] = encoder.out_channels  # type: ignore[assignment]  # six, 1/1 to 1/32
        self.decoder = ContextDecoder([widths[level] for level in LEVELS], channels)
        self.hues = HueHead(widths[-1], dropout) if hues else None
        self.head = nn.Conv2d(WIDTHS[-1], classes, 1)
        self.enlarge = enlarge

    def forward(self, planes: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """`(N, channels, H, W)` to `(N, classes, H, W)`, H and W multiples of 32.

        Not enlarged, `(N, classes, H / 4, W / 4)`. With hues also their logits by cells,
        `(N, 181, H / 32, W / 32)`.
        """
        feature_maps = self.encoder(planes)  # (N, widths[i], H / 2**i, W / 2**i)
        decoded = self.decoder([feature_maps[level] for level in LEVELS], planes)
        output: Tensor = self.head(decoded).float()  # (N, classes, H / 4, W / 4)
        if self.enlarge:
            output = functional.interpolate(
                output.contiguous(), scale_factor=QUARTER, mode="bicubic"
            )
        if self.hues is None:
            return output
        return output, self.hues(feature_maps[-1])


class ContextDecoder(nn.Module):
    """From feature maps at 1/32, 1/16 and 1/8 to features at 1/4.

    Args:
        features: channels of the three feature maps, the deepest first.
        channels: of the network's input, which the decoder gets too: averaged at 1/32, 1/16 and
            1/8, and every pixel of it at 1/4.
    """

    def __init__(self, features: Sequence[int], channels: int):
        super().__init__()
        inputs = [width + channels for width in features] + [channels * QUARTER**2]
        self.joins = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, out, 1, bias=False), nn.BatchNorm2d(out))
            for width, out in zip(inputs, WIDTHS, strict=True)
        )
        self.attention = nn.Sequential(*(Attention(WIDTHS[0]) for _ in range(ATTENTIONS)))
        self.whole = nn.Linear(features[0], WIDTHS[0])
        self.narrow = nn.ModuleList(
            nn.Conv2d(width, out, 1, bias=False) for width, out in pairwise(WIDTHS)
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(*(Block(width) for _ in range(count)))
            for width, count in zip(WIDTHS, BLOCKS, strict=True)
        )

    def forward(self, feature_maps: Sequence[Tensor], planes: Tensor) -> Tensor:
        """Decode.

        Args:
            feature_maps: `(N, C, H / 32, W / 32)`, then those at 1/16 and at 1/8.
            planes: `(N, channels, H, W)`, the network's input.

        Returns:
            `(N, 64, H / 4, W / 4)`.
        """
        if self.training:
            feature_maps = [functional.dropout2d(each, DROPOUT) for each in feature_maps]
        # At 1/32: the features, the mean of the photograph, and attention between all cells.
        joined = self._join(0, feature_maps[0], planes)
        whole = self.whole(feature_maps[0].mean(dim=(2, 3)))  # (N, 256)
        decoded = self.blocks[0](self.attention(joined + whole[..., None, None]))
        # At 1/16 and 1/8: enlarged, and the features of that scale are added.
        for level in (1, 2):
            enlarged = _double(self.narrow[level - 1](decoded))
            decoded = self.blocks[level](enlarged + self._join(level, feature_maps[level], planes))
        # At 1/4: every pixel of the input instead of features.
        pixels = functional.pixel_unshuffle(planes, QUARTER)  # (N, channels * 16, H / 4, W / 4)
        enlarged = _double(self.narrow[2](decoded))
        joined = functional.relu(enlarged + self.joins[3](pixels))
        finest: Tensor = self.blocks[3](joined)
        return finest

    def _join(self, level: int, features: Tensor, planes: Tensor) -> Tensor:
        """`(N, WIDTHS[level], h, w)` of the features of a scale and the input averaged to it."""
        averaged = functional.avg_pool2d(planes, 2 ** LEVELS[level])
        joined: Tensor = self.joins[level](torch.cat([features, averaged], dim=1))
        return joined


class Block(nn.Module):
    """A residual block: depthwise 3x3, then two 1x1 convolutions.

    Args:
        width: channels.
    """

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False),
            nn.BatchNorm2d(width),
            nn.Conv2d(width, width, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """`(N, width, h, w)` to the same shape."""
        summed: Tensor = features + self.layers(features)
        return summed


class Attention(nn.Module):
    """Self-attention between all cells of a feature map, and a layer of two after it (pre-norm).

    Args:
        width: channels.
    """

    def __init__(self, width: int):
        super().__init__()
        self.before = nn.LayerNorm(width)
        self.queries = nn.Linear(width, 3 * width)  # and keys, and values
        self.out = nn.Linear(width, width)
        self.after = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, features: Tensor) -> Tensor:
        """`(N, width, h, w)` to the same shape."""
        cells = features.flatten(2).transpose(1, 2)  # (N, cells, width)
        # Three times (N, heads, cells, width / heads).
        queries, keys, values = (
            part.unflatten(2, (HEADS, -1)).transpose(1, 2)
            for part in self.queries(self.before(cells)).chunk(3, dim=2)
        )
        scores = queries @ keys.transpose(2, 3) * queries.shape[-1] ** -0.5
        mixed = (scores.softmax(dim=-1) @ values).transpose(1, 2).flatten(2)  # (N, cells, width)
        cells = cells + self.out(mixed)
        cells = cells + self.after(cells)
        planes: Tensor = cells.transpose(1, 2).reshape(features.shape)
        return planes


def _double(features: Tensor) -> Tensor:
    """`(N, C, h, w)` enlarged to `(N, C, 2h, 2w)`."""
    return functional.interpolate(features, scale_factor=2, mode="bilinear")
