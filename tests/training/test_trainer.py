import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from rechroma.training import trainer as training
from rechroma.training.checkpoint import Checkpoint, fingerprint
from rechroma.training.losses import TERMS, l1
from rechroma.training.trainer import DivergedError, Trainer, fit


class Diary:
    """A listener who remembers, and who can stop a training as a kill would."""

    def __init__(self, stop_after: int = 0):
        self.records = {}
        self.strips = []
        self.stop_after = stop_after

    def epoch(self, number, record):
        self.records[number] = record
        if number == self.stop_after:
            raise KeyboardInterrupt

    def strip(self, number, picture):
        self.strips.append((number, picture))


def weights_in(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "weights.safetensors")


def assert_same_weights(first: Path, second: Path) -> None:
    ours, theirs = weights_in(first), weights_in(second)
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert torch.equal(ours[name], theirs[name]), name


def test_the_loss_falls_while_one_batch_is_learned_by_heart(prepared, tiny_settings):
    settings = tiny_settings(
        **{"train.epochs": 1, "augment": "none", "loss": "l1", "lr": 3e-3, "schedule": "none"}
    )
    learner = Trainer(settings, prepared)
    sample = next(iter(learner.loader))
    learner.module.train()
    found = []
    for _ in range(25):
        found.append(float(learner._backward(sample)["loss"]))
        learner._update()
    assert np.mean(found[-5:]) < 0.7 * found[0]


@pytest.mark.parametrize("loss", ["l1 + 0.1*ssim", "bce + 100*mse"])
def test_a_killed_training_ends_with_the_weights_of_an_unbroken_one(
    prepared, tiny_settings, tmp_path, loss
):
    settings = tiny_settings(**{"train.epochs": 3, "loss": loss, "discriminator.channels": 8})
    fit(Trainer(settings, prepared), tmp_path / "unbroken", Checkpoint(tmp_path / "a"))
    with pytest.raises(KeyboardInterrupt):
        fit(Trainer(settings, prepared), tmp_path / "killed", Checkpoint(tmp_path / "b"), Diary(1))
    diary = Diary()
    fit(Trainer(settings, prepared), tmp_path / "killed", Checkpoint(tmp_path / "b"), diary)
    assert list(diary.records) == [2, 3]
    assert_same_weights(tmp_path / "unbroken", tmp_path / "killed")


def test_the_number_of_workers_does_not_change_the_weights(prepared, tiny_settings, tmp_path):
    for workers in (0, 2):
        settings = tiny_settings(**{"train.workers": workers, "train.epochs": 1})
        fit(
            Trainer(settings, prepared),
            tmp_path / str(workers),
            Checkpoint(tmp_path / f"c{workers}"),
        )
    assert_same_weights(tmp_path / "0", tmp_path / "2")


def test_the_best_epoch_is_kept_not_the_last(prepared, tiny_settings, tmp_path, monkeypatch):
    scripted = iter([0.5, 0.9, 0.1])

    def validate(self):
        self.seen = [*getattr(self, "seen", []), {k: v.clone() for k, v in judged(self).items()}]
        parts = ("score", "ssim", "masked_ssim", "hue")
        return dict.fromkeys((f"validation/{part}" for part in parts), next(scripted))

    def judged(self):
        return self._judged().state_dict()

    monkeypatch.setattr(Trainer, "_validate", validate)
    learner = Trainer(tiny_settings(**{"train.epochs": 3}), prepared)
    while not learner.finished():
        learner.next_epoch()
    learner.save_best(tmp_path)
    assert learner.progress.best_epoch == 2
    for name, tensor in weights_in(tmp_path).items():
        assert torch.equal(tensor, learner.seen[1][name])


def test_training_stops_when_the_score_does_not_improve(
    prepared, tiny_settings, tmp_path, monkeypatch
):
    parts = ("score", "ssim", "masked_ssim", "hue")
    flat = dict.fromkeys((f"validation/{part}" for part in parts), 0.5)
    monkeypatch.setattr(Trainer, "_validate", lambda _: flat)
    settings = tiny_settings(**{"train.epochs": 9, "train.patience": 2})
    assert fit(Trainer(settings, prepared), tmp_path / "m", Checkpoint(tmp_path / "c")).epoch == 3


def test_a_loss_that_is_not_finite_skips_the_step(prepared, tiny_settings, monkeypatch):
    calls = iter(range(100))

    def sometimes(compared):
        bad = next(calls) % 2 == 0
        return l1(compared) * (float("nan") if bad else 1.0)

    monkeypatch.setitem(TERMS, "mse", sometimes)
    learner = Trainer(tiny_settings(loss="mse"), prepared)
    record, _ = learner.next_epoch()
    assert record["skipped_steps"] == 1
    assert np.isfinite(record["train/loss"])
    assert all(torch.isfinite(weight).all() for weight in learner.module.parameters())


def test_too_many_bad_losses_end_the_run_and_keep_good_weights(
    prepared, tiny_settings, tmp_path, monkeypatch
):
    monkeypatch.setitem(TERMS, "mse", lambda compared: l1(compared) * float("inf"))
    settings = tiny_settings(**{"loss": "mse", "train.nonfinite_limit": 2})
    with pytest.raises(DivergedError, match=r"not finite in 2 steps.*Lower lr"):
        fit(Trainer(settings, prepared), tmp_path / "model", Checkpoint(tmp_path / "c"))
    assert all(torch.isfinite(tensor).all() for tensor in weights_in(tmp_path / "model").values())


def test_accumulated_batches_make_the_gradient_of_one_large_batch(prepared, tiny_settings):
    gradients = []
    for batch, accumulate in ((8, 1), (4, 2)):
        settings = tiny_settings(
            **{
                "train.batch": batch,
                "train.accumulate": accumulate,
                "model.encoder": "plain",
                "train.precision": "32-true",
                "train.hole_weight": 1.0,
                "loss": "l1",
            }
        )
        learner = Trainer(settings, prepared)
        learner.sampler.epoch = 1
        for sample in learner.loader:
            learner._backward(sample)
        gradients.append([weight.grad.clone() for weight in learner.module.parameters()])
    for large, small in zip(*gradients, strict=True):
        torch.testing.assert_close(large, small, rtol=1e-3, atol=1e-6)


def test_strips_are_told_when_due(prepared, tiny_settings, tmp_path):
    diary = Diary()
    settings = tiny_settings(**{"tracking.strip_every": 2, "train.epochs": 3})
    fit(Trainer(settings, prepared), tmp_path / "m", Checkpoint(tmp_path / "c"), diary)
    assert [number for number, _ in diary.strips] == [2, 3]
    assert diary.strips[0][1].ndim == 3


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"train.workers": 2}, True),
        ({"tracking.experiment": "other"}, True),
        ({"lr": 0.5}, False),
        ({"seed": 9}, False),
        ({"train.epochs": 7}, False),
    ],
)
def test_a_changed_setting_never_resumes_from_another_ones_checkpoint(tiny_settings, change, same):
    print_of = fingerprint(tiny_settings(**change), "digest")
    assert (print_of == fingerprint(tiny_settings(), "digest")) is same
    assert print_of != fingerprint(tiny_settings(**change), "other data")


def test_a_checkpoint_cut_short_leaves_the_earlier_one(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path / "c")
    checkpoint.save({"epoch": 1})
    monkeypatch.setattr(training.torch, "save", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        checkpoint.save({"epoch": 2})
    assert checkpoint.load() == {"epoch": 1}


def test_training_and_restoring_need_neither_mlflow_nor_dvc():
    code = "import sys; sys.modules |= dict.fromkeys(['mlflow', 'dvc', 'matplotlib', 'filelock']);"
    code += "import rechroma.training.trainer, rechroma.inference.restorer;"
    code += "import rechroma.apps.cli.main, rechroma.evaluation.evaluate"
    subprocess.run([sys.executable, "-c", code], check=True)
