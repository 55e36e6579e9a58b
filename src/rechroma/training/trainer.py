"""The loop: optimize, validate, keep the best, stop early, go on where it was killed."""

import math
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from timm.utils import ModelEmaV3
from torch import Tensor
from torch.utils import deterministic
from torch.utils.data import DataLoader

from rechroma import metrics
from rechroma.data.prepared import HeldOutPhoto, mean_hue_histogram, read_held_out
from rechroma.data.training_set import EpochSampler, Sample, TrainingSet
from rechroma.errors import UserError
from rechroma.imaging.color import to_ycbcr
from rechroma.imaging.grid import StripRow, strip
from rechroma.inference.backend import TorchBackend
from rechroma.inference.restorer import Restorer
from rechroma.models.restoration import Prediction, RestorationNetwork
from rechroma.models.store import save_model
from rechroma.settings import Settings
from rechroma.training.adversarial import Adversary
from rechroma.training.checkpoint import Checkpoint
from rechroma.training.console import EpochDisplay
from rechroma.training.fabric import make_fabric
from rechroma.training.loss_expression import parse_loss
from rechroma.training.losses import TERMS, LossInputs, pixel_weight
from rechroma.training.optimizers import Schedule, make_optimizer
from rechroma.training.perceptual_loss import load_features

Record = dict[str, float]
State = dict[str, Any]

STRIP_PHOTOS = 3


class TrainingListener(Protocol):
    """Who is told how a training goes."""

    def epoch(self, number: int, record: Record) -> None:
        """An epoch, counted from 1, is finished; `record` holds its losses, scores and speed."""

    def strip(self, number: int, picture: NDArray[np.uint8]) -> None:
        """Validation photographs after an epoch: `(H, W, 3)` uint8 RGB."""


class DivergedError(UserError):
    """The loss stayed without a finite value; the best weights until then were kept."""


@dataclass
class TrainingProgress:
    """How far a training is; epochs and updates count from 1.

    Attributes:
        history: a record an epoch, of numbers that the seed determines: no clock times.
        skipped: steps in a row without a finite loss or gradient.
    """

    epoch: int = 0
    updates: int = 0
    skipped: int = 0
    best_epoch: int = 0
    best_score: float = -math.inf
    history: list[Record] = field(default_factory=list)


def fit(
    training: "Trainer",
    folder: Path,
    checkpoint: Checkpoint,
    listener: TrainingListener | None = None,
) -> TrainingProgress:
    """Train to the end; the best model goes to `folder`.

    Goes on from `checkpoint` where it holds anything; the caller removes it afterwards.

    Raises:
        DivergedError: too many steps in a row had no finite loss; `folder` holds the best weights.
    """
    leads = training.fabric.is_global_zero
    saved = checkpoint.load()
    if saved is not None:
        training.load_state_dict(saved)
        if leads:
            print(f"going on after epoch {training.progress.epoch}", flush=True)
    try:
        while not training.finished():
            record, strip = training.next_epoch()
            if leads:
                checkpoint.save(training.state_dict())
            if leads and listener is not None:
                listener.epoch(training.progress.epoch, record)
                if strip is not None:
                    listener.strip(training.progress.epoch, strip)
    except DivergedError:
        if leads:
            training.save_best(folder)
        raise
    if leads:
        training.save_best(folder)
    return training.progress


class Trainer:
    """A training at some point of its way.

    Raises:
        UserError: a setting names nothing that exists, or there is nothing to train on.
    """

    def __init__(self, settings: Settings, prepared: Path):
        self.settings = settings
        self.weights = parse_loss(settings.loss, settings.model.segmentation, settings.model.hues)
        if "perceptual" in self.weights:
            load_features()  # a hub out of reach is told before anything is computed
        self.fabric = make_fabric(settings.train)
        torch.manual_seed(settings.seed)
        torch.use_deterministic_algorithms(self.fabric.device.type == "cpu", warn_only=True)
        deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # 7 % of a step

        train = settings.train
        samples = TrainingSet(prepared, settings)
        self.sampler = EpochSampler(len(samples))
        self.loader = self.fabric.setup_dataloaders(
            DataLoader(
                samples,
                batch_size=train.batch,
                sampler=self.sampler,
                num_workers=train.workers,
                persistent_workers=train.workers > 0,
                pin_memory=self.fabric.device.type == "cuda",
                drop_last=len(samples) >= train.batch,
                generator=torch.Generator(),
            )
        )
        self.validation = list(read_held_out(prepared, "validation", train.validation_photos))
        if not self.validation:
            raise UserError(f"{prepared} holds no validation photographs, raise data.validation")

        self.module = RestorationNetwork(settings.model).to(memory_format=torch.channels_last)
        if settings.model.hues and settings.model.weights in ("none", "imagenet"):
            self.module.start_hues(mean_hue_histogram(prepared))
        self.optimizer = make_optimizer(
            self.module,
            settings.optim,
            settings.lr,
            settings.weight_decay,
            settings.betas,
            # A gradient scaler cannot clip the gradient of a fused optimizer.
            fused=self.fabric.device.type == "cpu" and train.precision != "16-mixed",
        )
        updates = train.epochs * math.ceil(len(self.loader) / train.accumulate)
        self.schedule = Schedule(self.optimizer, settings.schedule, updates, train.warmup)
        self.network, self.stepper = self.fabric.setup(self.module, self.optimizer)
        self.ema = (
            ModelEmaV3(self.module, decay=train.ema, use_warmup=True) if train.ema > 0 else None
        )
        self.adversary = (
            Adversary(settings.discriminator, self.fabric) if "bce" in self.weights else None
        )
        self.progress = TrainingProgress()
        self.best: State = {}
        self.display = EpochDisplay(
            train.epochs, train.batch * self.fabric.world_size, self.fabric.is_global_zero
        )

    def finished(self) -> bool:
        """All epochs are done, or the score has not become better for too long."""
        train, progress = self.settings.train, self.progress
        waited = progress.epoch - progress.best_epoch
        return progress.epoch >= train.epochs or (0 < train.patience <= waited)

    def next_epoch(self) -> tuple[Record, NDArray[np.uint8] | None]:
        """Train and validate one epoch: its record, and a strip of pictures when one is due."""
        number = self.sampler.epoch = self.progress.epoch + 1
        started = time.perf_counter()
        record = self._optimize(number)
        speed = record["images"] / (time.perf_counter() - started)
        record |= self._validate()
        if record["validation/score"] > self.progress.best_score:
            self.progress.best_score = record["validation/score"]
            self.progress.best_epoch = number
            self.best = _to_cpu(self._judged().state_dict())
        self.progress.epoch = number
        self.progress.history.append(record)
        record = {**record, "images_per_second": speed}
        self.display.close_epoch(number, record)
        every = self.settings.tracking.strip_every
        due = every > 0 and (number % every == 0 or self.finished())
        return record, self._strip() if due else None

    def _optimize(self, number: int) -> Record:
        accumulate = self.settings.train.accumulate
        sums: dict[str, Tensor] = {}
        counted = skipped = 0
        peak = torch.tensor(-math.inf, device=self.fabric.device)
        lr = self.optimizer.param_groups[0]["lr"]
        self.module.train()
        for step, sample in enumerate(self.display.epoch(self.loader, number), start=1):
            closes = step % accumulate == 0 or step == len(self.loader)
            with self.fabric.no_backward_sync(self.network, enabled=not closes):
                parts = self._backward(sample)
            if parts is None or (closes and not self._update()):
                skipped += 1
                self._skip()
                continue
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

    def _backward(self, sample: Sample) -> dict[str, Tensor] | None:
        """The detached loss and its terms; None, and no gradient, when the loss is not finite."""
        luma = sample.luma.float() / 255
        mask = sample.mask.float()
        target = sample.target.float() / 255
        prediction = Prediction(*self.network(sample.luma, sample.mask))
        compared = self._compare(prediction, luma, mask, target, sample.hues)
        terms = {name: TERMS[name](compared) for name in self.weights}
        loss = torch.stack([self.weights[name] * term for name, term in terms.items()]).sum()
        if not torch.isfinite(self.fabric.all_reduce(loss.detach())):
            return None
        self.fabric.backward(loss / self.settings.train.accumulate)
        parts = {"loss": loss.detach(), **{name: term.detach() for name, term in terms.items()}}
        if self.adversary is not None:
            parts["discriminator"] = self.adversary.learn(luma, compared.rgb.detach(), target)
        return parts

    def _compare(
        self, prediction: Prediction, luma: Tensor, mask: Tensor, target: Tensor, hues: Tensor
    ) -> LossInputs:
        true_ycbcr = to_ycbcr(target)
        rgb = self.module.rgb(prediction.color)
        return LossInputs(
            prediction=prediction,
            color=true_ycbcr if self.settings.model.output == "luma_chroma" else target,
            gray=true_ycbcr[:, :1],
            rgb=rgb,
            target_rgb=target,
            mask=mask,
            hues=hues,
            weight=pixel_weight(mask, self.settings.train.hole_weight),
            logits=None if self.adversary is None else self.adversary.judge(luma, rgb),
        )

    def _update(self) -> bool:
        """Step with the gathered gradient; False, and no step, when it is not finite."""
        norm = self.fabric.clip_gradients(
            self.network,
            self.stepper,
            max_norm=self.settings.train.clip or math.inf,
            error_if_nonfinite=False,
        )
        if not torch.isfinite(norm):
            if self.settings.train.precision == "16-mixed":
                self.stepper.step()  # makes no step, but lets the gradient scaler shrink
            return False
        self.stepper.step()
        self.stepper.zero_grad()
        self.progress.updates += 1
        self.schedule.step(self.progress.updates)
        if self.ema is not None:
            self.ema.update(self.module, step=self.progress.updates)
        return True

    def _skip(self) -> None:
        self.stepper.zero_grad()
        self.progress.skipped += 1
        limit = self.settings.train.nonfinite_limit
        if self.progress.skipped >= limit:
            kept = self.progress.best_epoch
            raise DivergedError(
                f"the loss or its gradient was not finite in {limit} steps in a row "
                f"(epoch {self.progress.epoch + 1}). Kept are the weights of "
                + (f"epoch {kept}" if kept else "the last good step")
                + ". Lower lr, or set train.clip"
            )

    def _judged(self) -> RestorationNetwork:
        """The network that is scored and kept: the moving average where there is one."""
        judged: RestorationNetwork = self.module if self.ema is None else self.ema.module
        return judged

    def _restorer(self) -> Restorer:
        return Restorer(TorchBackend(self._judged().eval()), self.settings.restore)

    def _validate(self) -> Record:
        restored = self._restorer()
        scores = metrics.mean_scores(
            [
                metrics.score(photo.target, restored(photo.damaged, photo.mask), photo.mask)
                for photo in self.validation
            ]
        )
        return {f"validation/{name}": value for name, value in scores._asdict().items()}

    def _strip(self) -> NDArray[np.uint8]:
        restored = self._restorer()
        rows = np.linspace(0, len(self.validation) - 1, STRIP_PHOTOS).astype(int)
        shown: list[HeldOutPhoto] = [self.validation[row] for row in sorted(set(rows.tolist()))]
        return strip(
            [
                StripRow(photo.damaged, restored(photo.damaged, photo.mask), photo.target)
                for photo in shown
            ]
        )

    def save_best(self, folder: Path) -> None:
        """Write the best model so far, or the present one before the first validation."""
        judged = self._judged()
        if self.best:
            judged.load_state_dict(self.best)
        save_model(judged, self.settings.restore, folder)

    def state_dict(self) -> State:
        """All that decides how the training goes on."""
        return {
            "network": self.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "ema": None if self.ema is None else self.ema.state_dict(),
            "adversary": None if self.adversary is None else self.adversary.state_dict(),
            "best": self.best,
            "progress": asdict(self.progress),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def load_state_dict(self, state: State) -> None:
        """Be where the training with this state was."""
        self.module.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if self.ema is not None:
            self.ema.load_state_dict(state["ema"])
        if self.adversary is not None:
            self.adversary.load_state_dict(state["adversary"])
        self.best = state["best"]
        self.progress = TrainingProgress(**state["progress"])
        torch.set_rng_state(state["random"])
        if torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["random_cuda"])


def _to_cpu(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}
