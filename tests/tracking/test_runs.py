from pathlib import Path

import pytest

from rechroma.tracking.queries import find_trainings
from rechroma.tracking.runs import (
    IDENTITY,
    comparison_run,
    evaluation_run,
    finder_run,
    training_run,
    write_run_file,
)
from rechroma.tracking.store import connect

DATASET = {"name": "tiny", "digest": "d" * 64, "photos": {"train": 8}}


def train(settings, root: Path, folder: Path) -> str:
    """Log a training, and write run.json to `folder`: the id of its run."""
    folder.mkdir(exist_ok=True)
    run_id_file = root / ".rechroma" / "resume" / folder.name
    with training_run(settings, root, DATASET, "cpu", run_id_file) as run:
        run.epoch(1, {"train/loss": 0.5, "validation/score": 0.4})
        write_run_file(run, folder / "run.json")
    return run.id


def evaluate(settings, root: Path, folder: Path) -> str:
    with evaluation_run(settings, root, DATASET, folder / "run.json") as run:
        run.metrics({"test/score": 0.5})
    return run.id


def test_a_run_holds_settings_data_epochs_and_origin(root, make_settings, monkeypatch):
    monkeypatch.setenv("DVC_EXP_NAME", "brave-otter")
    run = connect(root).get_run(train(make_settings(optim="lion"), root, root / "m"))
    assert run.info.run_name == run.data.tags["dvc.experiment"] == "brave-otter"
    assert run.info.status == "FINISHED"
    assert run.data.params["optim"] == "lion"
    assert run.data.params["model.encoder"] == make_settings().model.encoder
    assert run.data.params["dataset.digest"] == DATASET["digest"]
    assert run.inputs.dataset_inputs[0].dataset.name == "tiny"
    assert run.data.metrics == {"train/loss": 0.5, "validation/score": 0.4}
    assert {"mlflow.source.git.commit", "git.dirty"} <= run.data.tags.keys()


def test_artifacts_are_kept_in_the_project(root, make_settings):
    run = connect(root).get_run(train(make_settings(), root, root / "m"))
    assert run.info.artifact_uri.startswith((root / "mlruns").as_uri())


def test_pictures_of_epochs_are_kept_with_their_step(root, make_settings, photo):
    run_id_file = root / ".rechroma" / "run_id"
    with training_run(make_settings(), root, DATASET, "cpu", run_id_file) as run:
        run.strip(3, photo)
    names = [item.path for item in run.client.list_artifacts(run.id, "images")]
    assert any(name.startswith("images/validation+step+3") for name in names)


def test_an_interrupted_training_resumes_its_run(root, make_settings):
    run_id_file = root / ".rechroma" / "resume" / "x" / "mlflow_run"
    with (
        pytest.raises(KeyboardInterrupt),
        training_run(make_settings(), root, DATASET, "cpu", run_id_file) as first,
    ):
        raise KeyboardInterrupt
    assert first.client.get_run(first.id).info.status == "KILLED"
    with training_run(make_settings(), root, DATASET, "cpu", run_id_file) as second:
        assert second.id == first.id
        assert second.client.get_run(first.id).info.status == "RUNNING"
    assert second.client.get_run(first.id).info.status == "FINISHED"


def test_a_failed_training_is_marked_failed(root, make_settings):
    run_id_file = root / ".rechroma" / "run_id"
    with (
        pytest.raises(ValueError, match="bad"),
        training_run(make_settings(), root, DATASET, "cpu", run_id_file) as run,
    ):
        raise ValueError("bad")
    assert run.client.get_run(run.id).info.status == "FAILED"


def test_a_training_of_the_finder_is_a_run_of_its_own_kind(root, make_settings):
    run_id_file = root / ".rechroma" / "finder" / "mlflow_run"
    ids = []
    for _ in range(2):  # the second one goes on with the first
        with finder_run(make_settings(), root, DATASET, run_id_file) as run:
            run.metrics({"train/loss": 0.5}, 16)
        ids.append(run.id)
    assert ids[0] == ids[1]
    logged = connect(root).get_run(run.id)
    assert logged.data.tags["kind"] == "finder"
    assert logged.info.run_name == "finder"
    assert logged.data.params.keys() >= {"seed", "finder.optim", "print_damage.tear"}
    assert not logged.data.params.keys() & {"optim", "model.encoder", "train.batch"}
    assert not find_trainings(run.client, "rechroma")


def test_test_scores_join_the_run_that_trained(root, make_settings):
    settings = make_settings()
    trained = train(settings, root, root / "m")
    assert evaluate(settings, root, root / "m") == trained


def test_scores_of_a_cached_model_do_not_touch_the_run_that_trained(
    root, make_settings, monkeypatch
):
    settings = make_settings()
    monkeypatch.setenv("DVC_EXP_NAME", "first")
    trained = train(settings, root, root / "m")
    monkeypatch.setenv("DVC_EXP_NAME", "second")
    other = evaluate(settings, root, root / "m")
    run = connect(root).get_run(other)
    assert other != trained
    assert run.info.run_name == "second"
    assert run.data.tags["trained_by"] == trained


def test_a_second_evaluation_gets_a_run_of_its_own(root, make_settings):
    settings = make_settings()
    trained = train(settings, root, root / "m")
    assert evaluate(settings, root, root / "m") == trained
    assert evaluate(settings, root, root / "m") != trained


def test_a_deleted_run_is_neither_resumed_nor_evaluated(root, make_settings):
    settings = make_settings()
    trained = train(settings, root, root / "m")
    connect(root).delete_run(trained)
    evaluated = evaluate(settings, root, root / "m")
    assert evaluated != trained
    assert connect(root).get_run(evaluated).data.tags["trained_by"] == trained
    assert train(settings, root, root / "m") not in (trained, evaluated)


def test_without_git_the_revision_is_unknown(root, make_settings, monkeypatch):
    monkeypatch.setenv("PATH", str(root))
    run = connect(root).get_run(train(make_settings(), root, root / "m"))
    assert run.data.tags["mlflow.source.git.commit"] == "unknown"


def test_a_comparison_keeps_its_run_and_adopts_runs_without_a_parent(root, make_settings):
    trained = train(make_settings(), root, root / "m")
    client = connect(root)
    ids = []
    for name in ("losses", "losses", "optimizers"):
        with comparison_run(client, "rechroma", root, name) as run:
            run.adopt(trained)
        ids.append(run.id)
    assert ids[0] == ids[1] != ids[2]
    assert client.get_run(ids[0]).info.run_name == "study losses"
    assert client.get_run(trained).data.tags["mlflow.parentRunId"] == ids[0]


def test_runs_with_the_same_settings_have_one_identity(root, make_settings):
    client = connect(root)
    same, again, other = (
        client.get_run(train(make_settings(lr=lr), root, root / f"m{number}"))
        for number, lr in enumerate((0.1, "1e-1", 0.2))
    )
    identities = [run.data.tags[IDENTITY] for run in (same, again, other)]
    assert identities[0] == identities[1] != identities[2]
