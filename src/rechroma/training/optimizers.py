"""Optimizers and learning-rate schedules, by timm's names."""

import inspect
import logging
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
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

# timm has `plateau` too, but deprecates it: its state cannot be saved, so no training could resume.
SCHEDULES = ("cosine", "tanh", "step", "multistep", "poly", "wsd", "constant", "none")
WARMUP_FROM, DECAY_TO = 0.01, 0.01  # shares of the peak learning rate
# Shares of the updates: between two falls of `step` and for the decay of `wsd`; the falls of
# `multistep`.
STEP_EVERY, MILESTONES = 0.3, (0.5, 0.75)

NEWTON_SCHULZ = "zeropower_via_newtonschulz"  # private, in timm.optim.muon

logger = logging.getLogger(__name__)


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

    Args:
        network: its one-dimensional weights (biases, norms) do not decay.
        name: one of `timm.optim.list_optimizers()`, in upper or lower case.
        lr: the peak learning rate.
        weight_decay: 0 or more.
        betas: for optimizers that take two; others do without.
        where: the setting that a message names.
        fused: take each step in one pass over the weights, where the optimizer can. Halves the time
            of a step on the CPU; elsewhere torch's own choice is as fast.

    Raises:
        UserError: timm has no such optimizer, or it cannot be used here.
    """
    if name.lower() not in timm.optim.list_optimizers():
        raise unknown(where, name, timm.optim.list_optimizers())
    info = timm.optim.get_optimizer_info(name.lower())
    if info.second_order:
        raise UserError(f"{where} is '{name}', which needs second derivatives; choose another")
    optimizer_class = _load_optimizer_class(info.opt_class, f"{where} is '{name}'")
    if optimizer_class is timm.optim.Muon:
        choose_muon_precision()
    options: dict[str, Any] = {}
    if info.has_betas and info.num_betas == len(betas):
        options["betas"] = betas
    if fused and "fused" in inspect.signature(optimizer_class).parameters:
        options["fused"] = True
    optimizer: Optimizer = timm.optim.create_optimizer_v2(
        network, opt=name.lower(), lr=lr, weight_decay=weight_decay, **options
    )
    return optimizer


def _load_optimizer_class(named: str | type[Optimizer], setting: str) -> type[Optimizer]:
    """The class of an optimizer; timm names those of other packages: `apex.optimizers.FusedAdam`.

    Raises:
        UserError: the package is missing or broken, or needs an NVIDIA GPU that is not here.
    """
    if not isinstance(named, str):
        return named
    package, _, class_name = named.rpartition(".")
    distribution = package.partition(".")[0]
    if not torch.cuda.is_available():
        raise UserError(f"{setting}, which needs an NVIDIA GPU; choose another")
    if find_spec(distribution) is None:
        raise UserError(
            f"{setting}, which needs the package {distribution}; install it or choose another"
        )
    try:
        optimizer_class: type[Optimizer] = getattr(import_module(package), class_name)
    except ImportError as error:
        raise UserError(
            f"{setting}, but the package {distribution} cannot be imported ({error}); "
            "repair it or choose another"
        ) from error
    return optimizer_class


def choose_muon_precision() -> None:
    """Let timm's Muon compute in bfloat16 only where that pays; does nothing the second time.

    timm's Muon orthogonalizes gradients in bfloat16 everywhere and offers no choice. Where bfloat16
    is emulated, that takes 20 times as long as float32. So this replaces a private function of
    `timm.optim.muon`, for the whole process. A timm without that function, or without its argument
    `dtype`, gives a plain timm Muon: slower there, else as good. The log records it.
    """
    iteration = getattr(muon, NEWTON_SCHULZ, None)
    if isinstance(iteration, partial) and iteration.func is _orthogonalize:
        return
    if iteration is None or "dtype" not in inspect.signature(iteration).parameters:
        logger.warning(
            "timm %s has no timm.optim.muon.%s(dtype=…): Muon computes in bfloat16, "
            "slowly where that is emulated",
            timm.__version__,
            NEWTON_SCHULZ,
        )
        return
    setattr(muon, NEWTON_SCHULZ, partial(_orthogonalize, iteration))


def _orthogonalize(
    iteration: Callable[..., Tensor], gradient: Tensor, *arguments: Any, **options: Any
) -> Tensor:
    """timm's Newton-Schulz `iteration`, in the precision that pays where `gradient` is."""
    dtype = torch.bfloat16 if pays_bfloat16(gradient.device.type) else torch.float32
    return iteration(gradient, *arguments, dtype=dtype, **options)


class Schedule:
    """The learning rate over a training: it climbs while warming up, then goes as named.

    Args:
        optimizer: its present learning rate is the peak.
        name: one of `SCHEDULES`.
        updates: of the whole training.
        warmup: share of the updates in which the rate climbs.

    Raises:
        UserError: the schedule is unknown, or has no room beside the warm-up.
    """

    def __init__(self, optimizer: Optimizer, name: str, updates: int, warmup: float):
        if name not in SCHEDULES:
            raise unknown("schedule", name, SCHEDULES)
        warming = round(updates * warmup)
        decaying = max(1, round(updates * STEP_EVERY))
        if name == "wsd" and warming + decaying > updates:
            raise UserError(
                f"schedule is 'wsd', which decays in {decaying} of {updates} updates, but "
                f"train.warmup of {warmup:g} takes {warming}; lower train.warmup"
            )
        peak = max(group["lr"] for group in optimizer.param_groups)
        self.scheduler: Scheduler | None
        self.scheduler, _ = timm.scheduler.create_scheduler_v2(
            optimizer,
            name,
            num_epochs=updates,  # its epochs are our updates
            decay_epochs=decaying,
            decay_milestones=[round(updates * share) for share in MILESTONES],
            decay_rate=1.0 if name == "poly" else 0.1,
            min_lr=peak * DECAY_TO,
            warmup_lr=peak * WARMUP_FROM,
            warmup_epochs=warming,
        )

    def step(self, update: int) -> None:
        """Set the learning rate that follows `update`, counted from 1 over the training."""
        if self.scheduler is not None:
            self.scheduler.step(update)

    def state_dict(self) -> dict[str, object]:
        """The state of timm's scheduler; empty for `none`."""
        return {} if self.scheduler is None else self.scheduler.state_dict()

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Restore what `state_dict` returned."""
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state)
