import json
from pathlib import Path

import numpy as np
import pytest
from command_line import HOLE, mask_of, put, rechroma

from rechroma import metrics
from rechroma.evaluation.baselines import BASELINES


@pytest.mark.parametrize("option", ["--target", "--truth"])
def test_the_score_is_printed_as_json_of_the_means_and_nothing_else(photo, capsys, option):
    scores = []
    for number, area in enumerate((HOLE, np.s_[0:9, 0:90], np.s_[0:0, 0:0])):
        target = np.roll(photo, 20 * number, axis=0)
        restored = target // (number + 1)
        put(f"targets/{number}.bmp", target)
        put(f"restored/{number}.png", restored)
        put(f"masks/{number}.png", np.where(mask_of(area), 255, 0).astype(np.uint8))
        scores.append(metrics.score(target, restored, mask_of(area)))
    put("restored/more.png", photo)
    arguments = (option, "targets", "--restored", "restored", "--masks", "masks")
    assert rechroma("score", *arguments) == 0
    shown = capsys.readouterr()
    report = json.loads(shown.out)
    assert list(report) == ["score", "ssim", "masked_ssim", "hue", "photos"]
    assert report == {**metrics.mean_scores(scores)._asdict(), "photos": 3}
    assert "scoring: 3/3" in shown.err


@pytest.mark.usefixtures("project")
def test_evaluate_compares_models_with_baselines(photo, model, capsys):
    for number in range(2):
        put(f"album/{number}.png", np.roll(photo, 9 * number, axis=1))
    model("mine")
    arguments = ("evaluate", "album", "--size", "64", "--model", "mine", "--out", "scores")
    assert rechroma(*arguments, "--aim", "score") == 0
    table = capsys.readouterr().out
    assert [line.split("|")[1].strip() for line in table.splitlines()][2:] == [
        "mine",
        *BASELINES,
        "mine, difference to the best baseline",
    ]
    assert "2 photographs of album, 64 px" in Path("scores/table.md").read_text()
    assert Path("scores/pictures.png").exists()


@pytest.mark.usefixtures("project", "plain_encoder")
def test_evaluate_measures_appearance_too(photo, model, capsys):
    put("album/one.png", photo)
    model("mine")
    arguments = ("evaluate", "album", "--size", "64", "--model", "mine", "--out", "scores")
    assert rechroma(*arguments, "--appearance") == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].endswith("| hue | feature_distance | colorfulness | rainbow |")
    assert "feature_distance" in json.loads(Path("scores/scores.json").read_text())["mine"]


@pytest.mark.usefixtures("project")
def test_without_the_encoder_evaluate_says_so_and_goes_on(photo, model, capsys, monkeypatch):
    monkeypatch.setattr("rechroma.models.imagenet.has_package", lambda _: False)
    put("album/one.png", photo)
    model("mine")
    arguments = ("evaluate", "album", "--size", "64", "--model", "mine", "--appearance")
    assert rechroma(*arguments) == 0
    shown = capsys.readouterr()
    assert "no appearance in the table: measuring appearance needs effici" in shown.err
    assert "| hue |\n" in shown.out


@pytest.mark.parametrize(
    ("aim", "rows"),
    [((), ["mine", "mine, aim eye"]), (("--aim", "eye"), ["mine, aim eye"])],
)
@pytest.mark.usefixtures("project")
def test_evaluate_has_a_row_for_each_aim(photo, model, capsys, aim, rows):
    put("album/one.png", photo)
    model("mine")
    assert rechroma("evaluate", "album", "--size", "64", "--model", "mine", *aim) == 0
    table = capsys.readouterr().out.splitlines()
    named = [line.split("|")[1].strip() for line in table]
    assert [row for row in named if row.startswith("mine") and "diff" not in row] == rows


@pytest.mark.usefixtures("project")
def test_evaluate_skips_and_names_files_that_are_not_photographs(photo, model, capsys):
    put("album/good.png", photo)
    Path("album/bad.png").write_bytes(b"no picture")
    model("mine")
    assert rechroma("evaluate", "album", "--size", "64", "--model", "mine") == 1
    assert "bad.png: " in capsys.readouterr().err


@pytest.mark.usefixtures("project")
def test_evaluate_requires_models_of_different_names(photo, model, capsys):
    put("album/good.png", photo)
    model("a/mine")
    model("b/mine")
    named = ("--model", "a/mine", "--model", "b/mine")
    assert rechroma("evaluate", "album", *named) == 2
    assert "two models have the same name" in capsys.readouterr().err
