import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from rechroma import metrics
from rechroma.training.checkpoint import Checkpoint
from rechroma.training.losses import TERMS, l1
from rechroma.training.trainer import DivergedError, Trainer, fit


class RecordingListener:
    """Keeps what it is called with, and can interrupt a training as Ctrl-C would."""

    def __init__(self, interrupt_after: int = 0):
        self.records = {}
        self.strips = []
        self.interrupt_after = interrupt_after

    def epoch(self, number, record):
        self.records[number] = record
        if number == self.interrupt_after:
            raise KeyboardInterrupt

    def strip(self, number, picture):
        self.strips.append((number, picture))


@pytest.fixture
def script_scores(monkeypatch):
    """Replaces the validation score of each epoch; settings are to score one photograph."""

    def script(*scores):
        left = iter(scores)
        monkeypatch.setattr(metrics, "score", lambda *_: metrics.Scores(next(left), 0.5, 0.5, 0.5))
        return {"train.epochs": len(scores), "train.validation_photos": 1}

    return script


def weights_in(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "weights.safetensors")


def assert_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


@pytest.mark.parametrize("loss", ["l1 + 0.1*ssim", "bce + 100*mse"])
def test_an_interrupted_training_ends_with_the_weights_of_an_unbroken_one(
    prepared, tiny_settings, tmp_path, capsys, loss
):
    settings = tiny_settings(**{"train.epochs": 3, "loss": loss, "discriminator.channels": 8})
    fit(Trainer(settings, prepared), tmp_path / "unbroken", Checkpoint(tmp_path / "a"))
    checkpoint = Checkpoint(tmp_path / "b")
    with pytest.raises(KeyboardInterrupt):
        fit(Trainer(settings, prepared), tmp_path / "resumed", checkpoint, RecordingListener(1))
    assert "resuming" not in capsys.readouterr().out
    listener = RecordingListener()
    fit(Trainer(settings, prepared), tmp_path / "resumed", checkpoint, listener)
    assert capsys.readouterr().out.startswith("resuming after epoch 1\nepoch 2/3 ·")
    assert list(listener.records) == [2, 3]
    assert_same(weights_in(tmp_path / "unbroken"), weights_in(tmp_path / "resumed"))


def test_the_number_of_workers_does_not_change_the_weights(prepared, tiny_settings, tmp_path):
    for workers in (0, 2):
        settings = tiny_settings(**{"train.workers": workers, "train.epochs": 1})
        checkpoint = Checkpoint(tmp_path / f"c{workers}")
        fit(Trainer(settings, prepared), tmp_path / str(workers), checkpoint)
    assert_same(weights_in(tmp_path / "0"), weights_in(tmp_path / "2"))


def test_the_best_epoch_is_saved_and_not_the_last(prepared, tiny_settings, tmp_path, script_scores):
    trainer = Trainer(tiny_settings(**script_scores(0.5, 0.9, 0.1)), prepared)
    weights = []
    while not trainer.finished():
        trainer.next_epoch()
        weights.append(trainer.step.copy_evaluated_weights())
    trainer.save_best(tmp_path)
    assert trainer.progress.best_epoch == 2
    assert trainer.progress.best_score == 0.9
    assert_same(weights_in(tmp_path), weights[1])
    assert any(not torch.equal(weights[1][name], weights[2][name]) for name in weights[1])


def test_training_stops_when_the_score_does_not_improve(
    prepared, tiny_settings, tmp_path, script_scores
):
    settings = tiny_settings(**script_scores(*[0.5] * 9), **{"train.patience": 2})
    assert fit(Trainer(settings, prepared), tmp_path / "m", Checkpoint(tmp_path / "c")).epoch == 3


def test_a_record_has_losses_scores_and_speed_and_the_history_no_times(prepared, tiny_settings):
    trainer = Trainer(tiny_settings(loss="l1 + tv"), prepared)
    record, strip = trainer.next_epoch()
    losses = {f"train/{name}" for name in ("loss", "l1", "tv", "histogram", "loss_peak")}
    scores = {f"validation/{name}" for name in metrics.Scores._fields}
    counts = {"lr", "images", "skipped_steps"}
    assert record.keys() == losses | scores | counts | {"images_per_second"}
    assert trainer.progress.history[0].keys() == losses | scores | counts
    assert record["images"] == 8
    assert record["train/loss_peak"] >= record["train/loss"]
    assert strip is None


def test_a_loss_that_is_not_finite_skips_the_step(prepared, tiny_settings, monkeypatch):
    calls = iter(range(100))

    def sometimes(inputs):
        bad = next(calls) % 2 == 0
        return l1(inputs) * (float("nan") if bad else 1.0)

    monkeypatch.setitem(TERMS, "mse", sometimes)
    trainer = Trainer(tiny_settings(loss="mse"), prepared)
    record, _ = trainer.next_epoch()
    assert record["skipped_steps"] == 1
    assert trainer.step.updates == 1
    assert np.isfinite(record["train/loss"])
    assert all(torch.isfinite(weight).all() for weight in trainer.step.network.parameters())


def test_too_many_bad_losses_end_the_training(prepared, tiny_settings, tmp_path, monkeypatch):
    monkeypatch.setitem(TERMS, "mse", lambda inputs: l1(inputs) * float("inf"))
    settings = tiny_settings(**{"loss": "mse", "train.nonfinite_limit": 2})
    message = (
        "^the loss or its gradient was not finite in 2 steps in a row, in epoch 1; the weights "
        r"before these steps were saved\. Lower lr, or set train\.clip$"
    )
    with pytest.raises(DivergedError, match=message):
        fit(Trainer(settings, prepared), tmp_path / "model", Checkpoint(tmp_path / "c"))
    assert all(torch.isfinite(tensor).all() for tensor in weights_in(tmp_path / "model").values())


def test_a_training_that_diverges_later_keeps_its_best_epoch(
    prepared, tiny_settings, tmp_path, monkeypatch
):
    calls = iter(range(100))  # two batches an epoch

    def later(inputs):
        return l1(inputs) * (1.0 if next(calls) < 2 else float("nan"))

    monkeypatch.setitem(TERMS, "mse", later)
    settings = tiny_settings(**{"loss": "mse", "train.nonfinite_limit": 2})
    trainer = Trainer(settings, prepared)
    with pytest.raises(DivergedError, match="in epoch 2; the weights of epoch 1 were saved"):
        fit(trainer, tmp_path / "model", Checkpoint(tmp_path / "c"))
    assert_same(weights_in(tmp_path / "model"), trainer.best_weights)


def test_accumulated_batches_update_the_weights_as_one_large_batch_does(prepared, tiny_settings):
    changes = []
    for batch, accumulate in ((8, 1), (4, 2)):
        settings = tiny_settings(
            **{
                "train.batch": batch,
                "train.accumulate": accumulate,
                "train.precision": "32-true",
                "train.hole_weight": 1.0,  # else each batch has weights of its own
                "train.clip": 0,
                "train.validation_photos": 1,
                "model.encoder": "plain",
                "loss": "l1",
                "optim": "sgd",  # whose first update is proportional to the gradient
                "lr": 1.0,
                "weight_decay": 0,
                "schedule": "none",
            }
        )
        trainer = Trainer(settings, prepared)
        before = [weight.detach().clone() for weight in trainer.step.network.parameters()]
        trainer.next_epoch()
        assert trainer.step.updates == 1
        after = trainer.step.network.parameters()
        changes.append([new.detach() - old for new, old in zip(after, before, strict=True)])
    for large, small in zip(*changes, strict=True):
        torch.testing.assert_close(large, small, rtol=1e-3, atol=1e-6)
    assert any(change.abs().max() > 1e-3 for change in changes[0])


def test_strips_go_to_the_listener_when_they_are_due(prepared, tiny_settings, tmp_path):
    listener = RecordingListener()
    settings = tiny_settings(**{"tracking.strip_every": 2, "train.epochs": 3})
    fit(Trainer(settings, prepared), tmp_path / "m", Checkpoint(tmp_path / "c"), listener)
    assert [number for number, _ in listener.strips] == [2, 3]
    assert listener.strips[0][1].ndim == 3


def test_training_and_restoring_need_neither_mlflow_nor_dvc():
    code = "import sys; sys.modules |= dict.fromkeys(['mlflow', 'dvc', 'matplotlib', 'filelock']);"
    code += "import rechroma.training.trainer, rechroma.inference.restorer;"
    code += "import rechroma.apps.cli.main, rechroma.evaluation.evaluate"
    subprocess.run([sys.executable, "-c", code], check=True)
