import numpy as np
import onnx
import pytest

from rechroma.deployment.load import load_model
from rechroma.deployment.onnx_export import add_onnx
from rechroma.deployment.onnx_weights import share_weights
from rechroma.models.card import ONNX, WEIGHTS
from rechroma.models.store import save_model


@pytest.fixture(params=[True, False], ids=["half", "single"])
def model_file(request, untrained, tiny_settings, tmp_path):
    network, restore = untrained(tiny_settings())
    save_model(network, restore, tmp_path, half=request.param)
    return add_onnx(tmp_path)


def test_the_weights_stand_once_and_give_the_same_picture(model_file, damaged):
    mask = damaged == 60
    before, size = load_model(model_file.parent)(damaged, mask), model_file.stat().st_size
    share_weights(model_file)
    assert model_file.stat().st_size < size / 2
    assert np.array_equal(load_model(model_file.parent)(damaged, mask), before)


def test_nearly_all_is_read_from_the_file_of_weights(model_file):
    share_weights(model_file)
    model = onnx.load(model_file.parent / ONNX, load_external_data=False)
    inside = sum(len(each.raw_data) for each in model.graph.initializer)
    assert inside < 0.1 * model_file.with_name(WEIGHTS).stat().st_size
    places = {entry.value for each in model.graph.initializer for entry in each.external_data}
    assert WEIGHTS in places
