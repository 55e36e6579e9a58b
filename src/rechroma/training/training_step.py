"""One training step: the gradient of a batch, and the update of the weights that it makes."""

import math
from typing import Any

import torch
from lightning_fabric import Fabric
from timm.utils import ModelEmaV3
from torch import Tensor

from rechroma.data.training_set import Sample
from rechroma.imaging.color import to_ycbcr
from rechroma.models.restoration import Prediction, RestorationNetwork
from rechroma.settings import Settings
from rechroma.training.adversarial import Adversary
from rechroma.training.losses import TERMS, LossInputs, pixel_weight
from rechroma.training.optimizers import Schedule, make_optimizer


class TrainingStep:
    """The network with all that changes its weights: loss, optimizer, schedule, moving average.

    Args:
        settings: of the training.
        loss_weights: the weight of each term of the loss, as `parse_loss` returns it.
        fabric: the device and precision to compute with.
        network: the one to train; it is moved to the device.
        total_updates: of the whole training, for the schedule.

    Attributes:
        network: the one that is trained.
        updates: how many were made.

    Raises:
        UserError: an optimizer or schedule is unknown or cannot be used here.
    """

    def __init__(
        self,
        settings: Settings,
        loss_weights: dict[str, float],
        fabric: Fabric,
        network: RestorationNetwork,
        total_updates: int,
    ):
        train = settings.train
        self.settings = settings
        self.loss_weights = loss_weights
        self.fabric = fabric
        self.network = network
        self.optimizer = make_optimizer(
            network,
            settings.optim,
            settings.lr,
            settings.weight_decay,
            settings.betas,
            # A gradient scaler cannot clip the gradient of a fused optimizer.
            fused=fabric.device.type == "cpu" and train.precision != "16-mixed",
        )
        self.schedule = Schedule(self.optimizer, settings.schedule, total_updates, train.warmup)
        # Fabric's wrappers compute in the chosen precision, and with other processes.
        self.fabric_network, self.fabric_optimizer = fabric.setup(network, self.optimizer)
        self.ema = ModelEmaV3(network, decay=train.ema, use_warmup=True) if train.ema > 0 else None
        self.adversary = (
            Adversary(settings.discriminator, fabric) if "bce" in loss_weights else None
        )
        self.updates = 0

    @property
    def evaluated_network(self) -> RestorationNetwork:
        """The network to validate and to save: the moving average, unless `train.ema` is 0."""
        evaluated: RestorationNetwork = self.network if self.ema is None else self.ema.module
        return evaluated

    def copy_evaluated_weights(self) -> dict[str, Tensor]:
        """A copy, on the CPU, of the weights of `evaluated_network`."""
        weights = self.evaluated_network.state_dict()
        return {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}

    @property
    def lr(self) -> float:
        """The learning rate of the next update."""
        rate: float = self.optimizer.param_groups[0]["lr"]
        return rate

    def backward(self, sample: Sample, last: bool = True) -> dict[str, Tensor] | None:
        """Add the gradient of a batch to those accumulated since the last update.

        Args:
            sample: a batch of samples on the device.
            last: of the batches that make one update, whose gradients processes exchange.

        Returns:
            The detached loss and its terms by name, 0-dimensional; None when the loss is not
            finite, and then nothing is added.
        """
        with self.fabric.no_backward_sync(self.fabric_network, enabled=not last):
            return self._backward(sample)

    def _backward(self, sample: Sample) -> dict[str, Tensor] | None:
        # Forward: uint8 to [0, 1]; the network takes uint8 and divides by itself.
        luma = sample.luma.float() / 255  # (N, 1, H, W)
        mask = sample.mask.float()  # (N, 1, H, W)
        target = sample.target.float() / 255  # (N, 3, H, W)
        prediction = Prediction(*self.fabric_network(sample.luma, sample.mask))
        inputs = self._loss_inputs(prediction, luma, mask, target, sample.hues)
        # The loss is the weighted sum of its terms.
        terms = {name: TERMS[name](inputs) for name in self.loss_weights}
        loss = torch.stack([self.loss_weights[name] * term for name, term in terms.items()]).sum()
        # All processes skip a batch whose loss is not finite in one of them.
        if not torch.isfinite(self.fabric.all_reduce(loss.detach())):
            return None
        self.fabric.backward(loss / self.settings.train.accumulate)
        parts = {"loss": loss.detach(), **{name: term.detach() for name, term in terms.items()}}
        # The discriminator learns from the same batch, without a gradient for the network.
        if self.adversary is not None:
            restored = inputs.predicted_rgb.detach()
            parts["discriminator"] = self.adversary.learn(luma, restored, target)
        return parts

    def _loss_inputs(
        self, prediction: Prediction, luma: Tensor, mask: Tensor, target: Tensor, hues: Tensor
    ) -> LossInputs:
        target_ycbcr = to_ycbcr(target)  # (N, 3, H, W)
        rgb = self.network.rgb(prediction.color)  # (N, 3, H, W)
        return LossInputs(
            prediction=prediction,
            target_color=target if self.settings.model.output == "rgb" else target_ycbcr,
            target_gray=target_ycbcr[:, :1],
            predicted_rgb=rgb,
            target_rgb=target,
            mask=mask,
            target_hues=hues,
            weight=pixel_weight(mask, self.settings.train.hole_weight),
            discriminator_logits=(
                None if self.adversary is None else self.adversary.logits(luma, rgb)
            ),
            bin_frequency=None if self.network.bins is None else self.network.bins.frequency,
            rare_bins=self.settings.train.rare_bins,
        )

    def update(self) -> bool:
        """Update the weights with the accumulated gradient, then the schedule and the average.

        Returns:
            False when the gradient is not finite; the weights then stay, and so does the gradient.
        """
        train = self.settings.train
        norm = self.fabric.clip_gradients(
            self.fabric_network,
            self.fabric_optimizer,
            max_norm=train.clip or math.inf,
            error_if_nonfinite=False,
        )
        if not torch.isfinite(norm):
            if train.precision == "16-mixed":
                self.fabric_optimizer.step()  # changes no weight, but the gradient scaler shrinks
            return False
        self.fabric_optimizer.step()
        self.fabric_optimizer.zero_grad()
        self.updates += 1
        self.schedule.step(self.updates)
        if self.ema is not None:
            self.ema.update(self.network, step=self.updates)
        return True

    def discard_gradient(self) -> None:
        """Forget what was accumulated since the last update."""
        self.fabric_optimizer.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimizers, schedule and moving average."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "ema": None if self.ema is None else self.ema.state_dict(),
            "adversary": None if self.adversary is None else self.adversary.state_dict(),
            "updates": self.updates,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if self.ema is not None:
            self.ema.load_state_dict(state["ema"])
        if self.adversary is not None:
            self.adversary.load_state_dict(state["adversary"])
        self.updates = state["updates"]
