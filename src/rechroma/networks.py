"""Networks by name: segmentation-models-pytorch's, the plain reference U-Net, and the PatchGAN."""

import warnings
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from rechroma.colors import to_rgb
from rechroma.errors import UserError, unknown
from rechroma.settings import Discriminator, Model

HEAD_SCALE = 0.01  # of the last layer's first weights
STRIDE = 32  # height and width the encoders accept are its multiples


class Prediction(NamedTuple):
    """What the network says of N photographs.

    Attributes:
        color: `(N, 3, H, W)` float32; luma in [0, 1] with Cb, Cr in [-0.5, 0.5] for
            `luma_chroma`, RGB in [0, 1] for `rgb`.
        gray: `(N, 1, H, W)` float32 in [0, 1], the first stage's restored gray, or None.
        damage: `(N, 1, H, W)` float32 logits of the segmented damage, or None.
    """

    color: Tensor
    gray: Tensor | None
    damage: Tensor | None


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
            self.gray_network: nn.Module | None = build(settings, channels, 1 + damage)
            self.color_network = build(settings, channels, colors)
        else:
            self.gray_network = None
            self.color_network = build(settings, channels, colors + damage)
        if settings.output == "luma_chroma" and settings.fill != "none":
            for network in filter(None, (self.gray_network, self.color_network)):
                _quiet_head(network)
        if settings.weights not in ("none", "imagenet"):
            load_weights(self, Path(settings.weights))

    def forward(self, luma: Tensor, mask: Tensor) -> Prediction:
        """Predict from gray photographs.

        Args:
            luma: `(N, 1, H, W)` uint8 gray; in the hole, what `model.fill` puts there. Not yet
                floating point, because Fabric would round that to bfloat16 on its way in.
            mask: `(N, 1, H, W)` bool, True where lost.
        """
        luma, mask = luma.float() / 255, mask.float()
        if self.gray_network is None:
            raw, damage = self._split(_run(self.color_network, self._see(luma, mask)))
            gray = None
            color = self._color(raw, luma)
        else:
            raw, damage = self._split(_run(self.gray_network, self._see(luma, mask)))
            gray = self._keep(luma, self._luma(raw, luma), mask)
            raw = _run(self.color_network, self._see(gray, mask))
            color = self._color(torch.cat([gray - self._base(gray), raw], 1), gray)
        if self.settings.output == "luma_chroma":
            color = torch.cat([self._keep(luma, color[:, :1], mask), color[:, 1:]], dim=1)
        return Prediction(color, gray, damage)

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


def _run(network: nn.Module, seen: Tensor) -> Tensor:
    """The network's output in float32 at the input's size, padded to the stride meanwhile.

    Plane by plane in memory, whatever the network's layout: what follows is faster on planes.
    """
    height, width = seen.shape[-2:]
    padded = functional.pad(seen, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
    try:
        output: Tensor = network(padded)[..., :height, :width]
    except AssertionError as error:  # how timm refuses what its windows do not fit
        raise UserError(
            f"the encoder does not take photographs of {padded.shape[-1]}x{padded.shape[-2]} px "
            f"({error}), choose another model.encoder"
        ) from error
    return output.to(torch.float32, memory_format=torch.contiguous_format)


def build(settings: Model, channels: int, classes: int) -> nn.Module:
    """A network from `(N, channels, H, W)` to `(N, classes, H, W)`, H and W multiples of 32."""
    if settings.encoder == "plain":
        if settings.weights == "imagenet":
            raise UserError("model.weights is 'imagenet', but no such weights of 'plain' exist")
        return PlainUNet(channels, classes)
    import segmentation_models_pytorch as smp

    decoders = smp.MODEL_ARCHITECTURES_MAPPING
    if settings.decoder not in decoders:
        raise unknown("model.decoder", settings.decoder, decoders)
    encoder = _encoder_name(settings.encoder)
    weights = "imagenet" if settings.weights == "imagenet" else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # smp's remarks on its own spelling of timm's weights
            network: nn.Module = smp.create_model(
                settings.decoder,
                encoder,
                encoder_weights=weights,
                in_channels=channels,
                classes=classes,
            )
    except KeyError as error:
        raise UserError(f"model.encoder '{encoder}': {error.args[0]}") from error
    except (OSError, RuntimeError) as error:
        if weights is None:
            raise UserError(
                f"model.encoder '{encoder}' with decoder '{settings.decoder}': {error}"
            ) from error
        raise UserError(
            f"model.weights is 'imagenet', but the weights of '{encoder}' could not be fetched: "
            "the hub is out of reach. Connect once, or use model.weights: none or a file"
        ) from error
    except (TypeError, ValueError, AttributeError, AssertionError) as error:
        raise UserError(
            f"model.encoder '{encoder}' does not go with decoder '{settings.decoder}': {error}"
        ) from error
    return network


def _encoder_name(name: str) -> str:
    """smp's spelling of an encoder of smp or timm."""
    import segmentation_models_pytorch as smp
    import timm

    if name in smp.encoders.encoders:
        return name
    bare = name.removeprefix("tu-")
    if not timm.is_model(bare):
        raise unknown("model.encoder", name, ["plain", *smp.encoders.encoders, *timm.list_models()])
    return f"tu-{bare}"


def load_weights(network: nn.Module, path: Path) -> None:
    """Load the safetensors file at `path` into `network`; the names and shapes must agree.

    Raises:
        UserError: the file is missing, no safetensors file, or of another network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except FileNotFoundError:
        raise UserError(f"{path} is missing, expected the weights of a network there") from None
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is no safetensors file: {error}") from None
    own = network.state_dict()
    for name in sorted(own.keys() | tensors.keys()):
        expected = tuple(own[name].shape) if name in own else "nothing"
        found = tuple(tensors[name].shape) if name in tensors else "nothing"
        if expected != found:
            raise UserError(
                f"{path} is of another network: expected {expected} as '{name}', found {found}"
            )
    network.load_state_dict(tensors)


def _double_convolution(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(inplace=True),
    )


class PlainUNet(nn.Module):
    """The reference report's U-Net: 64…1024 channels, no normalization, bilinear upsampling."""

    WIDTHS = (64, 128, 256, 512, 1024)

    def __init__(self, channels: int, classes: int):
        super().__init__()
        inputs = (channels, *self.WIDTHS[:-1])
        self.down = nn.ModuleList(map(_double_convolution, inputs, self.WIDTHS))
        pairs = list(zip(self.WIDTHS[:0:-1], self.WIDTHS[-2::-1], strict=True))
        self.up = nn.ModuleList(_double_convolution(deep + skip, skip) for deep, skip in pairs)
        self.head = nn.Conv2d(self.WIDTHS[0], classes, 1)

    def forward(self, seen: Tensor) -> Tensor:
        """`(N, channels, H, W)` to `(N, classes, H, W)`; H and W multiples of 16."""
        feature_maps: list[Tensor] = []
        for stage in self.down:
            seen = stage(functional.max_pool2d(seen, 2) if feature_maps else seen)
            feature_maps.append(seen)
        for stage, skip in zip(self.up, feature_maps[-2::-1], strict=True):
            seen = functional.interpolate(seen, scale_factor=2.0, mode="bilinear")
            seen = stage(torch.cat([seen, skip], dim=1))
        output: Tensor = self.head(seen)
        return output


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
        """`(N, 1, H, W)` and `(N, 3, H, W)` in [0, 1] to `(N, 1, H/8-2, W/8-2)` logits of truth."""
        logits: Tensor = self.layers(2 * torch.cat([luma, rgb], dim=1) - 1)
        return logits.float()
