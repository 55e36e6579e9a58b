from pathlib import Path

import numpy as np
import pytest
from command_line import HOLE, mask_of, put

from rechroma.apps.blind.photographs import BlindPhoto
from rechroma.apps.blind.sides import NamedSource, open_side, parse_sources
from rechroma.errors import UserError
from rechroma.imaging.inpaint import soft_telea

EXPERIMENT = "rechroma"


@pytest.fixture(autouse=True)
def at_desk(desk, monkeypatch):  # noqa: ARG001, in that folder
    """In an empty folder, without a store of MLflow."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def old(damaged):
    return BlindPhoto(Path("album/a.png"), damaged, mask_of(HOLE))


def opened(source, photos=None):
    photos = photos or {Path("album/a.png"): Path("a.png")}
    return open_side(NamedSource("side", source), photos, EXPERIMENT)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["bundled"], "is bundled alone, expected two models or more"),
        (["a/mine", "b/mine"], "two are named 'mine', name one of them: NAME=mine"),
        (["a=gray", "a=bundled"], "two are named 'a'"),
        (["gray", "=bundled"], "expected NAME=SOURCE with both"),
    ],
)
def test_sources_that_cannot_be_compared_are_a_user_error(texts, message):
    with pytest.raises(UserError, match=message):
        parse_sources(texts)


def test_a_path_with_an_equals_sign_is_a_path():
    Path("lr=1").mkdir()
    assert parse_sources(["lr=1", "lr=2"])[0] == NamedSource("lr=1", "lr=1")


def test_gray_is_the_photograph_filled_by_the_best_baseline(old):
    restored = opened("gray").restore(old)
    assert np.array_equal(restored, np.dstack([soft_telea(old.damaged, old.mask)] * 3))


def test_the_bundled_model_restores(old):
    restored = opened("bundled").restore(old)
    assert restored.shape == (*old.damaged.shape, 3)
    assert np.ptp(restored.astype(int), axis=2).max() > 0


def test_a_folder_with_a_model_is_a_model_and_another_one_holds_ready_pictures(model, photo, old):
    model("mine")
    put("ready/sub/a.png", photo)
    assert NamedSource("mine", "mine").folder is None
    assert NamedSource("ready", "ready").folder == Path("ready")
    assert opened("mine").restore(old).shape == photo.shape
    assert np.array_equal(opened("ready").restore(old), photo)


def test_a_photograph_without_its_ready_picture_is_a_user_error(photo):
    put("ready/b.png", photo)
    with pytest.raises(UserError, match=r"album/a\.png: ready holds no picture for it"):
        opened("ready")


@pytest.mark.parametrize("source", ["unknown", "notes.txt"])
def test_a_source_that_is_nothing_is_a_user_error(source):
    Path("notes.txt").write_text("To Grandma")
    with pytest.raises(UserError, match=f"{source}'? is no model, expected bundled, gray"):
        opened(source)
    assert not Path("mlflow.db").exists()


def test_a_training_is_found_by_its_name_in_mlflow(root, model, monkeypatch):
    model("mine")
    runs = [Training("slow", finished=False), Training("lion", finished=True)]
    monkeypatch.setattr("rechroma.tracking.queries.find_trainings", lambda *_: runs)
    monkeypatch.setattr("rechroma.tracking.queries.model_folder", lambda _, run: Path(run.folder))
    assert opened("lion").restore.__closure__ is not None
    with pytest.raises(UserError, match="'slow' is no model"):
        opened("slow")
    assert (root / "mlflow.db").exists()


class Training:
    """Stands for a run of MLflow."""

    folder = "mine"

    def __init__(self, name, finished):
        self.name, self.run_id, self.finished = name, f"id of {name}", finished
