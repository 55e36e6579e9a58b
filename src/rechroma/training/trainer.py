"""The training loop: train an epoch, validate, keep the best weights, stop early, resume."""

import logging
import math
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from rechroma.errors import UserError
from rechroma.imaging.types import Photo
from rechroma.models.store import save_model
from rechroma.settings import Settings
from rechroma.training.checkpoint import Checkpoint
from rechroma.training.console import EpochDisplay
from rechroma.training.fabric import make_fabric
from rechroma.training.loss_expression import parse_loss
from rechroma.training.perceptual_loss import load_feature_network
from rechroma.training.setup import make_loader, make_network, seed_torch
from rechroma.training.training_step import TrainingStep
from rechroma.training.validation import Validation

Record = dict[str, float]

logger = logging.getLogger(__name__)


class TrainingListener(Protocol):
    """What follows a training, such as a run in MLflow."""

    def epoch(self, number: int, record: Record) -> None:
        """Called after epoch `number`, counted from 1, with its losses, scores and speed."""

    def strip(self, number: int, picture: Photo) -> None:
        """Called with validation photographs after an epoch: `(H, W, 3)` uint8 RGB."""


class DivergedError(UserError):
    """Too many steps in a row had no finite loss or gradient."""


@dataclass
class TrainingProgress:
    """How far a training is.

    Attributes:
        epoch: the last finished one, counted from 1; 0 before the first.
        skipped: steps in a row, up to now, without a finite loss or gradient.
        best_epoch: the one with the best validation score; 0 before the first.
        best_score: of that epoch.
        history: a record for each epoch: losses, validation scores, learning rate, images, skipped
            steps. The seed determines them all; no times are among them.
    """

    epoch: int = 0
    skipped: int = 0
    best_epoch: int = 0
    best_score: float = -math.inf
    history: list[Record] = field(default_factory=list)


def fit(
    trainer: "Trainer",
    folder: Path,
    checkpoint: Checkpoint,
    listener: TrainingListener | None = None,
) -> TrainingProgress:
    """Train to the end and save the best model to `folder`.

    Resumes from `checkpoint` if it holds a state, and saves one after each epoch; the caller
    removes it afterwards. With several processes, the first one alone writes and calls `listener`.

    Raises:
        DivergedError: too many steps in a row had no finite loss; `folder` holds the best model.
    """
    is_main = trainer.fabric.is_global_zero
    state = checkpoint.load()
    if state is not None:
        trainer.load_state_dict(state)
        if is_main:
            print(f"resuming after epoch {trainer.progress.epoch}", flush=True)
    try:
        while not trainer.finished():
            record, strip = trainer.next_epoch()
            if is_main:
                checkpoint.save(trainer.state_dict())
            if is_main and listener is not None:
                listener.epoch(trainer.progress.epoch, record)
                if strip is not None:
                    listener.strip(trainer.progress.epoch, strip)
    except DivergedError:
        if is_main:
            trainer.save_best(folder)
        raise
    if is_main:
        trainer.save_best(folder)
    return trainer.progress


class Trainer:
    """A training that advances by epochs, and whose state can be saved between them.

    Args:
        settings: of the training.
        prepared: the folder that the stage prepare writes.

    Attributes:
        fabric: the device, the precision, and the processes that train together.
        loader: batches of training samples on the device.
        step: the network, and all that changes its weights.
        progress: how far the training is.

    Raises:
        UserError: a setting has a value that cannot be used, or there is nothing to train on.
    """

    def __init__(self, settings: Settings, prepared: Path):
        self.settings = settings
        train = settings.train
        # Mistakes in the loss show before anything is computed; so does a hub out of reach.
        loss_weights = parse_loss(settings.loss, settings.model.segmentation, settings.model.hues)
        if "perceptual" in loss_weights:
            load_feature_network()
        # Device and randomness.
        self.fabric = make_fabric(train)
        seed_torch(settings.seed, self.fabric.device)
        # Photographs.
        self.sampler, self.loader = make_loader(settings, prepared, self.fabric)
        self.validation = Validation(prepared, settings)
        # The network, and what changes its weights.
        updates = math.ceil(len(self.loader) / train.accumulate)
        self.step = TrainingStep(
            settings,
            loss_weights,
            self.fabric,
            make_network(settings, prepared),
            total_updates=train.epochs * updates,
        )
        # Where the training is.
        self.progress = TrainingProgress()
        self.best_weights: dict[str, Tensor] = {}
        images = train.batch * self.fabric.world_size
        self.display = EpochDisplay(train.epochs, images, self.fabric.is_global_zero)

    def finished(self) -> bool:
        """Whether all epochs are done, or the score did not improve in `train.patience` epochs."""
        train, progress = self.settings.train, self.progress
        waited = progress.epoch - progress.best_epoch
        return progress.epoch >= train.epochs or (0 < train.patience <= waited)

    def next_epoch(self) -> tuple[Record, Photo | None]:
        """Train one epoch and validate.

        Returns:
            The epoch's record, with `images_per_second`, and a strip of validation photographs in
            the epochs that `tracking.strip_every` asks for.

        Raises:
            DivergedError: too many steps in a row had no finite loss or gradient.
        """
        # Train on the samples of this epoch.
        number = self.sampler.epoch = self.progress.epoch + 1
        started = time.perf_counter()
        record = self._train_epoch(number)
        speed = record["images"] / (time.perf_counter() - started)
        # Validate, and remember the best weights.
        scores = self.validation.score(self.step.evaluated_network)
        record |= {f"validation/{name}": value for name, value in scores._asdict().items()}
        if scores.score > self.progress.best_score:
            self.progress.best_score = scores.score
            self.progress.best_epoch = number
            self.best_weights = self.step.copy_evaluated_weights()
        # The history holds what the seed determines; the speed is for those who watch.
        self.progress.epoch = number
        self.progress.history.append(record)
        record = {**record, "images_per_second": speed}
        self.display.close_epoch(number, record)
        every = self.settings.tracking.strip_every
        due = every > 0 and (number % every == 0 or self.finished())
        return record, self.validation.strip(self.step.evaluated_network) if due else None

    def _train_epoch(self, number: int) -> Record:
        """One pass over the loader: the mean of the loss and of each term, and the counts."""
        accumulate = self.settings.train.accumulate
        sums: dict[str, Tensor] = {}
        counted = skipped = 0
        peak = torch.tensor(-math.inf, device=self.fabric.device)
        lr = self.step.lr
        self.step.network.train()
        for batch, sample in enumerate(self.display.epoch(self.loader, number), start=1):
            # Accumulate the gradient, and update the weights with the last batch of each group.
            last = batch % accumulate == 0 or batch == len(self.loader)
            parts = self.step.backward(sample, last)
            if parts is None or (last and not self.step.update()):
                logger.info("epoch %d, batch %d: skipped, not finite", number, batch)
                skipped += 1
                self._skip_step()
                continue
            # Sum up on the device, where the values are.
            self.progress.skipped = 0
            counted += 1
            peak = torch.maximum(peak, parts["loss"])
            for name, part in parts.items():
                sums[name] = sums.get(name, torch.zeros_like(part)) + part
            self.display.loss = float(parts["loss"])
        means = {f"train/{name}": float(total) / max(counted, 1) for name, total in sums.items()}
        images = len(self.loader) * self.settings.train.batch * self.fabric.world_size
        highest = {"train/loss_peak": float(peak)} if counted else {}
        return {"lr": lr, "images": images, "skipped_steps": skipped, **means, **highest}

    def _skip_step(self) -> None:
        self.step.discard_gradient()
        self.progress.skipped += 1
        limit = self.settings.train.nonfinite_limit
        if self.progress.skipped >= limit:
            best = self.progress.best_epoch
            saved = f"the weights of epoch {best}" if best else "the weights before these steps"
            raise DivergedError(
                f"the loss or its gradient was not finite in {limit} steps in a row, in epoch "
                f"{self.progress.epoch + 1}; {saved} were saved. Lower lr, or set train.clip"
            )

    def save_best(self, folder: Path) -> None:
        """Save the model of the best epoch to `folder`; the present one before the first epoch."""
        network = self.step.evaluated_network
        if self.best_weights:
            network.load_state_dict(self.best_weights)
        save_model(network, self.settings.restore, folder)

    def state_dict(self) -> dict[str, Any]:
        """All that decides how the training continues, between two epochs."""
        return {
            "step": self.step.state_dict(),
            "best": self.best_weights,
            "progress": asdict(self.progress),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.step.load_state_dict(state["step"])
        self.best_weights = state["best"]
        self.progress = TrainingProgress(**state["progress"])
        torch.set_rng_state(state["random"])
        if torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["random_cuda"])
