"""A training step as shipped, against the same network in float32 NCHW in a plain torch loop."""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch.optim import AdamW

from benchmarks.photographs import prepare, shipped
from benchmarks.timing import Measurement, medians_ms, one_thread
from rechroma.data.training_set import Sample
from rechroma.imaging.color import to_ycbcr
from rechroma.models.restoration import RestorationNetwork
from rechroma.settings import Settings
from rechroma.training.trainer import Trainer

# What the plain loop writes out; everything else is as shipped.
WRITTEN_OUT = {"optim": "adamw", "loss": "mse"}
REPEATS = 7
TARGET = 2.5
TOLERANCE = 0.02  # of the loss, between bfloat16 and float32


class PlainLoop:
    """The step as one writes it down: no clipping and no moving average, which ours has besides."""

    def __init__(self, settings: Settings, network: RestorationNetwork):
        self.hole_weight = settings.train.hole_weight
        self.network = network
        self.optimizer = AdamW(
            network.parameters(), settings.lr, settings.betas, weight_decay=settings.weight_decay
        )

    def step(self, sample: Sample) -> float:
        """Learn from a batch; its loss."""
        mask, target = sample.mask.float(), sample.target.float() / 255
        color = self.network(sample.luma, sample.mask).color
        weight = 1 + (self.hole_weight - 1) * mask
        loss = (weight / weight.mean() * (color - to_ycbcr(target)).square()).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())


def measure() -> Measurement:
    """Both ways on the same batch on the CPU, once they are known to agree.

    Raises:
        AssertionError: their first losses differ by more than bfloat16 explains.
    """
    shipped_settings = shipped()
    train = shipped_settings.train.model_copy(update={"device": "cpu"})
    model = shipped_settings.model.model_copy(update={"hues": False})
    settings = shipped_settings.model_copy(update={**WRITTEN_OUT, "train": train, "model": model})
    deterministic = torch.are_deterministic_algorithms_enabled()
    try:
        with TemporaryDirectory() as temporary:
            prepare(Path(temporary), settings)
            learner = Trainer(settings, Path(temporary))
            sample = next(iter(learner.loader))
        network = RestorationNetwork(settings.model)
        network.load_state_dict(learner.step.network.state_dict())
        loop = PlainLoop(settings, network)

        def step_plainly() -> float:
            torch.use_deterministic_algorithms(False)
            return loop.step(sample)

        def step_ours() -> float:
            torch.use_deterministic_algorithms(True, warn_only=True)
            parts = learner.step.backward(sample)
            assert parts is not None and learner.step.update(), "the loss is not finite"
            return float(parts["loss"])

        with one_thread():
            plain, ours = step_plainly(), step_ours()
            assert abs(ours - plain) <= TOLERANCE * plain, f"the losses are {ours} and {plain}"
            plain_ms, ours_ms = medians_ms([step_plainly, step_ours], REPEATS)
    finally:
        torch.use_deterministic_algorithms(deterministic)
    photos, _, side, _ = sample.luma.shape
    return Measurement(f"training step, {photos} x {side} x {side} px", plain_ms, ours_ms, TARGET)


if __name__ == "__main__":
    print(measure())
