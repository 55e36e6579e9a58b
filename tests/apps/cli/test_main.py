import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import HOLE, mask_of, put, rechroma

from rechroma import metrics
from rechroma.apps.batch import image_file
from rechroma.deployment import onnx_export
from rechroma.deployment.load import load_model
from rechroma.deployment.onnx_export import OnnxDifference
from rechroma.evaluation.baselines import BASELINES
from rechroma.models import weights

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def at_desk(desk):
    """Commands run in an empty folder."""


def files() -> dict[str, bytes]:
    found = [path for path in sorted(Path().rglob("*")) if path.is_file()]
    return {path.as_posix(): path.read_bytes() for path in found}


def test_help_comes_without_the_heavy_imports():
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "rechroma.apps.cli.main", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in shown.stderr.splitlines()}
    assert "argparse" in imported
    assert not imported & {"torch", "numpy", "cv2", "PIL", "pydantic"}
    assert all(name in shown.stdout for name in ("restore", "find-mask", "score"))


@pytest.mark.parametrize(
    "command",
    [
        "restore",
        "models",
        "find-mask",
        "web",
        "score",
        "evaluate",
        "study",
        "compare",
        "ship",
        "export",
    ],
)
def test_every_command_shows_an_example(command, capsys):
    assert rechroma(command, "--help") == 0
    assert re.search(rf"\n  rechroma {command}[ \n]", capsys.readouterr().out)


def test_the_score_is_json_of_the_means_and_nothing_else(photo, capsys):
    scores = []
    for number, area in enumerate((HOLE, np.s_[0:9, 0:90], np.s_[0:0, 0:0])):
        target = np.roll(photo, 20 * number, axis=0)
        restored = target // (number + 1)
        put(f"truth/{number}.bmp", target)
        put(f"restored/{number}.png", restored)
        put(f"masks/{number}.png", np.where(mask_of(area), 255, 0).astype(np.uint8))
        scores.append(metrics.score(target, restored, mask_of(area)))
    put("restored/more.png", photo)
    arguments = ("--truth", "truth", "--restored", "restored", "--masks", "masks")
    assert rechroma("score", *arguments) == 0
    shown = capsys.readouterr()
    report = json.loads(shown.out)
    assert list(report) == ["score", "ssim", "masked_ssim", "hue", "photos"]
    assert report == {**metrics.mean_scores(scores)._asdict(), "photos": 3}
    assert "scoring: 3/3" in shown.err


SCORE = ["score", "--truth", "truth", "--restored", "restored", "--masks", "masks"]
MISTAKES = {
    "a missing path": (["restore", "gone.png", "--out", "new"], r"gone\.png: does not exist"),
    "no photographs": (["restore", "empty", "--out", "new"], "no photograph found in these paths"),
    "over the photograph itself": (
        ["restore", "old.png", "--out", "."],
        r"old\.png would be overwritten, choose another folder with --out",
    ),
    "over another photograph": (
        ["restore", "album", "old.png", "--out", "album/deep"],
        r"album/deep/old\.png would be overwritten",
    ),
    "over a mask": (
        ["restore", "old.png", "--mask", "masks", "--out", "masks"],
        r"masks/old\.png would be overwritten",
    ),
    "into a file": (
        ["restore", "old.png", "--out", "notes.txt"],
        r"notes\.txt is a file, expected",
    ),
    "below a file": (
        ["find-mask", "old.png", "--out", "notes.txt/new"],
        r"notes\.txt/new: Not a directory",
    ),
    "one mask for many": (
        ["restore", "album", "--out", "new", "--mask", "masks/old.png"],
        r"--mask is one file for \d photographs, expected a folder",
    ),
    "one file for many": (
        ["restore", "album", "old.png", "--out", "new.png"],
        r"new\.png is one file for \d photographs, expected a folder",
    ),
    "two formats": (
        ["restore", "old.png", "--out", "new.png", "--format", "tiff"],
        r"--out is new\.png but --format is tiff, leave one out",
    ),
    "growing by nothing known": (
        ["restore", "old.png", "--out", "new", "--grow", "-1"],
        r"--grow: is '-1', expected a number of px from 0 to 500",
    ),
    "no model": (
        ["restore", "old.png", "--out", "new", "--model", "gone"],
        r"gone holds no model, expected model\.json",
    ),
    "nothing to score": ([*SCORE[:2], "gone", *SCORE[3:]], "gone is not a folder"),
    "an empty folder to score": ([*SCORE[:2], "empty", *SCORE[3:]], "empty holds no pictures"),
    "a restored one is missing": (
        [*SCORE[:4], "other", *SCORE[5:]],
        r"other holds no picture for truth/a\.png, expected a\.png there",
    ),
    "a mask is missing": ([*SCORE[:6], "other"], r"other holds no picture for truth/a\.png"),
    "a restored one of another size": (
        [*SCORE[:4], "small", *SCORE[5:]],
        "a: its restored picture is 4x3 px, expected the target's 128x96 px",
    ),
    "a mask of another size": ([*SCORE[:6], "small"], "a: its mask picture is 4x3 px"),
    "two targets of one stem": ([*SCORE[:2], "twins", *SCORE[3:]], "have the same stem"),
    "a misspelled command": (["restor", "old.png"], "invalid choice: 'restor'.*restore"),
    "no --out": (["restore", "old.png"], r"--out; see rechroma restore --help"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_clear_line_and_changes_nothing(damaged, photo, capsys, mistake):
    put("old.png", damaged)
    for file in ("album/old.bmp", "album/deep/old.png", "twins/a.bmp", "twins/a.png"):
        put(file, damaged)
    for file in ("truth/a.png", "restored/a.png", "other/b.png"):
        put(file, photo)
    put("masks/old.png", damaged)
    put("masks/a.png", damaged)
    put("small/a.png", damaged[:3, :4])
    Path("empty").mkdir()
    Path("notes.txt").write_text("no photograph")
    before = files()
    arguments, message = MISTAKES[mistake]
    assert rechroma(*arguments) == 2
    shown = capsys.readouterr()
    told = [line for line in shown.err.splitlines() if not line.startswith("no model (")]
    assert len(told) == 1
    assert told[0].startswith("rechroma")
    assert re.search(message, told[0]), told[0]
    assert not shown.out
    assert files() == before


def test_an_interrupt_ends_without_a_traceback(damaged, capsys, monkeypatch):
    put("old.png", damaged)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(image_file, "write_mask", interrupt)
    assert rechroma("find-mask", "old.png", "--out", "masks") == 130
    assert (
        capsys.readouterr().err == "rechroma: stopped; all files that were written are complete\n"
    )


def test_evaluate_sets_models_beside_baselines(photo, model, capsys):
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    for number in range(2):
        put(f"album/{number}.png", np.roll(photo, 9 * number, axis=1))
    model("mine")
    arguments = ("evaluate", "album", "--size", "64", "--model", "mine", "--out", "judged")
    assert rechroma(*arguments) == 0
    table = capsys.readouterr().out
    assert [line.split("|")[1].strip() for line in table.splitlines()][2:] == [
        "mine",
        *BASELINES,
        "mine, difference to the best baseline",
    ]
    assert "2 photographs of album, 64 px" in Path("judged/table.md").read_text()
    assert Path("judged/pictures.png").exists()


def test_evaluate_passes_over_what_is_no_photograph_and_says_so(photo, model, capsys):
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    put("album/good.png", photo)
    Path("album/bad.png").write_bytes(b"no picture")
    model("mine")
    assert rechroma("evaluate", "album", "--size", "64", "--model", "mine") == 1
    assert "bad.png: " in capsys.readouterr().err


def test_evaluate_wants_models_of_different_names(photo, model, capsys):
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    put("album/good.png", photo)
    model("a/mine")
    model("b/mine")
    named = ("--model", "a/mine", "--model", "b/mine")
    assert rechroma("evaluate", "album", *named) == 2
    assert "two models have the same name" in capsys.readouterr().err


@pytest.fixture
def project():
    """The project's own settings and studies in a folder of their own."""
    root = Path(__file__).resolve().parents[3]
    for name in ("params.yaml", "studies.yaml"):
        Path(name).write_bytes((root / name).read_bytes())


@pytest.mark.usefixtures("project")
def test_studies_are_listed(capsys):
    assert rechroma("study") == 0
    assert "losses" in capsys.readouterr().out


@pytest.mark.usefixtures("project")
def test_a_dry_run_prints_every_training_and_starts_none(capsys):
    before = files()
    assert rechroma("study", "losses", "--dry-run", "--seeds", "7", "8", "-S", "lr=0.5") == 0
    told = capsys.readouterr().out
    assert files() == before
    assert "lr=0.5" in told.splitlines()[1]
    assert "losses-mse-s7-" in told
    assert told.splitlines()[-1].startswith(f"{len(told.splitlines()) - 3} trainings of ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["study", "lossess"], "did you mean 'losses'"),
        (["study", "losses", "-S", "optm=adam"], "did you mean 'optim'"),
        (["study", "losses"], "holds no dvc.yaml"),
        (["compare"], "expected either a study's name or --filter"),
        (["compare", "losses"], "start it: rechroma study losses"),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_mistake_about_a_study_is_one_line(capsys, arguments, message):
    assert rechroma(*arguments) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


@pytest.mark.usefixtures("project")
def test_a_model_is_shipped_with_its_scores_beside_it(model, photo, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(weights, "BUNDLED_FOLDER", tmp_path / "weights")
    model("mine")
    for number in range(2):
        put(f"unseen/{number}.png", photo[::-1] if number else photo)
    Path("prepared").mkdir()
    np.save("prepared/train.npy", photo[None, :64, :64])
    assert rechroma("ship", "mine", "--judge", "unseen:64", "--prepared", "prepared") == 0
    card = (tmp_path / "weights" / "card.md").read_text(encoding="utf-8")
    assert card in capsys.readouterr().out
    assert "2 photographs of unseen, 64 px" in card
    assert "| ours |" in card
    assert "| mean hues |" in card
    assert load_model(tmp_path / "weights").backend.engine == "onnx"


@pytest.mark.usefixtures("project")
def test_a_model_is_compared_on_scikit_images_photographs_before_it_is_shipped(
    model, monkeypatch, capsys, tmp_path
):
    def compare(file, stored, damaged, mask):  # noqa: ARG001
        compared.append((damaged.shape, float(mask.mean())))
        return OnnxDifference(1e-6, 1e-6, 2 * (len(compared) == 4), 0.0)

    compared = []
    monkeypatch.setattr(weights, "BUNDLED_FOLDER", tmp_path / "weights")
    monkeypatch.setattr(onnx_export, "compare_with_torch", compare)
    model("mine")
    assert rechroma("ship", "mine") == 2
    assert [max(shape) for shape, _ in compared] == [509, 384, 251, 127]
    assert capsys.readouterr().err.startswith("rechroma: rocket: ONNX differs from torch by 1e-06 ")
    assert not (tmp_path / "weights").exists()


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mine", "--judge", "unseen"], "--evaluate is 'unseen', expected a folder and a size"),
        (["losses"], "start it: rechroma study losses"),
    ],
)
def test_a_mistake_about_shipping_is_one_line(arguments, message, capsys):
    assert rechroma("ship", *arguments) == 2
    assert message in capsys.readouterr().err
