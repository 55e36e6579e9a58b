from pathlib import Path

import pytest

from rechroma.errors import UserError
from rechroma.tracking.queries import (
    TrainingRun,
    epoch_table,
    find_trainings,
    newest_run,
    training_seconds,
)
from rechroma.tracking.runs import connect, evaluation_run, training_run, write_run_file

DATASET = {"name": "tiny", "digest": "d" * 64, "photos": {"train": 8}}


def train(settings, root: Path, epochs: int = 2) -> str:
    note = root / "note"
    note.unlink(missing_ok=True)
    with training_run(settings, root, DATASET, "cpu", note) as run:
        for epoch in range(1, epochs + 1):
            run.epoch(
                epoch,
                {
                    "train/loss": 1 / epoch,
                    "validation/score": 0.1 * epoch,
                    "images": 100,
                    "images_per_second": 50 * epoch,
                },
            )
        run.metrics({"best/epoch": epochs, "best/score": 0.1 * epochs})
        write_run_file(run, root / "run.json")
    return run.id


def test_a_training_is_read_back(root, make_settings):
    settings = make_settings(optim="lion")
    run_id = train(settings, root)
    client = connect(root)
    (found,) = find_trainings(client, "rechroma")
    assert (found.run_id, found.identity, found.status) == (run_id, settings.identity(), "FINISHED")
    assert (found.settings["optim"], found.data) == ("lion", "d" * 64)
    assert found.metrics["best/score"] == pytest.approx(0.2)
    assert not found.finished  # it logged no model
    told = epoch_table(client, run_id)
    assert told.index.tolist() == [1, 2]
    assert told["train/loss"].tolist() == [1, 0.5]
    assert training_seconds(told) == pytest.approx(2 + 1)


def test_runs_that_judge_another_runs_model_are_no_trainings(root, make_settings):
    settings = make_settings()
    trained = train(settings, root)
    for score in (0.1, 0.2):
        with evaluation_run(settings, root, DATASET, root / "run.json") as run:
            run.metrics({"test/score": score})
    found = find_trainings(connect(root), "rechroma")
    assert [run.run_id for run in found] == [trained]


def test_a_filter_chooses(root, make_settings):
    for optim in ("adam", "lion"):
        train(make_settings(optim=optim), root)
    client = connect(root)
    (found,) = find_trainings(client, "rechroma", "params.optim = 'adam'")
    assert found.settings["optim"] == "adam"
    with pytest.raises(UserError, match="--filter 'optim is'"):
        find_trainings(client, "rechroma", "optim is")
    assert find_trainings(client, "elsewhere") == []


def test_a_finished_run_goes_before_a_newer_one_that_is_not():
    def run(run_id, began, models=(), identity="x"):
        status = "FINISHED" if models else "FAILED"
        parts = (run_id, "1", "n", identity, status, began, "abc", "d", {}, {}, models)
        return TrainingRun(*parts)

    runs = [
        run("old", 1, ("m",)),
        run("new", 2, ("m",)),
        run("failed", 3),
        run("o", 9, ("m",), "y"),
    ]
    assert newest_run(runs, "x").run_id == "new"
    assert newest_run(runs, "x", since=3).run_id == "failed"
    assert newest_run(runs, "z") is None
