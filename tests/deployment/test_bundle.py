import json

import numpy as np
import pytest

from rechroma.deployment import bundle
from rechroma.deployment.bundle import SIZE_LIMIT, write_bundle
from rechroma.deployment.load import load_model
from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.models.card import CARD, WEIGHTS
from rechroma.models.restoration import RestorationNetwork
from rechroma.models.store import StoredModel
from rechroma.models.weights import BUNDLED_FOLDER


def test_the_bundled_model_restores(damaged):
    restore = load_model(BUNDLED_FOLDER)
    hole = np.zeros(damaged.shape, bool)
    hole[20:50, 30:70] = True
    restored = restore(damaged, hole)
    assert np.array_equal(to_luma(restored)[~hole], damaged[~hole])
    assert np.ptp(restored.astype(int), axis=2).max() > 0


def test_the_bundled_model_is_small_and_its_card_names_license_and_training():
    assert (BUNDLED_FOLDER / WEIGHTS).stat().st_size <= SIZE_LIMIT * 2**20
    card = json.loads((BUNDLED_FOLDER / CARD).read_text(encoding="utf-8"))
    assert "Research use only" in card["license"]
    assert len(card["sha256"]) == 64
    assert card["trained"]


def test_a_written_bundle_has_its_card_and_can_be_loaded(tiny_settings, tmp_path):
    settings = tiny_settings()
    network = RestorationNetwork(settings.model).eval()
    weights = write_bundle(
        StoredModel(network, settings.restore), {"trained": "here"}, tmp_path / "weights"
    )
    assert load_model(weights.parent).settings == settings.restore
    assert json.loads(weights.with_name("model.json").read_text())["trained"] == "here"


def test_a_model_too_large_is_refused_and_the_earlier_bundle_stays(
    tiny_settings, tmp_path, monkeypatch
):
    settings = tiny_settings()
    stored = StoredModel(RestorationNetwork(settings.model), settings.restore)
    weights = write_bundle(stored, {"trained": "first"}, tmp_path / "weights")
    monkeypatch.setattr(bundle, "SIZE_LIMIT", 0)
    with pytest.raises(UserError, match="MiB in half precision, expected at most 0 MiB"):
        write_bundle(stored, {"trained": "second"}, tmp_path / "weights")
    assert json.loads(weights.with_name("model.json").read_text())["trained"] == "first"
