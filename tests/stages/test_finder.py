import json
import re
import shutil

import pytest
import yaml
from mlflow import MlflowClient

from rechroma.deployment.bundled_finder import finder_digest
from rechroma.deployment.trained_finder import stated_thresholds
from rechroma.errors import UserError
from rechroma.evaluation.finder_scores import KINDS
from rechroma.imaging.print_damage import GROUPS
from rechroma.models.damage_finder import load_finder
from rechroma.tracking.queries import find_trainings
from stages import finder

TINY = {"batch": 2, "crop": 64, "report_every": 4, "validation": 1, "channels": [8, 8, 8, 8, 8]}


@pytest.fixture
def project(root, prepared, monkeypatch):
    """A project with prepared data; `project(samples=4)` sets settings of the finder."""
    shutil.copytree(prepared, root / "data/prepared")
    monkeypatch.setattr(finder, "PHOTOS", 1)

    def change(**changes):
        tree = yaml.safe_load((finder.ROOT / "params.yaml").read_text(encoding="utf-8"))
        tree["finder"] |= TINY | changes
        (root / "params.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
        return root

    return change


def test_without_samples_the_bundled_finder_is_measured_beside_two_baselines(project, capsys):
    root = project(samples=0)
    finder.main(root)
    report = json.loads((root / "reports/finder.json").read_text(encoding="utf-8"))
    assert report["photos"] == 1
    for method in ("network", "top_hat", "flat_rule"):
        assert report[method].keys() >= {*KINDS, "all_kinds"}
        assert 0 <= report[method]["all_kinds"]["recall"] <= 1
        assert 0 <= report[method]["undamaged_photograph"]["false_alarms"] <= 1
    assert finder_digest(root / "models/finder") == finder_digest()
    assert "| damage | network | top-hat | flat rule |" in capsys.readouterr().out


def test_the_report_is_the_same_every_time(project):
    root = project(samples=0)
    reports = []
    for _ in range(2):
        finder.main(root)
        reports.append((root / "reports/finder.json").read_text(encoding="utf-8"))
    assert reports[0] == reports[1]


@pytest.mark.parametrize("encoder", ["compact", "test_convnext"])
def test_a_training_with_any_encoder_and_optimizer_is_a_run_of_its_own(project, encoder):
    root = project(samples=4, encoder=encoder, optim="adam")
    finder.main(root)
    client = MlflowClient(f"sqlite:///{root}/mlflow.db")
    experiment = client.get_experiment_by_name("rechroma").experiment_id
    (run,) = client.search_runs([experiment], "tags.kind = 'finder'")
    assert run.info.status == "FINISHED"
    assert run.data.params["finder.optim"] == "adam"
    assert "optim" not in run.data.params
    assert {"train/loss", "test/all kinds/recall", "baseline/top-hat/dust/iou"} <= set(
        run.data.metrics
    )
    assert client.get_metric_history(run.info.run_id, "train/loss")[-1].step == 4
    assert not find_trainings(client, "rechroma")
    names = {file.path for file in client.list_artifacts(run.info.run_id, "finder")}
    assert {f"finder/finder.{end}" for end in ("safetensors", "onnx", "json")} == names
    weights = root / "models/finder/finder.safetensors"
    assert load_finder(weights).settings.encoder == encoder
    assert set(stated_thresholds(weights)) == set(GROUPS)
    assert not any((root / ".rechroma/finder").iterdir())


def test_an_interrupted_training_goes_on_in_the_same_run(project, monkeypatch):
    root = project(samples=8)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(finder, "write_model", killed)
        finder.main(root)
    finder.main(root)
    client = MlflowClient(f"sqlite:///{root}/mlflow.db")
    experiment = client.get_experiment_by_name("rechroma").experiment_id
    (run,) = client.search_runs([experiment])
    losses = client.get_metric_history(run.info.run_id, "train/loss")
    assert [loss.step for loss in losses] == [4, 8]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": "resnet81"}, "finder.encoder is 'resnet81', did you mean 'resnet18'"),
        ({"encoder": "test_vit"}, "finder.encoder 'tu-test_vit' does not go with decoder 'unet'"),
        ({"optim": "adm"}, "finder.optim is 'adm', did you mean 'adam'"),
    ],
)
def test_an_unknown_name_is_one_line_before_there_is_a_run(project, changes, message):
    root = project(samples=4, **changes)
    with pytest.raises(UserError, match=re.escape(message)) as error:
        finder.main(root)
    assert "\n" not in str(error.value)
    assert not MlflowClient(f"sqlite:///{root}/mlflow.db").get_experiment_by_name("rechroma")
