import importlib.util
import shutil
import sys
from itertools import product

import numpy as np
import pytest
import torch

from rechroma.deployment import load
from rechroma.deployment.load import load_model
from rechroma.deployment.onnx_export import add_onnx, export_onnx
from rechroma.errors import UserError
from rechroma.inference.backend import TorchBackend
from rechroma.inference.restorer import Restorer
from rechroma.models.card import CARD, ONNX, ONNX_SUM, WEIGHTS, read_card, write_card
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
    ("backend", "device", "message"),
    [
        ("auto", "cdua", r"device is 'cdua', did you mean 'cuda'\?"),
        ("auto", "tpu", "device is 'tpu', did you mean 'cpu'"),
        (
            "auto",
            "quantum",
            "is 'quantum', expected one of: auto, coreml, cpu, cuda, directml, mps",
        ),
        ("auto", "cuda:first", "device is 'cuda:first', "),
        ("auto", "cpu:1", "device is 'cpu:1', "),
        ("onxx", "auto", r"backend is 'onxx', did you mean 'onnx'\?"),
        (
            "torch",
            "coreml",
            "device 'coreml' is none of the backend 'torch', expected auto, cpu, c",
        ),
        ("onnx", "mps", "device 'mps' is none of the backend 'onnx', expected auto, cpu, cuda, co"),
    ],
)
def test_an_unknown_or_unfitting_choice_is_one_clear_message(saved, backend, device, message):
    with pytest.raises(UserError, match=message):
        load_model(saved, backend, device)


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


@pytest.fixture(scope="module")
def with_onnx(tmp_path_factory, exported):
    """A folder with a model and its ONNX file; not to be changed."""
    folder = tmp_path_factory.mktemp("model")
    stored, _ = exported
    save_model(stored.network, stored.restore, folder)
    add_onnx(folder)
    return folder


@pytest.fixture
def copied(with_onnx, tmp_path):
    """A folder with a model and its ONNX file."""
    return shutil.copytree(with_onnx, tmp_path / "model")


def used(path, *choices):
    backend = load_model(path, *choices).backend
    return backend.engine, backend.device


@pytest.fixture
def cuda(monkeypatch):
    """Torch says that it has one GPU; a network asked to move there stays where it is."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    asked = []

    def load_network(path, device):
        asked.append(device)
        return real(path)

    real = load.load_network
    monkeypatch.setattr(load, "load_network", load_network)
    return asked


def test_a_folder_with_its_onnx_file_is_restored_with_onnx_unless_torch_is_asked_for(
    with_onnx, saved
):
    assert used(with_onnx) == used(with_onnx, "onnx") == ("onnx", "cpu")
    assert used(with_onnx, "torch", "cpu") == ("torch", "cpu")
    assert used(with_onnx / WEIGHTS, "auto", "cpu") == ("torch", "cpu")
    assert used(with_onnx / ONNX) == ("onnx", "cpu")
    assert used(saved, "auto", "cpu") == ("torch", "cpu")


def test_both_backends_restore_alike(with_onnx, damaged):
    mask = damaged == 60
    pictures = [
        load_model(with_onnx, each)(damaged, mask).astype(int) for each in ("onnx", "torch")
    ]
    np.testing.assert_allclose(*pictures, rtol=0, atol=1)


def test_the_settings_are_those_of_the_folders_card_with_both_backends(copied):
    card = read_card(copied)
    write_card(copied, {**card, "restore": {"size": 64, "hues": False}})
    for backend in ("onnx", "torch"):
        settings = load_model(copied, backend).settings
        assert (settings.size, settings.hues) == (64, False)


def test_the_aim_is_that_of_the_card_unless_one_is_named(saved):
    assert load_model(saved).settings.aim == "score"
    assert load_model(saved, aim="eye").settings.aim == "eye"
    with pytest.raises(UserError, match="aim is 'ear', expected one of: eye, score"):
        load_model(saved, aim="ear")


def test_torch_computes_on_cuda_where_it_has_it_and_onnx_where_nothing_is_said_on_the_cpu(
    cuda, with_onnx, saved
):
    assert used(with_onnx)[0] == "onnx"
    assert used(with_onnx, "torch")[0] == "torch"
    assert used(with_onnx, "auto", "cuda:0")[0] == "torch"
    assert used(saved)[0] == "torch"
    assert cuda == ["cuda", "cuda:0", "cuda"]


@pytest.mark.parametrize(
    ("backend", "device"),
    [
        *product(["auto"], ["cuda", "cuda:1", "mps", "coreml", "directml"]),
        *product(["onnx"], ["cuda", "cuda:1", "coreml", "directml"]),
        *product(["torch"], ["cuda", "cuda:1", "mps"]),
    ],
)
def test_a_device_that_is_not_here_is_replaced_by_the_cpu_with_one_warning(
    with_onnx, monkeypatch, caplog, backend, device
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    engine = "torch" if backend == "torch" else "onnx"
    assert used(with_onnx, backend, device) == (engine, "cpu")
    (record,) = caplog.records
    assert f"cannot compute on '{device}' here, the CPU is used instead" in record.getMessage()


def test_a_gpu_that_torch_does_not_count_is_not_there(cuda, with_onnx, caplog):
    assert used(with_onnx, "torch", "cuda:7") == ("torch", "cpu")
    assert "'cuda:7'" in caplog.text
    assert cuda == ["cpu"]


def test_an_onnx_file_that_is_not_that_of_the_card_is_refused(copied):
    content = bytearray((copied / ONNX).read_bytes())
    content[-1] ^= 1
    (copied / ONNX).write_bytes(content)
    with pytest.raises(UserError, match=r"restorer\.onnx is damaged or another file: expected sha"):
        load_model(copied)
    assert load_model(copied, "torch")


def test_an_onnx_file_put_into_a_folder_by_hand_needs_no_sum_but_has_to_be_of_its_network(
    copied, tiny_settings, untrained
):
    card = read_card(copied)
    write_card(copied, {name: card[name] for name in card if name != ONNX_SUM})
    assert used(copied) == ("onnx", "cpu")
    export_onnx(untrained(tiny_settings(**{"model.mask": False})), copied / ONNX)
    with pytest.raises(UserError, match=r"restorer\.onnx is of another network than model\.json"):
        load_model(copied)


def test_a_folder_of_the_onnx_file_and_the_card_alone_restores(copied):
    (copied / WEIGHTS).unlink()
    assert used(copied) == ("onnx", "cpu")
    (copied / CARD).unlink()
    with pytest.raises(UserError, match=r"holds no model, expected model\.json"):
        load_model(copied)


@pytest.mark.parametrize(
    ("name", "backend", "message"),
    [
        ("model", "onnx", r"model holds no restorer\.onnx, .*: rechroma export --onnx .*model/res"),
        ("model/weights.safetensors", "onnx", r"holds weights for torch, expected an ONNX file"),
        ("x.onnx", "torch", r"x\.onnx is an ONNX file, expected a model's folder for the backend"),
        ("nowhere", "onnx", r"nowhere holds no model, expected model\.json"),
    ],
)
def test_a_backend_without_its_file_is_one_clear_message(saved, tmp_path, name, backend, message):
    assert saved == tmp_path / "model"
    with pytest.raises(UserError, match=message):
        load_model(tmp_path / name, backend)


@pytest.fixture
def without(monkeypatch):
    """`without("torch")`: as if the package were not installed."""

    def hide(package):
        found = importlib.util.find_spec
        for module in [name for name in sys.modules if name.partition(".")[0] == package]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setitem(sys.modules, package, None)
        monkeypatch.setattr(
            load, "find_spec", lambda name: None if name == package else found(name)
        )

    return hide


def test_without_torch_models_with_an_onnx_file_restore_and_others_name_the_extra(
    with_onnx, saved, without
):
    without("torch")
    assert used(with_onnx) == used(with_onnx, "auto", "cuda") == ("onnx", "cpu")
    remedy = r"which is not installed: pip install 'rechroma\[train\]'"
    for path, choices, reason in (
        (saved, (), r"model has no restorer\.onnx and needs torch, "),
        (with_onnx, ("torch",), "needs torch, "),
        (with_onnx / WEIGHTS, (), r"weights\.safetensors needs torch, "),
    ):
        with pytest.raises(UserError, match=reason + remedy):
            load_model(path, *choices)
    with pytest.raises(UserError, match=r"nowhere holds no model, expected model\.json"):
        load_model("nowhere")


def test_without_onnxruntime_torch_restores(with_onnx, without):
    without("onnxruntime")
    assert used(with_onnx, "auto", "cpu") == ("torch", "cpu")
    with pytest.raises(UserError, match="needs onnxruntime, which is not installed"):
        load_model(with_onnx, "onnx")
