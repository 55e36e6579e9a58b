import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from rechroma.errors import UserError
from rechroma.models.restoration import RestorationNetwork
from rechroma.models.store import load_network
from rechroma.models.weights import BUNDLED_FOLDER, load_weights

TINY = {"model.encoder": "tu-test_resnet"}


def test_starting_weights_are_read_from_a_file(make_settings, tmp_path):
    first = RestorationNetwork(make_settings(**TINY).model)
    save_file(first.state_dict(), tmp_path / "w.safetensors")
    settings = make_settings(**TINY, **{"model.weights": str(tmp_path / "w.safetensors")})
    second = RestorationNetwork(settings.model)
    for name, weight in second.state_dict().items():
        assert torch.equal(weight, first.state_dict()[name]), name


def test_a_training_can_start_from_the_bundled_weights(make_settings):
    network = RestorationNetwork(make_settings(**{"model.weights": "bundled"}).model)
    bundled = load_network(BUNDLED_FOLDER).network.state_dict()
    assert all(torch.equal(own, bundled[name]) for name, own in network.state_dict().items())


def test_another_network_cannot_start_from_the_bundled_weights(make_settings):
    other = {"model.weights": "bundled", "model.encoder": "tu-test_resnet"}
    with pytest.raises(UserError, match=r"choose model\.weights=none: .* is of another network"):
        RestorationNetwork(make_settings(**other).model)


def test_weights_of_another_network_are_one_clear_message(make_settings, tmp_path):
    file = tmp_path / "w.safetensors"
    save_file(RestorationNetwork(make_settings(**TINY).model).state_dict(), file)
    other = make_settings(**TINY, **{"model.mask": False})
    with pytest.raises(UserError, match="of another network: expected"):
        load_weights(RestorationNetwork(other.model), file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"w\.safetensors is missing, expected the weights"),
        (b"no weights", r"w\.safetensors is no safetensors file"),
    ],
)
def test_a_missing_or_broken_file_is_one_clear_message(tmp_path, content, message):
    file = tmp_path / "w.safetensors"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=message):
        load_weights(torch.nn.Linear(1, 1), file)


def test_the_place_of_the_bundled_weights_is_known_without_importing_torch():
    program = (
        "import sys, rechroma.models.weights, rechroma.models.card; print('torch' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert shown.stdout == "False\n", shown.stderr
