import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from command_line import put, rechroma

from rechroma.deployment.load import load_model
from rechroma.errors import UserError
from rechroma.models.card import CARD
from rechroma.tracking.queries import (
    TrainingRun,
    download_model,
    epoch_speeds,
    epoch_table,
    find_trainings,
    model_folder,
    newest_run,
    registered_models,
    training_seconds,
)
from rechroma.tracking.registry import register
from rechroma.tracking.runs import evaluation_run, training_run, write_run_file
from rechroma.tracking.store import connect

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def train(root, dataset, model_path, small_package):
    """Logs a training of two epochs: the id of its run. With `score` its model is registered."""

    def log_training(settings, score: float | None = None) -> str:
        run_id_file = root / "run_id"
        run_id_file.unlink(missing_ok=True)
        with training_run(settings, root, dataset, "cpu", run_id_file) as run:
            for epoch in (1, 2):
                speed = {"images": 100, "images_per_second": 50 * epoch}
                scores = {"train/loss": 1 / epoch, "validation/score": 0.1 * epoch}
                parts = {f"validation/{part}": 0.5 for part in ("ssim", "masked_ssim", "hue")}
                run.epoch(epoch, scores | parts | speed)
            run.metrics({"best/epoch": 2, "best/score": 0.2})
            write_run_file(run, root / "run.json")
            if score is not None:
                register(run, settings, model_path, small_package, score, dataset["digest"])
        return run.id

    return log_training


def test_a_training_is_read_back(root, train, make_settings):
    settings = make_settings(optim="lion")
    run_id = train(settings)
    client = connect(root)
    (training,) = find_trainings(client, "rechroma")
    assert (training.run_id, training.status) == (run_id, "FINISHED")
    assert training.identity == settings.identity()
    assert (training.settings["optim"], training.data) == ("lion", "d" * 64)
    assert training.metrics["best/score"] == pytest.approx(0.2)
    assert not training.finished  # it logged no model
    epochs = epoch_table(client, run_id)
    assert epochs.index.tolist() == [1, 2]
    assert epochs["train/loss"].tolist() == [1, 0.5]
    assert epoch_speeds(client, run_id) == [50, 100]
    assert training_seconds(epochs) == pytest.approx(2 + 1)


def test_runs_that_only_evaluate_another_runs_model_are_not_trainings(
    root, train, dataset, make_settings
):
    settings = make_settings()
    trained = train(settings)
    for score in (0.1, 0.2):
        with evaluation_run(settings, root, dataset, root / "run.json") as run:
            run.metrics({"test/score": score})
    assert [training.run_id for training in find_trainings(connect(root), "rechroma")] == [trained]


def test_a_filter_selects_trainings(root, train, make_settings):
    for optim in ("adam", "lion"):
        train(make_settings(optim=optim))
    client = connect(root)
    (training,) = find_trainings(client, "rechroma", "params.optim = 'adam'")
    assert training.settings["optim"] == "adam"
    with pytest.raises(UserError, match="--filter 'optim is'"):
        find_trainings(client, "rechroma", "optim is")
    assert find_trainings(client, "elsewhere") == []


def test_all_pages_of_a_long_answer_are_read(root, train, make_settings, monkeypatch):
    monkeypatch.setattr("rechroma.tracking.queries.PAGE", 2)
    ids = [train(make_settings(lr=lr)) for lr in (0.1, 0.2, 0.3)]
    trainings = find_trainings(connect(root), "rechroma")
    assert [training.run_id for training in trainings] == ids[::-1]


def test_a_finished_run_goes_before_a_newer_unfinished_one():
    def run(run_id, start_time, models=(), identity="x"):
        status = "FINISHED" if models else "FAILED"
        parts = (run_id, "1", "n", identity, status, start_time, "abc", "d", {}, {}, models)
        return TrainingRun(*parts)

    runs = [
        run("old", 1, ("m",)),
        run("new", 2, ("m",)),
        run("failed", 3),
        run("other", 9, ("m",), "y"),
    ]
    assert newest_run(runs, "x").run_id == "new"
    assert newest_run(runs, "x", earliest_start=3).run_id == "failed"
    assert newest_run(runs, "z") is None


def test_a_model_in_the_projects_own_store_is_used_in_place(root, train, make_settings):
    train(make_settings(), score=0.5)
    client = connect(root)
    (training,) = find_trainings(client, "rechroma")
    folder = model_folder(client, training)
    assert folder.is_relative_to(root / "mlruns")
    assert (folder / CARD).exists()
    shutil.rmtree(folder.parent)
    with pytest.raises(UserError, match=r"is not a model of rechroma"):
        model_folder(client, training)
    shutil.rmtree(root / "mlruns")
    with pytest.raises(UserError, match=r"its model m-\w+ cannot be read .*was it removed\?"):
        model_folder(client, training)


def test_models_are_downloaded_from_a_server(
    root, server, train, make_settings, model_path, damaged, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    train(make_settings(**{"tracking.experiment": "download"}), score=0.5)
    client = connect(root)
    (training,) = find_trainings(client, "download")
    expected = load_model(model_path)(damaged, damaged == 60)
    for folder in (
        model_folder(client, training),
        download_model("models:/rechroma@champion", root),
    ):
        assert not folder.is_relative_to(root)
        np.testing.assert_array_equal(load_model(folder)(damaged, damaged == 60), expected)
    assert ("models:/rechroma@champion", "0.5") in registered_models(root)


def test_compare_scores_the_models_of_a_server(
    root, server, train, make_settings, photo, monkeypatch, capsys
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.chdir(root)
    params = yaml.safe_load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
    params["tracking"]["experiment"] = "compare"
    Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    for optim in ("adam", "lion"):
        train(make_settings(**{"tracking.experiment": "compare", "optim": optim}), score=0.5)
    put("album/photo.png", photo)
    arguments = ("--filter", "metrics.`best/score` > 0", "--photos", "album", "--size", "64")
    assert rechroma("compare", *arguments, "--name", "both") == 0
    page = capsys.readouterr().out
    assert "1 photographs of album, 64 px" in page
    for optim in ("adam", "lion"):
        assert page.count(f"| optim={optim} | 0.") == 2  # on validation, and on the photograph
    assert Path("reports/studies/both-photo.png").exists()
