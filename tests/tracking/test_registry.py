import base64
import io
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import rechroma
from rechroma.models.store import save_model
from rechroma.tracking import registry
from rechroma.tracking.registry import has_champion, register, register_first_champion
from rechroma.tracking.runs import training_run
from rechroma.tracking.store import connect

PACKAGE = Path(rechroma.__file__).parent


@pytest.fixture
def register_model(root, make_settings, dataset, model_path):
    """Registers a model with a score on data with a digest: the printed line."""

    def log_and_register(score: float, package: Path, digest: str = dataset["digest"]) -> str:
        run_id_file = root / ".rechroma" / "resume" / "run_id"
        with training_run(make_settings(), root, dataset, "cpu", run_id_file) as run:
            return register(run, make_settings(), model_path, package, score, digest)

    return log_and_register


def champion(root: Path) -> int:
    return int(connect(root).get_model_version_by_alias("rechroma", "champion").version)


def test_the_champion_has_the_best_score_on_the_same_data(root, register_model, small_package):
    assert "the first champion" in register_model(0.5, small_package)
    assert "stays version 1" in register_model(0.4, small_package)
    assert champion(root) == 1
    assert "not compared" in register_model(0.9, small_package, digest="e" * 64)
    assert champion(root) == 1
    assert "the new champion" in register_model(0.6, small_package)
    assert champion(root) == 4


def test_a_registered_model_restores_and_lists_its_requirements(root, register_model, photo):
    register_model(0.5, PACKAGE)
    model = mlflow.pyfunc.load_model("models:/rechroma@champion")
    assert model.metadata.get_input_schema().input_names() == ["photo", "mask"]
    stream = io.BytesIO()
    Image.fromarray(photo).convert("L").save(stream, "PNG")
    table = pd.DataFrame({"photo": [base64.b64encode(stream.getvalue()).decode()]})
    restored = base64.b64decode(model.predict(table)["restored"][0])
    picture = Image.open(io.BytesIO(restored))
    assert (picture.mode, picture.size) == ("RGB", (128, 96))
    gray = np.asarray(Image.fromarray(photo).convert("L"))
    np.testing.assert_array_equal(np.asarray(picture.convert("L")), gray)

    (file,) = (root / "mlruns").rglob("requirements.txt")
    requirements = file.read_text(encoding="utf-8").split()
    assert f"numpy=={np.__version__}" in requirements
    assert all("==" in requirement for requirement in requirements)
    assert not any(requirement.startswith(("dvc==", "gradio==")) for requirement in requirements)


@pytest.mark.parametrize("onnx", [True, False])
def test_requirements_of_extras_and_other_platforms_are_left_out(
    root, register_model, model_path, small_package, monkeypatch, onnx
):
    if onnx:
        (model_path / "restorer.onnx").touch()
    declared = [
        "numpy>=2.0",
        "pillow[webp]!=11.1,>=11.0",
        'pandas~=2.2; python_version >= "3"',
        'nowhere; sys_platform == "plan9"',
        'torch; extra == "train"',
        'pytest; extra == "dev"',
    ]
    monkeypatch.setattr(registry, "requires", lambda _: declared)
    register_model(0.5, small_package)
    (file,) = (root / "mlruns").rglob("requirements.txt")
    names = [line.partition("==")[0] for line in file.read_text(encoding="utf-8").split()]
    assert [name for name in names if name != "mlflow"] == [
        *("numpy", "pillow", "pandas"),
        *(() if onnx else ("torch",)),
    ]


@pytest.fixture
def bundled(tmp_path, monkeypatch) -> Path:
    """The folder of the bundled model, replaced by one that does not exist yet."""
    monkeypatch.setattr(registry, "BUNDLED_FOLDER", tmp_path / "bundled")
    return tmp_path / "bundled"


@pytest.mark.usefixtures("plain_encoder")
def test_the_bundled_model_is_the_first_champion(
    root, prepared, bundled, tiny_settings, outspoken, dataset, small_package
):
    settings = tiny_settings()
    save_model(outspoken(settings), settings.restore, bundled)
    arguments = (settings, root, dataset, prepared, small_package)
    assert register_first_champion(*arguments) == "rechroma version 1: the first champion"
    client = connect(root)
    version = client.get_model_version_by_alias("rechroma", "champion")
    run = client.get_run(version.run_id)
    assert run.data.tags["trained_by"] == "bundled"
    assert run.data.metrics["aim/eye/feature_distance"] > 0
    assert run.data.metrics["aim/score/colorfulness"] == run.data.metrics["test/colorfulness"]
    assert float(version.tags["test.score"]) == pytest.approx(run.data.metrics["test/score"])
    assert register_first_champion(*arguments) is None


def test_a_bundled_model_that_cannot_be_loaded_is_skipped(
    root, prepared, bundled, tiny_settings, dataset, small_package
):
    line = register_first_champion(tiny_settings(), root, dataset, prepared, small_package)
    assert line.startswith("the bundled model is skipped as the first champion: ")
    assert str(bundled) in line
    assert not has_champion(connect(root), "rechroma")
