"""The PatchGAN in training: judges restored photographs, learns to tell them from true ones."""

from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from rechroma.models.patch_gan import PatchGAN
from rechroma.settings import Discriminator
from rechroma.training.losses import discriminator_loss
from rechroma.training.optimizers import make_optimizer


class Adversary:
    """The discriminator with an optimizer of its own."""

    def __init__(self, settings: Discriminator, fabric: Fabric):
        self.fabric = fabric
        self.module = PatchGAN(settings).to(memory_format=torch.channels_last)
        self.optimizer = make_optimizer(
            self.module,
            settings.optim,
            settings.lr,
            0.0,
            settings.betas,
            where="discriminator.optim",
        )
        self.network, self.stepper = fabric.setup(self.module, self.optimizer)

    def judge(self, luma: Tensor, rgb: Tensor) -> Tensor:
        """Logits of the restored photographs, whose gradient leaves the discriminator as it is."""
        self.module.requires_grad_(False)
        logits: Tensor = self.network(luma, rgb)
        self.module.requires_grad_(True)
        return logits

    def learn(self, luma: Tensor, restored: Tensor, target: Tensor) -> Tensor:
        """One step of telling target from restored, both RGB; the detached loss."""
        loss = discriminator_loss(self.network(luma, target), self.network(luma, restored))
        if torch.isfinite(self.fabric.all_reduce(loss.detach())):
            self.fabric.backward(loss)
            self.stepper.step()
        self.stepper.zero_grad()
        return loss.detach()

    def state_dict(self) -> dict[str, Any]:
        """Weights and optimizer."""
        return {"network": self.module.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Be as the adversary with this state was."""
        self.module.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
