import json

import numpy as np
import pytest
import torch

from rechroma.deployment import finder_onnx
from rechroma.deployment.bundled_finder import FINDER, FINDER_CARD
from rechroma.deployment.finder_onnx import OnnxFinder
from rechroma.deployment.trained_finder import (
    TorchFinder,
    copy_bundled_finder,
    finder_weights,
    load_any_finder,
    stated_thresholds,
    write_trained_finder,
)
from rechroma.errors import UserError
from rechroma.imaging.print_damage import GROUPS
from rechroma.inference.find_all_damage import ENOUGH, finder_thresholds
from rechroma.models.damage_finder import DamageFinder, save_finder
from rechroma.models.weights import FINDER_WEIGHTS

THRESHOLDS = dict.fromkeys(GROUPS, (0.9, 0.6, 0.2))


@pytest.fixture
def weights(finder_settings, tmp_path):
    """The weights of an untrained network, in the folder of a training."""
    torch.manual_seed(0)
    settings = finder_settings().finder
    file = tmp_path / "training" / FINDER_WEIGHTS
    save_finder(DamageFinder(settings).state_dict(), settings, file)
    return file


def test_weights_and_onnx_find_the_same(weights, tmp_path):
    assert write_trained_finder(weights, THRESHOLDS, tmp_path / "model") == ""
    onnx, torch_finder = load_any_finder(tmp_path / "model"), load_any_finder(weights.parent)
    assert isinstance(onnx, OnnxFinder)
    assert isinstance(torch_finder, TorchFinder)
    lumas = np.random.default_rng(0).integers(0, 256, (1, 64, 96)).astype(np.uint8)
    assert np.abs(onnx(lumas) - torch_finder(lumas)).max() < 2e-3
    assert finder_thresholds(onnx) == THRESHOLDS
    assert finder_thresholds(torch_finder) == ENOUGH


def test_thresholds_stay_with_the_weights(weights, tmp_path):
    write_trained_finder(weights, THRESHOLDS, tmp_path / "model")
    copied = finder_weights(tmp_path / "model")
    assert copied.read_bytes() == weights.read_bytes()
    assert stated_thresholds(copied) == THRESHOLDS
    assert finder_thresholds(load_any_finder(copied)) == THRESHOLDS


def test_a_network_that_onnx_does_not_know_is_kept_as_weights(weights, tmp_path, monkeypatch):
    def trace(finder):  # noqa: ARG001
        raise RuntimeError("no such\noperator")

    monkeypatch.setattr(finder_onnx, "_trace", trace)
    reason = write_trained_finder(weights, THRESHOLDS, tmp_path / "model")
    assert reason == "the finder compact cannot be written as ONNX: no such operator"
    finder = load_any_finder(tmp_path / "model")
    assert isinstance(finder, TorchFinder)
    assert finder.thresholds == THRESHOLDS


@pytest.mark.parametrize("stated", [{"line": [0.9, 0.5, 0.1]}, [0.5], {"line": [0.1, 0.5, 0.9]}])
def test_thresholds_that_are_none_are_refused(weights, stated):
    card = weights.with_name(FINDER_CARD)
    card.write_text(json.dumps({"thresholds": stated}), encoding="utf-8")
    with pytest.raises(UserError, match=r"finder\.json: its thresholds are .*, expected three"):
        load_any_finder(weights)


@pytest.mark.parametrize("name", ["nowhere", "nowhere/finder.safetensors"])
def test_no_network_is_one_line(name, tmp_path):
    with pytest.raises(UserError, match="holds no finder, expected finder"):
        load_any_finder(tmp_path / name)


def test_the_bundled_network_is_copied_whole(tmp_path):
    copy_bundled_finder(tmp_path / "model")
    assert {file.name for file in (tmp_path / "model").iterdir()} == {FINDER, FINDER_CARD}
    with pytest.raises(UserError, match="expected the bundled finder"):
        copy_bundled_finder(tmp_path / "model", tmp_path)
