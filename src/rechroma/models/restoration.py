"""The restoration network: predicts color, gray, damage and hues by one or two networks."""

import traceback
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from rechroma.errors import UserError
from rechroma.imaging.color import to_rgb
from rechroma.models.bin_output import BINS, QUARTER, BinOutput, crop, reduce_output
from rechroma.models.factory import build_network
from rechroma.models.weights import BUNDLED, load_bundled_weights, load_weights
from rechroma.settings import STRIDE, Model

HEAD_SCALE = 0.03  # of the last layer's usual first weights
RAREST_HUE = 1e-5  # share that a fresh network predicts for a hue which no photograph has


class Prediction(NamedTuple):
    """What the network predicts for N photographs.

    Attributes:
        color: `(N, 3, H, W)` float32; luma in [0, 1] with Cb, Cr in [-0.5, 0.5] for
            `luma_chroma` and `chroma_bins`, RGB in [0, 1] for `rgb`.
        gray: `(N, 1, H, W)` float32 in [0, 1], the first stage's restored gray, or None.
        damage: `(N, 1, H, W)` float32 logits of the segmented damage, or None.
        hues: `(N, 181, h, w)` float32 logits of the hue histogram of each cell, or None; a single
            cell where the network predicts one histogram for the whole photograph.
        bins: `(N, 265, h, w)` float32 logits of the bins of chroma, at 1/4 of H and W rounded up,
            or None. `color` has their mean.
    """

    color: Tensor
    gray: Tensor | None
    damage: Tensor | None
    hues: Tensor | None
    bins: Tensor | None = None


class RestorationNetwork(nn.Module):
    """Predicts the color of gray photographs and the gray of their lost part.

    Args:
        settings: the encoder and decoder, their first weights, inputs and outputs.

    Raises:
        UserError: an unknown encoder or decoder, two that do not go together, or starting weights
            that are missing or of another network.
    """

    def __init__(self, settings: Model):
        super().__init__()
        self.settings = settings
        # Input: luma, and the mask beside it. Output: the color's planes, then the damage's logits.
        channels = 2 if settings.mask else 1
        colors = 1 + BINS if settings.output == "chroma_bins" else 3
        if settings.two_stage and settings.output != "rgb":
            colors -= 1  # the first stage has the gray
        damage = 1 if settings.segmentation else 0
        # Two stages: the first restores the gray, the second one colors it.
        self.gray_network: nn.Module | None = None
        if settings.two_stage:
            self.gray_network = build_network(settings, channels, 1 + damage)
        else:
            colors += damage
        enlarge = settings.output != "chroma_bins"
        self.color_network = build_network(settings, channels, colors, settings.hues, enlarge)
        first = 0 if settings.two_stage else 1
        self.bins = BinOutput(first) if settings.output == "chroma_bins" else None
        # With a fill, the output is a difference from it: fresh networks start near zero.
        if settings.output != "rgb" and settings.fill != "none":
            for network in filter(None, (self.gray_network, self.color_network)):
                _scale_head(network)
        # ImageNet's weights were loaded with the encoder; all others are of the whole network.
        if settings.weights == BUNDLED:
            load_bundled_weights(self)
        elif settings.weights not in ("none", "imagenet"):
            load_weights(self, Path(settings.weights))
        for encoder in self._frozen_encoders():
            encoder.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """As in torch; frozen encoders stay in evaluation mode.

        Not by smp's `freeze_encoder`: with it the encoder's dropout stays active, in evaluation
        too, and the quarter-resolution U-Net is no model of smp.
        """
        super().train(mode)
        for encoder in self._frozen_encoders():
            encoder.eval()
        return self

    def forward(self, luma: Tensor, mask: Tensor) -> Prediction:
        """Predict from gray photographs.

        Args:
            luma: `(N, 1, H, W)` uint8 gray, its holes filled by `model.fill`. Not yet
                floating point, because Fabric would round that to bfloat16 on its way in.
            mask: `(N, 1, H, W)` bool, True where lost.

        Raises:
            UserError: the encoder does not take photographs of this size.
        """
        luma, mask = luma.float() / 255, mask.float()
        if self.gray_network is None:
            # One stage: gray, color and damage from the same network.
            raw, bins, hues = self._run_color_network(self._stack_inputs(luma, mask))
            raw, damage = self._split_damage(raw)
            gray = None
            color = self._color_from_raw(raw, luma)
        else:
            # First stage: the gray of the holes.
            raw, damage = self._split_damage(
                _run(self.gray_network, self._stack_inputs(luma, mask))[0]
            )
            gray = self._keep_known(luma, self._luma_from_raw(raw, luma), mask)  # (N, 1, H, W)
            # Second stage: color for the restored gray, which stays the luma of `luma_chroma`.
            raw, bins, hues = self._run_color_network(self._stack_inputs(gray, mask))
            color = self._color_from_raw(torch.cat([gray - self._fill(gray), raw], 1), gray)
        # Known luma is put back; for `rgb` that is done when a photograph is restored.
        if self.settings.output != "rgb":
            color = torch.cat([self._keep_known(luma, color[:, :1], mask), color[:, 1:]], dim=1)
        return Prediction(color, gray, damage, hues, bins)

    def start_hues(self, mean: NDArray[np.float32]) -> None:
        """Let a fresh network predict the mean histogram, `(181,)` shares, for every photograph."""
        last = [layer for layer in self.color_network.modules() if isinstance(layer, nn.Linear)][-1]
        with torch.no_grad():
            last.bias.copy_(torch.from_numpy(mean + RAREST_HUE).log())

    def start_bins(self, frequency: NDArray[np.float32], fresh: bool) -> None:
        """Tell the network how often photographs have each bin of chroma, `(265,)` shares.

        A fresh network predicts these for every pixel.
        """
        if self.bins is None:
            raise ValueError("Expected a network that predicts bins of chroma. But got another.")
        self.bins.frequency.copy_(torch.from_numpy(frequency))
        if fresh:
            self.bins.start(_head(self.color_network))

    def rgb(self, color: Tensor) -> Tensor:
        """`Prediction.color` as `(N, 3, H, W)` RGB, which may leave [0, 1] a little."""
        return color if self.settings.output == "rgb" else to_rgb(color)

    def _frozen_encoders(self) -> list[nn.Module]:
        """The encoders that keep their first weights; the plain network has none."""
        if not self.settings.frozen or self.settings.weights == "none":
            return []
        networks = (self.gray_network, self.color_network)
        encoders = [getattr(network, "encoder", None) for network in networks]
        return [encoder for encoder in encoders if encoder is not None]

    def _stack_inputs(self, luma: Tensor, mask: Tensor) -> Tensor:
        """`(N, 1 or 2, H, W)`: luma in [-2, 2], and the mask where the network has it as input."""
        centered = 4 * (luma - 0.5)
        return torch.cat([centered, mask], dim=1) if self.settings.mask else centered

    def _run_color_network(self, planes: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Raw output, with the mean color in place of bins; the bins' logits; the hues' logits."""
        if self.bins is None:
            raw, hues = _run(self.color_network, planes)
            return raw, None, hues
        raw, hues = _run(self.color_network, planes, quarter=True)
        raw, bins = self.bins(raw, *planes.shape[-2:])
        return raw, bins, hues

    def _split_damage(self, raw: Tensor) -> tuple[Tensor, Tensor | None]:
        """Raw output without its last channel, and that: the logits of the damage."""
        return (raw[:, :-1], raw[:, -1:]) if self.settings.segmentation else (raw, None)

    def _keep_known(self, known: Tensor, predicted: Tensor, mask: Tensor) -> Tensor:
        """Predicted luma in the holes, and with `model.keep_gray` the known one around them."""
        return torch.lerp(known, predicted, mask) if self.settings.keep_gray else predicted

    def _fill(self, luma: Tensor) -> Tensor:
        """The luma that raw output is a difference from: the fill, or without one middle gray."""
        return torch.full_like(luma, 0.5) if self.settings.fill == "none" else luma

    def _luma_from_raw(self, raw: Tensor, luma: Tensor) -> Tensor:
        return self._fill(luma) + raw[:, :1]

    def _color_from_raw(self, raw: Tensor, luma: Tensor) -> Tensor:
        """`(N, 3, H, W)` as `Prediction.color`, from raw output in three channels."""
        if self.settings.output == "rgb":
            return torch.sigmoid(raw[:, -3:])
        chroma = 0.5 * torch.tanh(raw[:, 1:3]) if self.bins is None else raw[:, 1:3]
        return torch.cat([self._luma_from_raw(raw, luma), chroma], dim=1)


def _scale_head(network: nn.Module) -> None:
    """Let a fresh network start at the fill and at gray, and not at noise."""
    head = _head(network)
    with torch.no_grad():
        head.weight *= HEAD_SCALE
        if head.bias is not None:
            head.bias.zero_()


def _head(network: nn.Module) -> nn.Conv2d:
    """The last convolution of a network."""
    return [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)][-1]


def _run(network: nn.Module, planes: Tensor, quarter: bool = False) -> tuple[Tensor, Tensor | None]:
    """The network's output for `(N, channels, H, W)` planes of any size.

    Returns:
        `(N, classes, H, W)` float32, or with `quarter` at 1/4 of H and W rounded up; and
        `(N, 181, h, w)` float32 logits of the hues, or None where the network predicts none.
    """
    # The encoder takes multiples of 32 px: pad the right and lower sides, and crop afterwards.
    height, width = planes.shape[-2:]
    padded = functional.pad(planes, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
    try:
        output = network(padded)
    except AssertionError as error:
        # Timm asserts that its windows fit the photograph (swin, maxvit, halonet). Its encoders
        # have no common attribute to check instead. Other assertions keep their traceback.
        if not _passed_timm(error):
            raise
        raise UserError(
            f"the encoder does not take photographs of {padded.shape[-1]}x{padded.shape[-2]} px "
            f"({error}), choose another model.encoder"
        ) from error
    raw, hues = output if isinstance(output, tuple) else (output, None)
    if quarter:
        raw = reduce_output(raw, padded.shape[-1])
        # Rounded up; of positive numbers, as a traced graph rounds quotients towards zero.
        height, width = ((side + QUARTER - 1) // QUARTER for side in (height, width))
    raw = crop(raw, height, width).float()
    if not quarter:  # bins are faster with those of a pixel side by side, all else contiguous
        raw = raw.contiguous()
    if hues is None:
        return raw, None
    # One histogram for the whole photograph, (N, 181), is that of a single cell.
    hues = hues.float()
    return raw, hues if hues.ndim == 4 else hues[..., None, None]


def _passed_timm(error: Exception) -> bool:
    """Whether `error` was raised by timm, or by what it called."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return any(frame.f_globals.get("__name__", "").startswith("timm.") for frame in frames)
