import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from PIL import Image

from rechroma.deployment.load import load_model
from rechroma.deployment.onnx_backend import OnnxBackend, load_onnx
from rechroma.errors import UserError
from rechroma.inference.backend import TorchBackend
from rechroma.inference.restorer import Restorer


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (33, 47), (96, 128), (257, 63)])
def test_a_file_gives_the_output_of_torch_at_any_size(exported, noise, shape):
    stored, file = exported
    output = load_onnx(file)[0](*noise(shape))
    expected = TorchBackend(stored.network, exact=True)(*noise(shape))
    assert output.color.shape == (3, *shape)
    np.testing.assert_allclose(output.color, expected.color, atol=1e-5)
    np.testing.assert_allclose(output.hues, expected.hues, atol=1e-5)
    assert np.abs(expected.color[1:]).max() > 0.005


def test_a_file_takes_several_photographs_at_once(exported, noise):
    _, file = exported
    backend, _ = load_onnx(file)
    luma, mask = noise((3, 1, 40, 50))
    color, hues = backend.session.run(None, {"luma": luma, "mask": mask})
    assert color.shape == (3, 3, 40, 50)
    np.testing.assert_allclose(hues.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(color[1], backend(luma[1, 0], mask[1, 0]).color, atol=1e-5)


def test_photographs_are_restored_as_by_torch(exported, damaged):
    stored, file = exported
    mask = np.zeros(damaged.shape, bool)
    mask[20:50, 30:70] = True
    expected = Restorer(TorchBackend(stored.network, exact=True), stored.restore)(damaged, mask)
    restored = load_model(file)(damaged, mask)
    assert np.abs(restored.astype(int) - expected).mean() < 0.01


def test_a_file_that_rechroma_did_not_write_is_one_clear_message(tmp_path):
    file = tmp_path / "other.onnx"
    with pytest.raises(UserError, match=r"other\.onnx is missing, expected an ONNX file that"):
        load_onnx(file)
    file.write_bytes(b"no model")
    with pytest.raises(UserError, match=r"other\.onnx is no ONNX file that onnxruntime can run"):
        load_onnx(file)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), file)
    with pytest.raises(UserError, match=r"other\.onnx is an ONNX file without a model card"):
        load_onnx(file)


def test_a_missing_onnxruntime_is_named_with_its_remedy(exported, monkeypatch):
    _, file = exported
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(
        UserError, match=r"needs onnxruntime, which is not installed: pip install onnxru"
    ):
        load_onnx(file)


def test_restoring_with_a_file_imports_no_torch_and_onnxruntime_prints_nothing(
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
    lines = [line.split(":")[0].split(" in ")[0] for line in done.stderr.splitlines()]
    assert [line for line in lines if line != "old.png"] == ["model", "photographs", "1 restored"]
    assert np.asarray(Image.open(tmp_path / "restored" / "old.png")).shape == (*damaged.shape, 3)


def test_the_single_histogram_of_an_older_file_is_that_of_one_cell(make_settings):
    class Session:
        def get_inputs(self):
            return []

        def run(self, *_):
            return [np.zeros((1, 3, 8, 8), np.float32), np.full((1, 181), 1 / 181, np.float32)]

    backend = OnnxBackend(Session(), make_settings().model)
    assert backend(np.zeros((8, 8), np.uint8), np.zeros((8, 8), bool)).hues.shape == (181, 1, 1)


def test_a_backend_of_one_thread_gives_the_same_output(exported, noise):
    _, file = exported
    backend, _ = load_onnx(file)
    single = backend.with_threads(1)
    assert single.session.get_session_options().intra_op_num_threads == 1
    assert single.model == backend.model
    luma, mask = noise((70, 45))
    np.testing.assert_allclose(single(luma, mask).color, backend(luma, mask).color, atol=1e-6)


def test_a_device_that_onnxruntime_lacks_is_replaced_by_the_cpu_with_a_warning(exported, caplog):
    _, file = exported
    backend, _ = load_onnx(file, "directml")
    assert (backend.engine, backend.device) == ("onnx", "cpu")
    assert "cannot compute on 'directml' here, the CPU is used instead" in caplog.text


class OtherRuntime:
    """In place of an onnxruntime for another device, which `make` makes or fails to."""

    def __init__(self, runtime, provider, make):
        self.SessionOptions, self.provider, self.make = runtime.SessionOptions, provider, make
        self.runtime = runtime
        self.asked = []

    def get_available_providers(self):
        return [self.provider, "CPUExecutionProvider"]

    def InferenceSession(self, path, options, providers):  # noqa: N802
        self.asked.append(providers)
        if len(providers) == 1:
            return self.runtime.InferenceSession(path, options, providers=providers)
        return self.make(self.runtime.InferenceSession(path, options, providers=providers[1:]))


class SessionOn:
    def __init__(self, session, provider):
        self.session, self.provider = session, provider
        self.run, self.get_modelmeta = session.run, session.get_modelmeta
        self.get_inputs = session.get_inputs

    def get_providers(self):
        return [self.provider, "CPUExecutionProvider"]


@pytest.mark.parametrize(
    ("device", "provider", "asked"),
    [
        ("cuda", "CUDAExecutionProvider", "CUDAExecutionProvider"),
        ("cuda:1", "CUDAExecutionProvider", ("CUDAExecutionProvider", {"device_id": "1"})),
        ("coreml", "CoreMLExecutionProvider", "CoreMLExecutionProvider"),
        ("directml", "DmlExecutionProvider", "DmlExecutionProvider"),
    ],
)
def test_a_device_that_onnxruntime_has_is_used(exported, monkeypatch, device, provider, asked):
    runtime = OtherRuntime(onnxruntime, provider, lambda session: SessionOn(session, provider))
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    backend, _ = load_onnx(exported[1], device)
    assert backend.device == device
    assert backend.with_threads(1).device == device
    assert runtime.asked == [[asked, "CPUExecutionProvider"]] * 2


def test_a_device_that_fails_to_start_is_replaced_by_the_cpu(exported, monkeypatch, caplog):
    def fail(_):
        raise RuntimeError("no such library")

    runtime = OtherRuntime(onnxruntime, "CUDAExecutionProvider", fail)
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    assert load_onnx(exported[1], "cuda")[0].device == "cpu"
    assert "cannot compute on 'cuda' here, the CPU is used instead" in caplog.text
