"""The discriminator in training: it learns to tell restored photographs from targets."""

import logging
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional

from rechroma.models.patch_gan import PatchGAN
from rechroma.settings import Discriminator
from rechroma.training.optimizers import make_optimizer

logger = logging.getLogger(__name__)


class Adversary:
    """A PatchGAN with an optimizer of its own.

    Raises:
        UserError: `discriminator.optim` is unknown or cannot be used here.
    """

    def __init__(self, settings: Discriminator, fabric: Fabric):
        self.fabric = fabric
        self.discriminator = PatchGAN(settings).to(memory_format=torch.channels_last)
        self.optimizer = make_optimizer(
            self.discriminator,
            settings.optim,
            settings.lr,
            0.0,
            settings.betas,
            where="discriminator.optim",
        )
        self.fabric_discriminator, self.fabric_optimizer = fabric.setup(
            self.discriminator, self.optimizer
        )

    def logits(self, luma: Tensor, rgb: Tensor) -> Tensor:
        """The discriminator's logits for restored photographs, to train the network with.

        Their gradient reaches `rgb` and leaves no trace in the discriminator.

        Args:
            luma: `(N, 1, H, W)` float32 in [0, 1].
            rgb: `(N, 3, H, W)` float32 in [0, 1].

        Returns:
            `(N, 1, H/8-2, W/8-2)` float32; positive for a patch taken for a target's.
        """
        self.discriminator.requires_grad_(False)
        logits: Tensor = self.fabric_discriminator(luma, rgb)
        self.discriminator.requires_grad_(True)
        return logits

    def learn(self, luma: Tensor, restored: Tensor, target: Tensor) -> Tensor:
        """Take one step toward telling `target` from `restored`; returns the detached loss.

        A loss that is not finite makes no step.

        Args:
            luma: `(N, 1, H, W)` float32 in [0, 1].
            restored: `(N, 3, H, W)` float32 RGB in [0, 1], detached.
            target: the same.
        """
        loss = discriminator_loss(
            self.fabric_discriminator(luma, target), self.fabric_discriminator(luma, restored)
        )
        if torch.isfinite(self.fabric.all_reduce(loss.detach())):
            self.fabric.backward(loss)
            self.fabric_optimizer.step()
        else:
            logger.info("skipped a step of the discriminator: its loss was not finite")
        self.fabric_optimizer.zero_grad()
        return loss.detach()

    def state_dict(self) -> dict[str, Any]:
        """Weights and optimizer."""
        return {
            "network": self.discriminator.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.discriminator.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])


def discriminator_loss(target_logits: Tensor, restored_logits: Tensor) -> Tensor:
    """Cross-entropy of telling patches of targets from restored ones, `(N, 1, h, w)` logits."""
    return (
        functional.softplus(-target_logits).mean() + functional.softplus(restored_logits).mean()
    ) / 2
