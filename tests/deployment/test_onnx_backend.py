import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from PIL import Image
from timm.layers import Conv2dSame

from rechroma.apps.cli.main import main
from rechroma.deployment import onnx_export
from rechroma.deployment.load import load_model
from rechroma.deployment.onnx_backend import OnnxBackend
from rechroma.deployment.onnx_export import compare_with_torch, constant_padding, export_onnx
from rechroma.errors import UserError
from rechroma.inference.backend import TorchBackend
from rechroma.inference.restorer import Restorer
from rechroma.models.card import METADATA
from rechroma.models.restoration import RestorationNetwork
from rechroma.models.store import StoredModel, save_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("onnx")


def lively(settings):
    """An untrained model that says more than a fresh one."""
    torch.manual_seed(0)
    network = RestorationNetwork(settings.model).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight *= 1.2
    return StoredModel(network, settings.restore)


@pytest.fixture
def exported(folder, tiny_settings):
    """An untrained model and its ONNX file, written once for all tests."""
    stored = lively(tiny_settings())
    with torch.no_grad():
        stored.network.color_network.head.weight *= 20  # colors as strong as a photograph's
    file = folder / "tiny.onnx"
    if not file.exists():
        export_onnx(stored, file, {"license": "to be had"})
    return stored, file


def noise(shape):
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, shape).astype(np.uint8), generator.random(shape) < 0.3


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (33, 47), (96, 128), (257, 63)])
def test_a_file_says_what_torch_says_at_any_size(exported, shape):
    stored, file = exported
    said = load_model(file).inference(*noise(shape))
    wanted = TorchBackend(stored.network, exact=True)(*noise(shape))
    assert said.color.shape == (3, *shape)
    np.testing.assert_allclose(said.color, wanted.color, atol=1e-5)
    np.testing.assert_allclose(said.hues, wanted.hues, atol=1e-5)
    assert np.abs(wanted.color[1:]).max() > 0.005


@pytest.mark.parametrize(
    "changes",
    [
        {"model.two_stage": True, "model.segmentation": True, "model.decoder": "unet"},
        {"model.output": "rgb", "model.hues": False},
        {"model.mask": False, "model.keep_gray": False, "model.fill": "none"},
    ],
)
def test_other_networks_are_written_too(tiny_settings, tmp_path, changes):
    settings = tiny_settings(**changes)
    stored = lively(settings)
    export_onnx(stored, tmp_path / "other.onnx")
    inference = load_model(tmp_path / "other.onnx").inference
    assert inference.model == settings.model
    luma, mask = noise((70, 45))
    wanted = TorchBackend(stored.network, exact=True)(luma, mask)
    np.testing.assert_allclose(inference(luma, mask).color, wanted.color, rtol=1e-5, atol=1e-5)
    assert (inference(luma, mask).hues is None) == (not settings.model.hues)


@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 2, 1), (5, 2, 1), (4, 1, 1)])
def test_same_padding_is_constant_inside_the_network(kernel, stride, dilation):
    torch.manual_seed(0)
    same = Conv2dSame(2, 2, kernel, stride, dilation=dilation)
    constant = constant_padding(same)
    planes = torch.rand(1, 2, 64, 96)
    assert torch.equal(constant(planes), same(planes))


def test_several_photographs_can_be_asked_at_once(exported):
    _, file = exported
    inference = load_model(file).inference
    luma, mask = noise((3, 1, 40, 50))
    color, hues = inference.session.run(None, {"luma": luma, "mask": mask})
    assert color.shape == (3, 3, 40, 50)
    np.testing.assert_allclose(hues.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(color[1], inference(luma[1, 0], mask[1, 0]).color, atol=1e-5)


def test_photographs_are_restored_alike(exported, damaged):
    stored, file = exported
    mask = np.zeros(damaged.shape, bool)
    mask[20:50, 30:70] = True
    wanted = Restorer(TorchBackend(stored.network, exact=True), stored.restore)(damaged, mask)
    restored = load_model(file)(damaged, mask)
    assert np.abs(restored.astype(int) - wanted).mean() < 0.01
    assert compare_with_torch(file, stored, damaged, mask).tolerable


def test_the_same_model_gives_the_same_file(exported, tmp_path):
    stored, file = exported
    export_onnx(stored, tmp_path / "again.onnx", {"license": "to be had"})
    assert (tmp_path / "again.onnx").read_bytes() == file.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["again.onnx"]


def test_a_file_carries_the_settings_and_what_is_told(exported):
    stored, file = exported
    restorer = load_model(file)
    assert (restorer.inference.model, restorer.settings) == (
        stored.network.settings,
        stored.restore,
    )
    (entry,) = onnx.load(file).metadata_props
    assert entry.key == METADATA
    assert json.loads(entry.value)["license"] == "to be had"


def test_what_is_no_file_of_ours_is_one_clear_message(tmp_path):
    file = tmp_path / "other.onnx"
    with pytest.raises(UserError, match=r"other\.onnx is missing, expected an ONNX file that"):
        load_model(file)
    file.write_bytes(b"no model")
    with pytest.raises(UserError, match=r"other\.onnx is no ONNX file that onnxruntime can run"):
        load_model(file)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), file)
    with pytest.raises(UserError, match=r"other\.onnx is an ONNX file of something else"):
        load_model(file)


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_what_is_not_installed_is_named_with_its_remedy(exported, tmp_path, monkeypatch, missing):
    stored, file = exported
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UserError, match=rf"needs {missing}\b.* pip install 'rechroma\[onnx\]'"):
        if missing == "onnx":
            export_onnx(stored, tmp_path / "new.onnx")
        else:
            load_model(file)


def test_a_network_that_a_trace_gets_wrong_is_refused(tiny_settings, tmp_path, monkeypatch):
    settings = tiny_settings()
    network = RestorationNetwork(settings.model).eval()
    see = RestorationNetwork._see

    def by_size(self, luma, mask):
        return see(self, luma, mask) * (float(luma.shape[-1]) / 32)

    monkeypatch.setattr(RestorationNetwork, "_see", by_size)
    network.color_network.head.weight.data *= 100
    with pytest.raises(UserError, match=r"cannot be written as ONNX for any size: at .* differ"):
        export_onnx(StoredModel(network, settings.restore), tmp_path / "wrong.onnx")
    assert not list(tmp_path.iterdir())


def test_restoring_with_a_file_needs_no_torch_and_says_nothing_of_its_own(
    exported, damaged, tmp_path
):
    _, file = exported
    Image.fromarray(damaged).save(tmp_path / "old.png")
    program = (
        "import sys; from rechroma.apps.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(sorted({'torch', 'timm', 'segmentation_models_pytorch', 'onnx'}"
        " & sys.modules.keys()))"
    )
    arguments = ["restore", "old.png", "--out", "restored", "--model", str(file)]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
    told = [line.split(":")[0].split(" in ")[0] for line in done.stderr.splitlines()]
    assert told == ["model", "photographs", "1 restored"]
    assert np.asarray(Image.open(tmp_path / "restored" / "old.png")).shape == (*damaged.shape, 3)


def test_the_command_compares_on_photographs_of_ones_own(
    exported, photo, tmp_path, monkeypatch, capsys
):
    stored, _ = exported
    save_model(stored.network, stored.restore, tmp_path / "mine", extra={"license": "to be had"})
    Image.fromarray(photo).save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    command = ["export", "--onnx", "out/x.onnx", "--model", "mine", "--check", "."]
    with pytest.raises(SystemExit, match="0"):
        main(command)
    shown = capsys.readouterr()
    assert "photo.png, 128x96 px: color " in shown.out
    assert "maximum of 1 photographs: color " in shown.out
    assert shown.err == "model: mine\nlicense: to be had\n"
    card = json.loads(onnx.load("out/x.onnx").metadata_props[0].value)
    assert card["license"] == "to be had"

    monkeypatch.setattr(onnx_export, "export_onnx", lambda *_: None)
    monkeypatch.setattr(onnx_export, "TOLERANCE", -1.0)
    with pytest.raises(SystemExit, match="1"):
        main(command)
    assert "x.onnx differs from torch by more than" in capsys.readouterr().err
    assert Path("out/x.onnx").exists()


def test_the_file_must_be_named_as_onnx(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["export", "--onnx", str(tmp_path / "x.bin")])
    assert "expected a name that ends in .onnx" in capsys.readouterr().err


def test_a_file_of_before_hues_had_places_says_one_place(make_settings):
    class Session:
        def get_inputs(self):
            return []

        def run(self, *_):
            return [np.zeros((1, 3, 8, 8), np.float32), np.full((1, 181), 1 / 181, np.float32)]

    inference = OnnxBackend(Session(), make_settings().model)
    assert inference(np.zeros((8, 8), np.uint8), np.zeros((8, 8), bool)).hues.shape == (181, 1, 1)
