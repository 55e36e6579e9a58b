import json

import numpy as np
import pytest
import torch

from rechroma.deployment import bundle
from rechroma.deployment.bundle import SIZE_LIMIT, write_bundle
from rechroma.deployment.load import load_model
from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.models.card import CARD, WEIGHTS
from rechroma.models.restoration import RestorationNetwork
from rechroma.models.store import StoredModel, load_network
from rechroma.models.weights import BUNDLED_FOLDER


def test_the_package_carries_a_model_that_restores(damaged):
    restore = load_model(BUNDLED_FOLDER)
    hole = np.zeros(damaged.shape, bool)
    hole[20:50, 30:70] = True
    restored = restore(damaged, hole)
    assert np.array_equal(to_luma(restored)[~hole], damaged[~hole])
    assert np.ptp(restored.astype(int), axis=2).max() > 0


def test_the_packages_model_is_small_and_says_what_it_is():
    assert (BUNDLED_FOLDER / WEIGHTS).stat().st_size <= SIZE_LIMIT * 2**20
    card = json.loads((BUNDLED_FOLDER / CARD).read_text(encoding="utf-8"))
    assert "Research use only" in card["license"]
    assert len(card["sha256"]) == 64
    assert card["trained"]


def test_a_training_can_start_from_the_packages_model(make_settings):
    network = RestorationNetwork(make_settings(**{"model.weights": "bundled"}).model)
    carried = load_network(BUNDLED_FOLDER).network.state_dict()
    assert all(torch.equal(own, carried[name]) for name, own in network.state_dict().items())


def test_another_network_cannot_start_from_it_and_is_told_what_to_do(make_settings):
    other = {"model.weights": "bundled", "model.encoder": "tu-test_resnet"}
    with pytest.raises(UserError, match=r"choose model\.weights=none: .* is of another network"):
        RestorationNetwork(make_settings(**other).model)


def test_what_is_shipped_is_told_and_can_be_loaded(tiny_settings, tmp_path):
    settings = tiny_settings()
    network = RestorationNetwork(settings.model).eval()
    made = write_bundle(
        StoredModel(network, settings.restore), {"trained": "here"}, tmp_path / "weights"
    )
    assert load_model(made.parent).settings == settings.restore
    assert json.loads(made.with_name("model.json").read_text())["trained"] == "here"


def test_a_model_too_large_leaves_the_one_that_is_there(tiny_settings, tmp_path, monkeypatch):
    settings = tiny_settings()
    stored = StoredModel(RestorationNetwork(settings.model), settings.restore)
    made = write_bundle(stored, {"trained": "first"}, tmp_path / "weights")
    monkeypatch.setattr(bundle, "SIZE_LIMIT", 0)
    with pytest.raises(UserError, match="MiB in half precision, expected at most 0 MiB"):
        write_bundle(stored, {"trained": "second"}, tmp_path / "weights")
    assert json.loads(made.with_name("model.json").read_text())["trained"] == "first"
