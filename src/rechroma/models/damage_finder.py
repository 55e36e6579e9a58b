"""The network that finds damage on gray photographs, and its files of weights."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from rechroma.errors import UserError, unknown
from rechroma.imaging.print_damage import GROUPS
from rechroma.models.card import METADATA, embedded_card
from rechroma.models.compact_unet import CompactUNet
from rechroma.models.factory import encoder_name, library_refusals
from rechroma.models.weights import load_weights
from rechroma.outputs import whole_file
from rechroma.settings import Finder

CLASSES = 1 + len(GROUPS)  # undamaged, and each group
PLANES = 2  # gray; gray less its surroundings
SCALES = 5  # of a U-Net of smp, at most
PRIOR = 3.0  # logit of undamaged in a fresh network
SURROUNDINGS = 16  # px; averages over squares of this side, joined smoothly: a blur of sigma 8


class DamageFinder(nn.Module):
    """A network from a gray photograph to the group of damage of each pixel.

    Args:
        settings: encoder, decoder and channels.

    Raises:
        UserError: no such encoder or decoder, or a decoder that does not take the encoder.
    """

    def __init__(self, settings: Finder):
        super().__init__()
        self.settings = settings
        self.network = _build(settings)
        # Most of a print is undamaged: a fresh network need not learn that first.
        self.prior = nn.Parameter(torch.tensor([PRIOR] + [0.0] * len(GROUPS)))

    def forward(self, luma: Tensor) -> Tensor:
        """The logits of each pixel: undamaged, and each of `GROUPS`.

        Args:
            luma: `(N, 1, H, W)` uint8; H and W multiples of 32.

        Returns:
            `(N, 5, H, W)` float32.
        """
        logits: Tensor = self.network(finder_planes(luma)).float()
        return logits + self.prior[:, None, None]


def finder_planes(luma: Tensor) -> Tensor:
    """What the network sees of a photograph: `(N, 2, H, W)` float32, gray and local contrast.

    Args:
        luma: `(N, 1, H, W)` uint8; H and W multiples of 16.
    """
    gray = luma.float() / 255 - 0.5
    means = functional.avg_pool2d(gray, SURROUNDINGS)
    around = functional.interpolate(means, scale_factor=float(SURROUNDINGS), mode="bilinear")
    return torch.cat([2 * gray, 6 * (gray - around)], dim=1)


def _build(settings: Finder) -> nn.Module:
    if settings.encoder == "compact":
        return CompactUNet(PLANES, CLASSES, settings.channels)
    import segmentation_models_pytorch as smp

    if settings.decoder not in smp.MODEL_ARCHITECTURES_MAPPING:
        raise unknown("finder.decoder", settings.decoder, smp.MODEL_ARCHITECTURES_MAPPING)
    name = encoder_name(settings.encoder, "finder.encoder", "compact")
    options: dict[str, Any] = {}
    if settings.decoder in ("unet", "unetplusplus", "manet"):  # which take a width for each scale
        channels = settings.channels[:SCALES]
        options = {"encoder_depth": len(channels), "decoder_channels": channels[::-1]}
    with library_refusals(name, settings.decoder, None, "finder.encoder"):
        network: nn.Module = smp.create_model(
            settings.decoder,
            name,
            encoder_weights=None,
            in_channels=PLANES,
            classes=CLASSES,
            **options,
        )
    return network


def save_finder(weights: dict[str, Tensor], settings: Finder, file: Path) -> None:
    """Write the weights of a finder, with its settings inside, as `load_finder` reads them.

    Args:
        weights: its `state_dict`.
        settings: of the network.
        file: of safetensors; it appears whole or not at all.
    """
    from safetensors.torch import save as as_bytes

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    metadata = {METADATA: json.dumps({"finder": settings.model_dump(mode="json")})}
    with whole_file(file) as part:
        part.write_bytes(as_bytes(tensors, metadata))


def load_finder(file: Path) -> DamageFinder:
    """The network that `save_finder` wrote, in evaluation mode, on the CPU.

    Raises:
        UserError: the file is missing, no file of weights of a finder, or of another version.
    """
    from pydantic import ValidationError

    try:
        settings = Finder.model_validate(embedded_card(file)["finder"])
    except (KeyError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{file} describes no finder of this version: {reason}") from error
    finder = DamageFinder(settings)
    load_weights(finder, file)
    return finder.eval().to(memory_format=torch.channels_last)
