"""A training step with the default settings, against a plain torch loop in float32 NCHW.

The network of both starts from scratch and does not predict hues: the bundled weights belong to a
network that does, and whose encoder is frozen.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch.optim import AdamW

from benchmarks.photographs import default_settings, prepare
from benchmarks.timing import Measurement, medians_ms, one_thread
from rechroma.data.training_set import Sample
from rechroma.imaging.color import to_ycbcr
from rechroma.models.restoration import RestorationNetwork
from rechroma.settings import Settings
from rechroma.training.trainer import Trainer

# The settings that the plain loop writes out; it takes the others from params.yaml.
WRITTEN_OUT = {"optim": "adamw", "loss": "mse"}
REPEATS = 7
QUICK_SIDE, QUICK_BATCH = 64, 2
GOAL = 2.5
TOLERANCE = 0.02  # of the loss, between bfloat16 and float32


class PlainLoop:
    """A plain training loop; ours clips the gradient and averages the weights besides."""

    def __init__(self, settings: Settings, network: RestorationNetwork):
        self.hole_weight = settings.train.hole_weight
        self.network = network
        self.optimizer = AdamW(
            network.parameters(), settings.lr, settings.betas, weight_decay=settings.weight_decay
        )

    def step(self, sample: Sample) -> float:
        """Learn from a batch, and give its loss."""
        mask, target = sample.mask.float(), sample.target.float() / 255
        color = self.network(sample.luma, sample.mask).color
        weight = 1 + (self.hole_weight - 1) * mask
        loss = (weight / weight.mean() * (color - to_ycbcr(target)).square()).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())


def measure(quick: bool = False) -> Measurement:
    """The measurement of both ways on one batch on the CPU, after a check that they agree.

    Raises:
        AssertionError: their first losses differ by more than bfloat16 explains.
    """
    settings = _settings(quick)
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
            plain_ms, ours_ms = medians_ms([step_plainly, step_ours], 1 if quick else REPEATS)
    finally:
        torch.use_deterministic_algorithms(deterministic)
    photos, _, side, _ = sample.luma.shape
    name = f"training step from scratch, {photos} x {side} x {side} px"
    return Measurement(name, plain_ms, ours_ms, GOAL)


def _settings(quick: bool) -> Settings:
    defaults = default_settings()
    train = {"device": "cpu", **({"batch": QUICK_BATCH} if quick else {})}
    groups = {
        "train": defaults.train.model_copy(update=train),
        "model": defaults.model.model_copy(update={"hues": False, "weights": "none"}),
        "data": defaults.data.model_copy(update={"size": QUICK_SIDE} if quick else {}),
    }
    return defaults.model_copy(update={**WRITTEN_OUT, **groups})


if __name__ == "__main__":
    print(measure())
