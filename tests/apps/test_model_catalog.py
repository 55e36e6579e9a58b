import json
from pathlib import Path

import numpy as np
import pytest

from rechroma.apps.model_catalog import list_models, load_named_model
from rechroma.deployment.load import PROJECT, load_model
from rechroma.errors import UserError
from rechroma.models.card import CARD
from rechroma.models.store import load_network, save_model
from rechroma.models.weights import BUNDLED_FOLDER, EYE_FOLDER
from rechroma.tracking.registry import register
from rechroma.tracking.runs import TEST_SCORE, training_run

DATASET = {"name": "tiny", "digest": "d" * 64, "photos": {"train": 8}}


@pytest.fixture
def desk(root, monkeypatch):
    """An empty project with a store of MLflow of its own."""
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def saved(tiny_settings, outspoken):
    def save(folder):
        settings = tiny_settings()
        save_model(outspoken(settings), settings.restore, Path(folder))
        return Path(folder)

    return save


@pytest.fixture
def package(tmp_path):
    """The modules that go along with a registered model; here hardly any."""
    folder = tmp_path / "package" / "rechroma"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    return folder


@pytest.mark.filterwarnings("ignore")  # of MLflow's, about its own registry
def test_registered_models_are_listed_and_found_by_their_addresses(
    desk, saved, package, make_settings, damaged
):
    model = saved("mine")
    settings = make_settings()
    with training_run(settings, desk, DATASET, "cpu", desk / "note") as run:
        register(run, settings, model, package, 0.6, "d" * 64)
    first = run.client.get_model_version("rechroma", "1")
    run.client.create_model_version("rechroma", first.source)
    run.client.set_model_version_tag("rechroma", "2", TEST_SCORE, "0.5")
    listed = {each.name: each.score for each in list_models(desk)}
    assert list(listed) == [
        "",
        "models:/rechroma@champion",
        "models:/rechroma/2",
        "models:/rechroma/1",
    ]
    assert listed["models:/rechroma@champion"] == "0.6 on its test photographs"
    assert listed["models:/rechroma/2"] == "0.5 on its test photographs"

    expected = load_model(model, aim="eye")(damaged, damaged == 60)
    for address in ("models:/rechroma@champion", "models:/rechroma/2"):
        name, restorer = load_named_model(address)
        assert name == address
        np.testing.assert_array_equal(restorer(damaged, damaged == 60), expected)
    with pytest.raises(UserError, match=r"models:/rechroma/9: .* does not have it .*`rechroma mod"):
        load_named_model("models:/rechroma/9")


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("address", ["models:/nothing@champion", "models:/", "runs:/abc/model"])
def test_a_wrong_address_is_an_error_of_one_line_with_a_remedy(address):
    with pytest.raises(
        UserError, match=rf"^{address}: MLflow at sqlite.* does not have it"
    ) as caught:
        load_named_model(address)
    assert "`rechroma models` lists all models" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("desk")
def test_a_wrong_path_is_an_error_that_names_the_files_of_a_model():
    with pytest.raises(UserError, match=r"gone holds no model, expected model\.json and"):
        load_named_model("gone")


def test_the_default_is_the_model_of_the_project_and_else_the_bundled_one(
    tmp_path, monkeypatch, saved
):
    monkeypatch.chdir(tmp_path)
    name, bundled = load_named_model(None)
    assert "the bundled one, for research use only" in name
    assert bundled.backend.model == load_network(EYE_FOLDER).network.settings
    saved(PROJECT)
    name, own = load_named_model(None)
    assert name == "models/restorer"
    assert own.backend.model.encoder == "tu-test_resnet"


def test_the_projects_model_is_listed_with_the_score_of_its_last_run(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert [each.name for each in list_models(tmp_path)] == [""]
    (tmp_path / PROJECT).mkdir(parents=True)
    assert [each.score for each in list_models(tmp_path)][1] == "not scored"
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/metrics.json").write_text('{"score": 0.61234}', encoding="utf-8")
    bundled, own = list_models(tmp_path)
    assert own.name == "models/restorer"
    assert own.score == "0.612 on the test photographs of the last run"
    assert own.license.startswith("yours")
    card = json.loads((BUNDLED_FOLDER / CARD).read_text(encoding="utf-8"))
    assert bundled.license == card["license"]


@pytest.mark.parametrize("metrics", ["", "[]", "{}", '{"score": "high"}'])
def test_metrics_without_a_score_are_not_an_error(tmp_path, monkeypatch, metrics):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / PROJECT).mkdir(parents=True)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/metrics.json").write_text(metrics, encoding="utf-8")
    assert [each.score for each in list_models(tmp_path)][1] == "not scored"
