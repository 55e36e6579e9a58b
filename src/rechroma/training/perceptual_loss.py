"""Perceptual loss: photographs compared by what a network trained on ImageNet sees in them.

Johnson, Alahi, Fei-Fei: Perceptual Losses for Real-Time Style Transfer and Super-Resolution (2016).
"""

from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional

from rechroma.errors import UserError

ENCODER = "vgg16.tv_in1k"  # of timm
LEVELS = (1, 2)  # of its features: relu2_2 and relu3_3
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colors


@lru_cache(maxsize=1)
def load_features() -> nn.Module:
    """The network that looks, on the CPU and never trained; fetched from a hub once.

    Raises:
        UserError: its weights are not here and the hub is out of reach.
    """
    import timm

    try:
        network = timm.create_model(
            ENCODER, pretrained=True, features_only=True, out_indices=LEVELS
        )
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"loss has 'perceptual', but the weights of '{ENCODER}' could not be fetched: the hub "
            "is out of reach. Connect once, or leave the term out"
        ) from error
    looking: nn.Module = network.eval().requires_grad_(False)
    return looking


def perceptual_distance(restored: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of features of `(N, 3, H, W)` float32 RGB in [0, 1], each level's."""
    network = load_features().to(restored.device)
    mean, std = (
        torch.tensor(values, device=restored.device)[:, None, None] for values in (MEAN, STD)
    )
    seen, wanted = (network((photos - mean) / std) for photos in (restored, target))
    apart = [functional.mse_loss(one, other) for one, other in zip(seen, wanted, strict=True)]
    return torch.stack(apart).mean()
