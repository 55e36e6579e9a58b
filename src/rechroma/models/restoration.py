"""The network that restores, made by name: ours, the reference report's, or smp's."""

from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from rechroma.errors import UserError
from rechroma.imaging.color import to_rgb
from rechroma.models.factory import build_network
from rechroma.models.weights import BUNDLED, load_bundled_weights, load_weights
from rechroma.settings import STRIDE, Model

HEAD_SCALE = 0.03  # of the last layer's first weights
RAREST_HUE = 1e-5  # share that a fresh network gives a hue which no photograph has


class Prediction(NamedTuple):
    """What the network says of N photographs.

    Attributes:
        color: `(N, 3, H, W)` float32; luma in [0, 1] with Cb, Cr in [-0.5, 0.5] for
            `luma_chroma`, RGB in [0, 1] for `rgb`.
        gray: `(N, 1, H, W)` float32 in [0, 1], the first stage's restored gray, or None.
        damage: `(N, 1, H, W)` float32 logits of the segmented damage, or None.
        hues: `(N, 181, h, w)` float32 logits of the hue histogram of each place, or None; one place
            where the network takes the photograph as a whole.
    """

    color: Tensor
    gray: Tensor | None
    damage: Tensor | None
    hues: Tensor | None


class RestorationNetwork(nn.Module):
    """Predicts the color of gray photographs and the gray of their lost part.

    Raises:
        UserError: an encoder, decoder or starting weights that are not to be had.
    """

    def __init__(self, settings: Model):
        super().__init__()
        self.settings = settings
        channels = 2 if settings.mask else 1
        colors = 2 if settings.two_stage and settings.output == "luma_chroma" else 3
        damage = 1 if settings.segmentation else 0
        if settings.two_stage:
            self.gray_network: nn.Module | None = build_network(settings, channels, 1 + damage)
            self.color_network = build_network(settings, channels, colors, settings.hues)
        else:
            self.gray_network = None
            self.color_network = build_network(settings, channels, colors + damage, settings.hues)
        if settings.output == "luma_chroma" and settings.fill != "none":
            for network in filter(None, (self.gray_network, self.color_network)):
                _quiet_head(network)
        if settings.weights == BUNDLED:
            load_bundled_weights(self)
        elif settings.weights not in ("none", "imagenet"):
            load_weights(self, Path(settings.weights))
        for encoder in self._frozen():
            encoder.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """As in torch; what is frozen keeps its running means too."""
        super().train(mode)
        for encoder in self._frozen():
            encoder.eval()
        return self

    def forward(self, luma: Tensor, mask: Tensor) -> Prediction:
        """Predict from gray photographs.

        Args:
            luma: `(N, 1, H, W)` uint8 gray; in the hole, what `model.fill` puts there. Not yet
                floating point, because Fabric would round that to bfloat16 on its way in.
            mask: `(N, 1, H, W)` bool, True where lost.
        """
        luma, mask = luma.float() / 255, mask.float()
        if self.gray_network is None:
            raw, hues = _run(self.color_network, self._see(luma, mask))
            raw, damage = self._split(raw)
            gray = None
            color = self._color(raw, luma)
        else:
            raw, damage = self._split(_run(self.gray_network, self._see(luma, mask))[0])
            gray = self._keep(luma, self._luma(raw, luma), mask)
            raw, hues = _run(self.color_network, self._see(gray, mask))
            color = self._color(torch.cat([gray - self._base(gray), raw], 1), gray)
        if self.settings.output == "luma_chroma":
            color = torch.cat([self._keep(luma, color[:, :1], mask), color[:, 1:]], dim=1)
        return Prediction(color, gray, damage, hues)

    def _frozen(self) -> list[nn.Module]:
        """The encoders that keep the weights they start with; the plain network has none."""
        if not self.settings.frozen or self.settings.weights == "none":
            return []
        networks = (self.gray_network, self.color_network)
        found = [getattr(network, "encoder", None) for network in networks]
        return [encoder for encoder in found if encoder is not None]

    def start_hues(self, mean: NDArray[np.float32]) -> None:
        """Let a fresh network take every photograph for the mean one, `(181,)` shares of hues."""
        last = [layer for layer in self.color_network.modules() if isinstance(layer, nn.Linear)][-1]
        with torch.no_grad():
            last.bias.copy_(torch.from_numpy(mean + RAREST_HUE).log())

    def rgb(self, color: Tensor) -> Tensor:
        """`Prediction.color` as `(N, 3, H, W)` RGB, which may leave [0, 1] a little."""
        return to_rgb(color) if self.settings.output == "luma_chroma" else color

    def _see(self, luma: Tensor, mask: Tensor) -> Tensor:
        centered = 4 * (luma - 0.5)
        return torch.cat([centered, mask], dim=1) if self.settings.mask else centered

    def _keep(self, known: Tensor, predicted: Tensor, mask: Tensor) -> Tensor:
        return torch.lerp(known, predicted, mask) if self.settings.keep_gray else predicted

    def _split(self, raw: Tensor) -> tuple[Tensor, Tensor | None]:
        return (raw[:, :-1], raw[:, -1:]) if self.settings.segmentation else (raw, None)

    def _base(self, luma: Tensor) -> Tensor:
        """What a predicted luma is a difference from: the fill, where there is one."""
        return torch.full_like(luma, 0.5) if self.settings.fill == "none" else luma

    def _luma(self, raw: Tensor, luma: Tensor) -> Tensor:
        return self._base(luma) + raw[:, :1]

    def _color(self, raw: Tensor, luma: Tensor) -> Tensor:
        if self.settings.output == "rgb":
            return torch.sigmoid(raw[:, -3:])
        return torch.cat([self._luma(raw, luma), 0.5 * torch.tanh(raw[:, 1:3])], dim=1)


def _quiet_head(network: nn.Module) -> None:
    """Let a fresh network say nearly nothing: it starts at the fill and at gray, not at noise."""
    head = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)][-1]
    with torch.no_grad():
        head.weight *= HEAD_SCALE
        if head.bias is not None:
            head.bias.zero_()


def _run(network: nn.Module, seen: Tensor) -> tuple[Tensor, Tensor | None]:
    """The network's output in float32 at the input's size, padded to the stride meanwhile.

    Plane by plane in memory, whatever the network's layout: what follows is faster on planes.
    Beside it what the network says of the hues, if anything: `(N, 181, h, w)` logits by places.
    """
    height, width = seen.shape[-2:]
    padded = functional.pad(seen, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
    try:
        output = network(padded)
    except AssertionError as error:  # how timm refuses what its windows do not fit
        raise UserError(
            f"the encoder does not take photographs of {padded.shape[-1]}x{padded.shape[-2]} px "
            f"({error}), choose another model.encoder"
        ) from error
    planes, hues = output if isinstance(output, tuple) else (output, None)
    planes = planes[..., :height, :width]
    planes = planes.to(torch.float32, memory_format=torch.contiguous_format)
    if hues is None:
        return planes, None
    hues = hues.float()
    return planes, hues if hues.ndim == 4 else hues[..., None, None]
