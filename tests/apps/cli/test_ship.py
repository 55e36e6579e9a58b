from pathlib import Path

import numpy as np
import pytest
from command_line import put, rechroma

from rechroma.deployment.load import load_model
from rechroma.models import weights


@pytest.mark.usefixtures("project")
def test_a_model_is_bundled_with_its_scores_beside_it(model, photo, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(weights, "BUNDLED_FOLDER", tmp_path / "weights")
    model("mine")
    for number in range(2):
        put(f"unseen/{number}.png", photo[::-1] if number else photo)
    Path("prepared").mkdir()
    np.save("prepared/train.npy", photo[None, :64, :64])
    assert rechroma("ship", "mine", "--judge", "unseen:64", "--prepared", "prepared") == 0
    card = (tmp_path / "weights" / "card.md").read_text(encoding="utf-8")
    assert card in capsys.readouterr().out
    assert "2 photographs of unseen, 64 px" in card
    assert "| ours |" in card
    assert "| mean hues |" in card
    assert load_model(tmp_path / "weights")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mine", "--judge", "unseen"], "--evaluate is 'unseen', expected a folder and a size"),
        (["losses"], "start it: rechroma study losses"),
    ],
)
def test_a_user_error_about_shipping_is_one_line(arguments, message, capsys):
    assert rechroma("ship", *arguments) == 2
    assert message in capsys.readouterr().err
