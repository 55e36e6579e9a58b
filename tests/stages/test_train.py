import sys

import pytest

from rechroma.models.card import ONNX
from stages.train import write_onnx


@pytest.fixture
def saved(model, tmp_path):
    """A folder with a model."""
    model(str(tmp_path))
    return tmp_path


def test_a_trained_model_gets_its_onnx_file(saved, capsys):
    write_onnx(saved)
    assert (saved / ONNX).is_file()
    assert capsys.readouterr().out == ""


def test_training_goes_on_without_an_onnx_file_and_prints_why(saved, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    write_onnx(saved)
    assert not (saved / ONNX).exists()
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("no ONNX file of the model, torch will restore with it: ")
    assert line.endswith(
        "needs onnx to be written, which is not installed: pip install 'rechroma[train]'"
    )
