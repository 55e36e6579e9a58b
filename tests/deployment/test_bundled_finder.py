import pytest
import torch

from rechroma.deployment.bundled_finder import (
    FINDER,
    bundle_finder,
    finder_digest,
    keep_finder,
    load_bundled_finder,
)
from rechroma.errors import UserError
from rechroma.models.damage_finder import DamageFinder


@pytest.fixture
def folder(finder_settings, tmp_path):
    torch.manual_seed(0)
    finder = DamageFinder(finder_settings().finder).eval()
    bundle_finder(finder, {"license": "ours"}, tmp_path / "weights")
    return tmp_path / "weights"


def test_a_bundled_network_is_loaded_once(folder):
    loaded = load_bundled_finder(1, folder)
    assert loaded is load_bundled_finder(1, folder)
    assert loaded.card["license"] == "ours"
    assert loaded.card["finder"]["weights"] == "none"
    assert len(finder_digest(folder)) == 64


def test_a_damaged_network_is_refused(folder):
    with (folder / FINDER).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(UserError, match=r"finder.onnx is damaged: its SHA-256"):
        load_bundled_finder(1, folder)


def test_no_network_is_none(tmp_path):
    assert load_bundled_finder(folder=tmp_path) is None
    assert finder_digest(tmp_path) == ""


def test_another_bundled_model_keeps_the_network(folder, tmp_path):
    (tmp_path / "new").mkdir()
    keep_finder(folder, tmp_path / "new")
    assert finder_digest(tmp_path / "new") == finder_digest(folder)
    assert load_bundled_finder(1, tmp_path / "new") is not None
