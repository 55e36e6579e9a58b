from pathlib import Path

import pytest
from command_line import put, rechroma
from mlflow import MlflowClient

TINY = ("samples=8", "batch=2", "crop=64", "report_every=4", "validation=1", "channels=[4,8]")
SETTINGS = [word for each in TINY for word in ("-S", f"finder.{each}")]


@pytest.fixture
def photos(project, photo, root):  # noqa: ARG001
    for number in range(4):
        put(f"train/{number}.png", photo[::-1] if number else photo)
    put("more/0.png", photo[:, ::-1, 0])
    return ["train", "more"]


def test_photographs_of_folders_train_a_finder_that_can_be_bundled(
    photos, photo, monkeypatch, capsys
):
    from rechroma.deployment.bundled_finder import load_bundled_finder
    from rechroma.models import weights

    arguments = ["train-finder", *photos, "--out", "finder", *SETTINGS]
    assert rechroma(*arguments) == 0
    assert "8/8 samples: lr " in capsys.readouterr().out
    assert rechroma(*arguments) == 0  # nothing is left to train
    client = MlflowClient("sqlite:///mlflow.db")
    experiment = client.get_experiment_by_name("rechroma").experiment_id
    (run,) = client.search_runs([experiment], "tags.kind = 'finder'")
    assert run.data.params["dataset.name"] == "train, more"
    assert [point.step for point in client.get_metric_history(run.info.run_id, "lr")] == [4, 8]

    bundled = Path("bundled").resolve()
    monkeypatch.setattr(weights, "BUNDLED_FOLDER", bundled)
    put("unseen/a.png", photo)
    put("unseen/small.png", photo[:20])
    options = ["--thresholds", "more", "--evaluate", "unseen:64"]
    assert rechroma("ship", "--finder", "finder", *options) == 0
    printed = capsys.readouterr()
    assert "| damage | network | top-hat | flat rule |" in printed.out
    assert "unseen/small.png: skipped: photo is 128x20 px, expected at least 64" in printed.err
    card = load_bundled_finder(1, bundled).card
    assert {"license", "finder", "samples", "thresholds", "scores"} == card.keys()
    assert card["samples"] == 8
    assert "recall" in card["scores"]["unseen, 64 px"]["all kinds"]


def test_a_mistake_is_one_line(photos, capsys):  # noqa: ARG001
    assert rechroma("train-finder", "nowhere", "--out", "finder", *SETTINGS) == 2
    assert "nowhere is not a folder, expected one with photographs" in capsys.readouterr().err
    assert rechroma("train-finder", "train", "--out", "finder") == 2
    assert "finder.samples is 0, expected the number of samples" in capsys.readouterr().err
    assert rechroma("train-finder", "train", "--out", "f", "-S", "finder.encoder=compct") == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not Path("finder").exists()
