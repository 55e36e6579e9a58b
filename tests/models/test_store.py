import json
import shutil

import pytest
import torch

from rechroma.errors import UserError
from rechroma.models.card import CARD, METADATA, WEIGHTS, read_card
from rechroma.models.store import load_network, save_model


@pytest.fixture(scope="module")
def saved(tiny_settings, outspoken, tmp_path_factory):
    """A folder with a model; not to be changed."""
    folder = tmp_path_factory.mktemp("model")
    settings = tiny_settings()
    save_model(outspoken(settings), settings.restore, folder, extra={"trained": "here"})
    return folder


def test_a_saved_model_is_loaded_with_its_weights_and_settings(saved, tiny_settings, outspoken):
    settings = tiny_settings()
    stored = load_network(saved)
    assert stored.restore == settings.restore
    assert stored.network.settings == settings.model
    assert not stored.network.training
    for name, tensor in outspoken(settings).state_dict().items():
        assert torch.equal(stored.network.state_dict()[name], tensor), name


def test_a_file_of_weights_moved_alone_is_the_same_model(saved, tmp_path):
    alone = tmp_path / "elsewhere" / "renamed.safetensors"
    alone.parent.mkdir()
    shutil.copy(saved / WEIGHTS, alone)
    whole, moved = load_network(saved), load_network(alone)
    assert moved.restore == whole.restore
    assert moved.network.settings == whole.network.settings
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(moved.network.state_dict()[name], tensor), name


def test_the_card_is_inside_the_file_of_weights_too(saved):
    from safetensors import safe_open

    with safe_open(saved / WEIGHTS, framework="np") as file:
        embedded = json.loads(file.metadata()[METADATA])
    card = read_card(saved)
    assert embedded == {name: card[name] for name in card if name != "sha256"}
    assert embedded["trained"] == "here"


def test_half_precision_halves_the_file(saved, tmp_path):
    stored = load_network(saved)
    save_model(stored.network, stored.restore, tmp_path, half=True)
    assert (tmp_path / WEIGHTS).stat().st_size < 0.6 * (saved / WEIGHTS).stat().st_size
    halved = load_network(tmp_path).network.state_dict()
    for name, tensor in stored.network.state_dict().items():
        torch.testing.assert_close(halved[name], tensor, rtol=1e-3, atol=1e-6)


def test_weights_that_are_not_those_of_the_card_are_refused(saved, tmp_path):
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    content = bytearray((tmp_path / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (tmp_path / WEIGHTS).write_bytes(content)
    with pytest.raises(UserError, match=r"damaged or another file: expected sha256 \w{12}…"):
        load_network(tmp_path)


def test_a_folder_without_its_weights_is_one_clear_message(saved, tmp_path):
    shutil.copy(saved / CARD, tmp_path)
    with pytest.raises(UserError, match=r"weights\.safetensors is missing, expected the weights"):
        load_network(tmp_path)
