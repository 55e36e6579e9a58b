import subprocess
import sys

import numpy as np
import pytest
import torch

from rechroma.deployment.finder_onnx import export_finder, load_onnx_finder
from rechroma.errors import UserError
from rechroma.models.damage_finder import DamageFinder


@pytest.fixture
def finder(finder_settings):
    torch.manual_seed(0)
    return DamageFinder(finder_settings().finder).eval()


def test_the_file_computes_as_torch_at_any_size(finder, tmp_path):
    export_finder(finder, tmp_path / "finder.onnx", {"trained": "in a test"})
    session = load_onnx_finder(tmp_path / "finder.onnx")
    assert session.card["trained"] == "in a test"
    lumas = np.random.default_rng(0).integers(0, 256, (3, 96, 32)).astype(np.uint8)
    with torch.inference_mode():
        expected = finder.half().float()(torch.from_numpy(lumas)[:, None]).softmax(1)[:, 1:]
    assert np.abs(session(lumas) - expected.numpy()).max() < 1e-3


def test_weights_take_two_bytes_each(finder_settings, tmp_path):
    settings = finder_settings(channels=[16, 64, 64]).finder
    finder = DamageFinder(settings).eval()
    export_finder(finder, tmp_path / "finder.onnx")
    weights = sum(each.numel() for each in finder.parameters())
    assert (tmp_path / "finder.onnx").stat().st_size < 2.5 * weights


def test_the_file_is_used_without_torch(finder, tmp_path):
    export_finder(finder, tmp_path / "finder.onnx")
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from rechroma.deployment.finder_onnx import load_onnx_finder\n"
        f"finder = load_onnx_finder(Path({str(tmp_path / 'finder.onnx')!r}))\n"
        "print(finder(np.zeros((1, 32, 64), np.uint8)).shape, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(1, 4, 32, 64) False"


def test_other_onnx_files_are_refused(tmp_path):
    (tmp_path / "other.onnx").write_bytes(b"no ONNX")
    with pytest.raises(UserError, match="no ONNX file"):
        load_onnx_finder(tmp_path / "other.onnx")
