from collections.abc import Callable

import pandas as pd
import pytest

from rechroma.studies.results import FinishedTraining
from rechroma.tracking.queries import TrainingRun


@pytest.fixture(scope="session")
def finished_training() -> Callable[..., FinishedTraining]:
    """Makes a training of two epochs, the second one the best: `make("adam", 1, score=0.3)`."""

    def make(arm: str, seed: int, score: float, losses=(2.0, 1.0), **settings) -> FinishedTraining:
        epochs = pd.DataFrame(
            {
                "train/loss": losses,
                "train/loss_peak": losses,
                "skipped_steps": 0.0,
                "images": 100.0,
                "images_per_second": [50.0, 100.0],
                "validation/score": [0.0, score],
                **{f"validation/{part}": [0.0, 0.5] for part in ("ssim", "masked_ssim", "hue")},
            },
            index=[1, 2],
        )
        logged = {"dataset.name": "tiny", "data.size": "64", "seed": str(seed), **settings}
        metrics = {"best/epoch": 2.0, "best/score": score, "test/score": 0.3}
        parts = (f"{arm}-{seed}", "1", f"{arm} {seed}", "i", "FINISHED", 1, "abcdef012", "d")
        run = TrainingRun(*parts, logged, metrics, ("m",))
        return FinishedTraining(arm, seed, run, epochs)

    return make


@pytest.fixture
def trainings(finished_training) -> list[FinishedTraining]:
    """Two arms with two seeds each; the last training diverged."""
    return [
        finished_training("worse", 1, 0.3),
        finished_training("better", 1, 0.4),
        finished_training("worse", 2, 0.34),
        finished_training("better", 2, 0.42, losses=(1.0, 3.0)),
    ]
