import pickle
import shutil
from pathlib import Path

import pytest
import torch
from imports import reached_modules

from rechroma.training.checkpoint import CODE, PACKAGE, Checkpoint, fingerprint

STAGE = PACKAGE.parents[1] / "stages/train.py"
COVERED = (
    "metrics.py",
    "settings.py",
    "imaging/hue.py",
    "data/training_set.py",
    "models/restoration.py",
    "models/factory.py",
    "inference/restorer.py",
    "training/losses.py",
    "training/trainer.py",
)


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """A copy of the package's modules; tests put back what they edit."""
    ignored = shutil.ignore_patterns("weights", "__pycache__")
    return shutil.copytree(PACKAGE, tmp_path_factory.mktemp("copy") / "rechroma", ignore=ignored)


@pytest.fixture
def edit(package):
    """Appends a comment to a module of the copy until the test ends."""
    before = {}

    def append(name: str) -> None:
        before[name] = (package / name).read_bytes()
        (package / name).write_bytes(before[name] + b"# edited\n")

    yield append
    for name, content in before.items():
        (package / name).write_bytes(content)


def test_a_copy_of_the_package_has_the_same_fingerprint(tiny_settings, package):
    settings = tiny_settings()
    assert fingerprint(settings, "digest", package) == fingerprint(settings, "digest")


@pytest.mark.parametrize("module", COVERED)
def test_an_edited_module_of_training_changes_the_fingerprint(tiny_settings, package, edit, module):
    assert PACKAGE / module in reached_modules(STAGE)
    edit(module)
    assert fingerprint(tiny_settings(), "d", package) != fingerprint(tiny_settings(), "d")


def test_every_folder_of_training_has_a_module_in_that_test():
    assert {name.split("/")[0] for name in COVERED} == set(CODE)


@pytest.mark.parametrize("module", ["apps/web/page.py", "tracking/runs.py"])
def test_an_edited_module_beside_training_leaves_the_fingerprint(
    tiny_settings, package, edit, module
):
    edit(module)
    assert fingerprint(tiny_settings(), "d", package) == fingerprint(tiny_settings(), "d")


def test_a_renamed_module_changes_the_fingerprint(tiny_settings, package):
    losses = package / "training/losses.py"
    renamed = losses.rename(losses.with_name("terms.py"))
    try:
        assert fingerprint(tiny_settings(), "d", package) != fingerprint(tiny_settings(), "d")
    finally:
        renamed.rename(losses)


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
def test_a_setting_that_training_depends_on_changes_the_fingerprint(tiny_settings, change, same):
    changed = fingerprint(tiny_settings(**change), "digest")
    assert (changed == fingerprint(tiny_settings(), "digest")) is same
    assert changed != fingerprint(tiny_settings(**change), "other data")


def test_other_starting_weights_change_the_fingerprint(tiny_settings, package, tmp_path):
    weights = package / "weights" / "weights.safetensors"
    own = tmp_path / "own.safetensors"
    for file, name in ((weights, "bundled"), (own, str(own))):
        settings = tiny_settings(**{"model.weights": name})
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"first")
        first = fingerprint(settings, "d", package)
        assert fingerprint(settings, "d", package) == first
        file.write_bytes(b"second")
        assert fingerprint(settings, "d", package) != first
    from_scratch = fingerprint(tiny_settings(), "d", package)
    shutil.rmtree(weights.parent)
    assert fingerprint(tiny_settings(), "d", package) == from_scratch


def test_no_training_resumes_from_a_checkpoint_of_other_code(
    tiny_settings, package, edit, tmp_path
):
    def checkpoint() -> Checkpoint:
        return Checkpoint(tmp_path / fingerprint(tiny_settings(), "digest", package))

    checkpoint().save({"epoch": 1})
    edit("apps/web/page.py")
    assert checkpoint().load() == {"epoch": 1}
    edit("training/losses.py")
    assert checkpoint().load() is None


def test_a_saved_state_is_loaded_until_it_is_removed(tmp_path):
    checkpoint = Checkpoint(tmp_path / "c")
    assert checkpoint.load() is None
    checkpoint.save({"weights": torch.arange(3.0), "epoch": 2})
    state = checkpoint.load()
    assert state["epoch"] == 2
    assert torch.equal(state["weights"], torch.arange(3.0))
    checkpoint.remove()
    assert checkpoint.load() is None
    assert not (tmp_path / "c").exists()


def test_a_failed_save_leaves_the_earlier_state(tmp_path):
    checkpoint = Checkpoint(tmp_path / "c")
    checkpoint.save({"epoch": 1})
    with pytest.raises((pickle.PicklingError, AttributeError)):
        checkpoint.save({"epoch": 2, "unsaveable": lambda: None})
    assert checkpoint.load() == {"epoch": 1}
