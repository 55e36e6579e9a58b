"""Training of the network that finds damage: resumable, with a report every few samples."""

import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import segmentation_models_pytorch as smp
import torch
from timm.utils import ModelEmaV3
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from rechroma.data.finder_samples import FinderSample, FinderSamples, SamplesFrom
from rechroma.errors import UserError
from rechroma.evaluation.found_damage import FoundDamage
from rechroma.imaging.print_damage import GROUPS
from rechroma.models.damage_finder import DamageFinder, save_finder
from rechroma.models.precision import autocast_convolutions
from rechroma.models.weights import load_weights
from rechroma.settings import Settings
from rechroma.training.checkpoint import Checkpoint
from rechroma.training.optimizers import Schedule, make_optimizer

Report = dict[str, float]

WEIGHTS, LOG, SETTINGS = "finder.safetensors", "log.jsonl", "settings.json"
THRESHOLDS = (0.3, 0.5, 0.7)  # of the probability of damage, at which reports are made
BETAS = (0.9, 0.999)

logger = logging.getLogger(__name__)


class FinderTrainer:
    """A training of the finder.

    Args:
        settings: of the pipeline: seed, print_damage and finder.
        training: its samples.
        kept_back: samples for the reports.

    Attributes:
        network: the one that is trained.
        done: samples that it has seen.

    Raises:
        UserError: a setting has a value that cannot be used.
    """

    def __init__(self, settings: Settings, training: FinderSamples, kept_back: FinderSamples):
        finder = settings.finder
        self.settings, self.training = finder, training
        torch.manual_seed(settings.seed)
        self.network = DamageFinder(finder).to(memory_format=torch.channels_last)
        if finder.weights != "none":
            load_weights(self.network, Path(finder.weights))
        self.ema = ModelEmaV3(self.network, decay=finder.ema, use_warmup=True)
        self.optimizer = make_optimizer(
            self.network,
            finder.optim,
            finder.lr,
            finder.weight_decay,
            BETAS,
            where="finder.optim",
            fused=True,
        )
        self.updates = max(1, finder.samples // finder.batch)
        self.schedule = Schedule(self.optimizer, "cosine", self.updates, finder.warmup)
        self.dice = smp.losses.DiceLoss("multiclass", classes=list(range(1, 1 + len(GROUPS))))
        self.kept_back = list(DataLoader(kept_back, finder.batch))
        self.update = 0

    @property
    def done(self) -> int:
        """Samples that the network has learned from."""
        return self.update * self.settings.batch

    @property
    def averaged(self) -> DamageFinder:
        """The network with the moving average of the weights."""
        averaged: DamageFinder = self.ema.module if self.settings.ema else self.network
        return averaged

    def reports(self) -> Iterator[Report]:
        """Train to the end; yields a report every `report_every` samples, and the last one.

        Raises:
            UserError: the loss is not finite.
        """
        batch = self.settings.batch
        every = max(1, self.settings.report_every // batch)
        remaining = SamplesFrom(self.done, self.updates * batch)
        sums: dict[str, float] = {}
        count, started = 0, time.perf_counter()
        for sample in DataLoader(self.training, batch, sampler=remaining):
            for name, value in self._step(sample).items():
                sums[name] = sums.get(name, 0.0) + value
            count += 1
            if self.update % every == 0 or self.update == self.updates:
                seconds = time.perf_counter() - started
                means = {name: total / count for name, total in sums.items()}
                rate = self.optimizer.param_groups[0]["lr"]
                speed = {"samples": self.done, "lr": rate, "rate": count * batch / seconds}
                yield {**speed, **means, **self.validate()}
                sums, count, started = {}, 0, time.perf_counter()

    def _step(self, sample: FinderSample) -> dict[str, float]:
        """One update of the weights; the loss and its terms."""
        finder = self.settings
        self.network.train()
        if self.update >= finder.freeze_norm * self.updates:
            # A few crops tell little of what prints look like: the statistics so far stay.
            for layer in self.network.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.eval()
        target = sample.groups.long()
        with autocast_convolutions():
            logits = self.network(sample.luma)  # (N, 5, H, W)
        entropy = functional.cross_entropy(logits, target)
        dice = self.dice(logits, target)
        loss = entropy + finder.dice * dice
        if not math.isfinite(loss.item()):
            raise UserError(
                f"the finder's loss is not finite after {self.done} samples; lower finder.lr"
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if finder.clip > 0:
            nn.utils.clip_grad_norm_(self.network.parameters(), finder.clip)
        self.optimizer.step()
        self.update += 1
        self.schedule.step(self.update)
        self.ema.update(self.network, step=self.update)
        return {"loss": loss.item(), "entropy": entropy.item(), "dice": dice.item()}

    @torch.inference_mode()
    def validate(self) -> Report:
        """Scores of the averaged network on the photographs that are kept back."""
        counts = {threshold: FoundDamage() for threshold in THRESHOLDS}
        entropy = Tensor([0.0])
        network = self.averaged.eval()
        for sample in self.kept_back:
            with autocast_convolutions():
                logits = network(sample.luma)
            entropy += functional.cross_entropy(logits, sample.groups.long())
            damaged = (1 - logits.softmax(dim=1)[:, 0]).numpy()  # (N, H, W)
            for plane, groups in zip(damaged, sample.groups.numpy(), strict=True):
                for threshold, count in counts.items():
                    count.add(plane > threshold, groups)
        report = {"validation/entropy": float(entropy) / len(self.kept_back)}
        for threshold, count in counts.items():
            report |= {f"{name}@{threshold:g}": value for name, value in count.scores().items()}
        return report

    def state_dict(self) -> dict[str, Any]:
        """All that decides how the training continues."""
        return {
            "network": self.network.state_dict(),
            "ema": self.ema.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "update": self.update,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.network.load_state_dict(state["network"])
        self.ema.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.update = state["update"]


def fit_finder(
    trainer: FinderTrainer,
    settings: Settings,
    folder: Path,
    listener: Callable[[Report], None] | None = None,
) -> Path:
    """Train to the end, or go on where an interrupted training was.

    `folder` holds after each report: the checkpoint, `finder.safetensors` with the averaged
    weights so far, and a line of JSON more in `log.jsonl`.

    Args:
        trainer: new, of these settings.
        settings: of the training.
        folder: of this training alone.
        listener: is called with each report.

    Returns:
        The file of averaged weights.

    Raises:
        UserError: `folder` is of a training with other settings, or the loss is not finite.
    """
    _check_settings(settings, folder)
    checkpoint = Checkpoint(folder / "checkpoint")
    state = checkpoint.load()
    if state is not None:
        trainer.load_state_dict(state)
        logger.info("resuming after %d samples", trainer.done)
    weights = folder / WEIGHTS
    for report in trainer.reports():
        checkpoint.save(trainer.state_dict())
        save_finder(trainer.averaged.state_dict(), settings.finder, weights)
        with (folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps({name: round(each, 6) for name, each in report.items()}) + "\n")
        if listener is not None:
            listener(report)
    return weights


def _check_settings(settings: Settings, folder: Path) -> None:
    """Raises UserError where the folder holds a training with other settings."""
    parts = {"seed", "print_damage", "damage", "finder"}
    written = json.dumps(settings.model_dump(mode="json", include=parts), indent=2)
    file = folder / SETTINGS
    if file.exists() and file.read_text(encoding="utf-8") != written:
        raise UserError(
            f"{folder} holds a training with other settings ({SETTINGS}); give another folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(written, encoding="utf-8")
