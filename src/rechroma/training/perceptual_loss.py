"""Perceptual loss: photographs compared by the features of a network trained on ImageNet.

Johnson, Alahi, Fei-Fei: Perceptual Losses for Real-Time Style Transfer and Super-Resolution (2016).
"""

import logging
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional

from rechroma.errors import UserError

ENCODER = "vgg16.tv_in1k"  # of timm
LEVELS = (1, 2)  # of its features: relu2_2 and relu3_3
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colors

logger = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def load_feature_network() -> nn.Module:
    """The frozen network whose features are compared, on the CPU; downloaded on first use.

    Raises:
        UserError: its weights are not on this machine, and the model hub cannot be reached.
    """
    import timm

    logger.info("loading %s for the loss term perceptual", ENCODER)
    try:
        network: nn.Module = timm.create_model(
            ENCODER, pretrained=True, features_only=True, out_indices=LEVELS
        )
    except OSError as error:  # whatever the connection or the disk refuses
        raise UserError(
            f"loss has 'perceptual', but the weights of '{ENCODER}' could not be downloaded: the "
            "model hub cannot be reached. Connect to it once, or remove the term"
        ) from error
    return network.eval().requires_grad_(False)


def perceptual_distance(restored: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of the features, averaged over `LEVELS`.

    Args:
        restored: `(N, 3, H, W)` float32 RGB in [0, 1].
        target: the same.
    """
    network = load_feature_network().to(restored.device)
    mean, std = (
        torch.tensor(values, device=restored.device)[:, None, None] for values in (MEAN, STD)
    )
    # One (N, C, h, w) tensor for each level.
    restored_features, target_features = (
        network((photos - mean) / std) for photos in (restored, target)
    )
    distances = [
        functional.mse_loss(*level)
        for level in zip(restored_features, target_features, strict=True)
    ]
    return torch.stack(distances).mean()
