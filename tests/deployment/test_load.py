import shutil

import numpy as np
import pytest

from rechroma.deployment.load import load_model
from rechroma.errors import UserError
from rechroma.inference.backend import TorchBackend
from rechroma.inference.restorer import Restorer
from rechroma.models.card import WEIGHTS
from rechroma.models.store import save_model


@pytest.fixture
def saved(tiny_settings, outspoken, tmp_path):
    """A folder with a model."""
    settings = tiny_settings()
    save_model(outspoken(settings), settings.restore, tmp_path / "model")
    return tmp_path / "model"


def test_a_folder_and_its_file_of_weights_moved_alone_restore_the_same(saved, tmp_path, damaged):
    alone = tmp_path / "renamed.safetensors"
    shutil.copy(saved / WEIGHTS, alone)
    whole, moved = load_model(saved), load_model(alone)
    assert moved.settings == whole.settings
    assert moved.backend.model == whole.backend.model
    mask = damaged == 60
    np.testing.assert_array_equal(moved(damaged, mask), whole(damaged, mask))


def test_an_onnx_file_is_loaded_by_its_ending(exported):
    stored, file = exported
    restorer = load_model(file)
    assert restorer.settings == stored.restore
    assert restorer.backend.model == stored.network.settings
    assert not isinstance(restorer.backend, TorchBackend)


def test_a_path_may_be_a_string(saved):
    assert isinstance(load_model(str(saved)), Restorer)


@pytest.mark.parametrize(
    ("device", "message"),
    [("cdua", r"device is 'cdua', did you mean 'cuda'\?"), ("tpu", "device is 'tpu', ")],
)
def test_an_unknown_device_is_one_clear_message(saved, device, message):
    with pytest.raises(UserError, match=message):
        load_model(saved, device)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", r"nowhere holds no model, expected model\.json"),
        ("nowhere.onnx", r"nowhere\.onnx is missing, expected an ONNX file"),
    ],
)
def test_a_missing_model_is_one_clear_message(tmp_path, name, message):
    with pytest.raises(UserError, match=message):
        load_model(tmp_path / name)
