from pathlib import Path

import numpy as np
import pytest
from command_line import put, rechroma

from rechroma.deployment import onnx_export
from rechroma.deployment.load import load_model
from rechroma.deployment.onnx_export import OnnxDifference
from rechroma.models import weights


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("option", ["--evaluate", "--judge"])
def test_a_model_is_bundled_with_its_scores_beside_it(
    model, photo, monkeypatch, capsys, tmp_path, option
):
    monkeypatch.setattr(weights, "BUNDLED_FOLDER", tmp_path / "weights")
    model("mine")
    for number in range(2):
        put(f"unseen/{number}.png", photo[::-1] if number else photo)
    Path("prepared").mkdir()
    np.save("prepared/train.npy", photo[None, :64, :64])
    assert rechroma("ship", "mine", option, "unseen:64", "--prepared", "prepared") == 0
    card = (tmp_path / "weights" / "card.md").read_text(encoding="utf-8")
    assert card in capsys.readouterr().out
    assert "2 photographs of unseen, 64 px" in card
    assert "| ours |" in card
    assert "| mean hues |" in card
    assert load_model(tmp_path / "weights").backend.engine == "onnx"


@pytest.mark.usefixtures("project")
def test_a_model_is_compared_on_scikit_images_photographs_before_it_is_bundled(
    model, monkeypatch, capsys, tmp_path
):
    def compare(file, stored, damaged, mask):  # noqa: ARG001
        compared.append((damaged.shape, float(mask.mean())))
        return OnnxDifference(1e-6, 1e-6, 2 * (len(compared) == 4), 0.0)

    compared = []
    monkeypatch.setattr(weights, "BUNDLED_FOLDER", tmp_path / "weights")
    monkeypatch.setattr(onnx_export, "compare_with_torch", compare)
    model("mine")
    assert rechroma("ship", "mine") == 2
    assert [max(shape) for shape, _ in compared] == [509, 384, 251, 127]
    assert capsys.readouterr().err.startswith(
        "rechroma: 1 of 4 photographs are restored differently by ONNX and torch: rocket by 2 of "
    )
    assert not (tmp_path / "weights").exists()


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mine", "--evaluate", "unseen"], "--evaluate is 'unseen', expected a folder and a size"),
        (["losses"], "start it: rechroma study losses"),
        ([], "expected one model to bundle, MODEL or --finder PATH"),
        (["mine", "--finder", "finder"], "expected one model to bundle, MODEL or --finder PATH"),
        (["mine", "--thresholds", "photos"], "--thresholds is for --finder"),
        (["--finder", "nowhere"], "nowhere holds no finder, expected finder.safetensors of a"),
    ],
)
def test_a_user_error_about_shipping_is_one_line(arguments, message, capsys):
    assert rechroma("ship", *arguments) == 2
    assert message in capsys.readouterr().err
