import base64
import io
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import rechroma
from rechroma.models.restoration import RestorationNetwork
from rechroma.models.store import save_model
from rechroma.tracking.registry import register
from rechroma.tracking.runs import connect, training_run

DATASET = {"name": "tiny", "digest": "d" * 64, "photos": {"train": 8}}
PACKAGE = Path(rechroma.__file__).parent


@pytest.fixture
def model(tmp_path, make_settings) -> Path:
    settings = make_settings(**{"model.encoder": "tu-test_resnet"})
    torch.manual_seed(0)
    save_model(RestorationNetwork(settings.model), settings.restore, tmp_path / "model")
    return tmp_path / "model"


def register_model(settings, root: Path, model: Path, score: float, digest: str = "d" * 64) -> str:
    note = root / ".rechroma" / "resume" / "note"
    with training_run(settings, root, DATASET, "cpu", note) as run:
        return register(run, settings, model, PACKAGE, score, digest)


@pytest.mark.filterwarnings("ignore")  # of MLflow's, about its own registry
def test_the_champion_is_the_best_on_the_same_data(root, make_settings, model, photo):
    settings = make_settings()

    def champion() -> int:
        client = connect(root)
        return int(client.get_model_version_by_alias("rechroma", "champion").version)

    assert "the first champion" in register_model(settings, root, model, 0.5)
    assert "stays version 1" in register_model(settings, root, model, 0.4)
    assert champion() == 1
    assert "not compared" in register_model(settings, root, model, 0.9, digest="e" * 64)
    assert champion() == 1
    assert "the new champion" in register_model(settings, root, model, 0.6)
    assert champion() == 4

    loaded = mlflow.pyfunc.load_model("models:/rechroma@champion")
    assert loaded.metadata.get_input_schema().input_names() == ["photo", "mask"]
    stream = io.BytesIO()
    Image.fromarray(photo).convert("L").save(stream, "PNG")
    table = pd.DataFrame({"photo": [base64.b64encode(stream.getvalue()).decode()]})
    restored = base64.b64decode(loaded.predict(table)["restored"][0])
    picture = Image.open(io.BytesIO(restored))
    assert (picture.mode, picture.size) == ("RGB", (128, 96))
    gray = np.asarray(Image.fromarray(photo).convert("L"))
    np.testing.assert_array_equal(np.asarray(picture.convert("L")), gray)
