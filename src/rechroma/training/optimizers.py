"""Optimizers and learning-rate schedules by the names that timm's factories know."""

import inspect
from typing import Any

import timm.optim
import timm.scheduler
import torch
from timm.optim import muon
from timm.scheduler.scheduler import Scheduler
from torch import Tensor, nn
from torch.optim import Optimizer

from rechroma.errors import UserError, unknown
from rechroma.models.precision import pays_bfloat16

# timm has `plateau` too, which it deprecates: its state cannot be saved, so no run could resume.
SCHEDULES = ("cosine", "tanh", "step", "multistep", "poly", "wsd", "constant", "none")
WARMUP_FROM, DECAY_TO = 0.01, 0.01  # shares of the peak learning rate
STEP_EVERY, MILESTONES = 0.3, (0.5, 0.75)  # shares of the epochs, for `step` and `multistep`

_newton_schulz = muon.zeropower_via_newtonschulz


def _orthogonalized(gradient: Tensor, *arguments: Any, **options: Any) -> Tensor:
    """timm's Newton-Schulz iteration, in bfloat16 only where that pays.

    Emulated it takes 20 times as long as float32, and timm's Muon has no choice of its own.
    """
    precision = torch.bfloat16 if pays_bfloat16(gradient.device.type) else torch.float32
    turned: Tensor = _newton_schulz(gradient, *arguments, dtype=precision, **options)
    return turned


muon.zeropower_via_newtonschulz = _orthogonalized


def make_optimizer(
    network: nn.Module,
    name: str,
    lr: float,
    weight_decay: float,
    betas: tuple[float, float],
    where: str = "optim",
    fused: bool = False,
) -> Optimizer:
    """timm's optimizer called `name`, over the weights of `network` that require a gradient.

    With `fused` it takes its step in one pass over the weights where it can, which halves the
    time on the CPU; elsewhere torch's own choice is as fast.

    Raises:
        UserError: timm has no such optimizer, or it cannot be made here; `where` names the setting.
    """
    if name.lower() not in timm.optim.list_optimizers():
        raise unknown(where, name, timm.optim.list_optimizers())
    info = timm.optim.get_optimizer_info(name.lower())
    if info.second_order:
        raise UserError(f"{where} is '{name}', which needs second derivatives; choose another")
    options: dict[str, Any] = {}
    if info.has_betas and info.num_betas == len(betas):
        options["betas"] = betas
    if fused and "fused" in inspect.signature(info.opt_class).parameters:
        options["fused"] = True
    try:
        optimizer: Optimizer = timm.optim.create_optimizer_v2(
            network, opt=name.lower(), lr=lr, weight_decay=weight_decay, **options
        )
    except (AssertionError, ImportError, RuntimeError, TypeError, ValueError) as error:
        raise UserError(f"{where} is '{name}', which cannot be used here: {error}") from error
    return optimizer


class Schedule:
    """The learning rate over `updates` steps: climbs in the share `warmup`, then goes as named.

    Raises:
        UserError: timm has no such schedule, or no room for it beside the warm-up.
    """

    def __init__(self, optimizer: Optimizer, name: str, updates: int, warmup: float):
        if name not in SCHEDULES:
            raise unknown("schedule", name, SCHEDULES)
        peak = max(group["lr"] for group in optimizer.param_groups)
        self.scheduler: Scheduler | None
        try:
            self.scheduler, _ = timm.scheduler.create_scheduler_v2(
                optimizer,
                name,
                num_epochs=updates,
                decay_epochs=max(1, round(updates * STEP_EVERY)),
                decay_milestones=[round(updates * share) for share in MILESTONES],
                decay_rate=1.0 if name == "poly" else 0.1,
                min_lr=peak * DECAY_TO,
                warmup_lr=peak * WARMUP_FROM,
                warmup_epochs=round(updates * warmup),
            )
        except ValueError as error:
            raise UserError(
                f"schedule is '{name}', which cannot be used here, lower train.warmup: {error}"
            ) from error

    def step(self, update: int) -> None:
        """Set the learning rate for what follows `update`, counted from 1 over the training."""
        if self.scheduler is not None:
            self.scheduler.step(update)

    def state_dict(self) -> dict[str, object]:
        """What `load_state_dict` takes back."""
        return {} if self.scheduler is None else self.scheduler.state_dict()

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on where the schedule with this state was."""
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state)
