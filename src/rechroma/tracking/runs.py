"""Runs in MLflow: those of trainings, evaluations and comparisons, and what each logs.

Only this wing and `deployment.mlflow_pyfunc` use MLflow; training and restoring do without it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, Param, RunStatus

from rechroma.models.weights import BUNDLED
from rechroma.settings import OF_FINDER, Settings
from rechroma.tracking.run import Run, active_run, terminating
from rechroma.tracking.store import connect, ensure_experiment

# Names of tags and parameters.
DVC_EXPERIMENT = "dvc.experiment"
TRAINED_BY = "trained_by"  # of an evaluation: the run that trained the model
COMPARISON = "comparison"
DATASET_DIGEST = "dataset.digest"
TEST_SCORE = "test.score"
KIND, FINDER = "kind", "finder"  # of a training of the network that finds damage
IDENTITY = "settings.identity"  # `Settings.identity`: the same for a run and its repetition


@contextmanager
def training_run(
    settings: Settings, root: Path, dataset: Mapping[str, Any], device: str, run_id_file: Path
) -> Iterator[Run]:
    """The run of a training; it ends as FINISHED, KILLED or FAILED, as the block does.

    Args:
        settings: logged as parameters.
        root: the project's folder.
        dataset: the description of the prepared data: `name`, `digest`, `photos`.
        device: that the training uses, logged too.
        run_id_file: holds the id of a new run. A training that finds the file of an interrupted
            one resumes its run.
    """

    def create(client: MlflowClient) -> Run:
        run = _create(client, settings, root, {IDENTITY: settings.identity()})
        _describe(run, settings.flat(), dataset, device, settings.data.path)
        return run

    with _resumable_run(root, run_id_file, create) as run:
        yield run


@contextmanager
def finder_run(
    settings: Settings, root: Path, dataset: Mapping[str, Any], run_id_file: Path
) -> Iterator[Run]:
    """The run of a training of the network that finds damage, with the tag `kind=finder`.

    It is no run of `queries.find_trainings`. It ends, and is resumed, as a `training_run`.

    Args:
        settings: those that such a training depends on are logged as parameters.
        root: the project's folder.
        dataset: the description of the photographs: `name`, `digest`, `photos`, and the `path` of
            those that were not prepared.
        run_id_file: as of a `training_run`.
    """

    def create(client: MlflowClient) -> Run:
        run = _create(client, settings, root, {KIND: FINDER}, dvc_experiment() or FINDER)
        flat = settings.flat()
        params = {name: flat[name] for name in flat if name.split(".")[0] in OF_FINDER}
        _describe(run, params, dataset, "cpu", dataset.get("path", settings.data.path))
        return run

    with _resumable_run(root, run_id_file, create) as run:
        yield run


@contextmanager
def _resumable_run(
    root: Path, run_id_file: Path, create: Callable[[MlflowClient], Run]
) -> Iterator[Run]:
    """The run whose id the file holds, or else a new one, whose id is written there."""
    client = connect(root)
    run = _resume(client, run_id_file)
    if run is None:
        run = create(client)
        run_id_file.parent.mkdir(parents=True, exist_ok=True)
        run_id_file.write_text(run.id, encoding="utf-8")
    with terminating(run):
        yield run


@contextmanager
def evaluation_run(
    settings: Settings, root: Path, dataset: Mapping[str, Any], run_file: Path
) -> Iterator[Run]:
    """The run to log test scores to: that of the training, or a new one.

    A new one, tagged with the id of the training's run, if that run already has test scores,
    belongs to another DVC experiment (DVC restored the model from its cache), was deleted, or is
    not in this store.

    Args:
        settings: logged as parameters of a new run.
        root: the project's folder.
        dataset: the description of the prepared data, for a new run.
        run_file: run.json, as `write_run_file` writes it.
    """
    client = connect(root)
    origin = json.loads(run_file.read_text(encoding="utf-8"))
    run = active_run(client, origin["run_id"])
    if run is None or origin[DVC_EXPERIMENT] != dvc_experiment() or run.has_metric("test/score"):
        tags = {IDENTITY: settings.identity(), TRAINED_BY: origin["run_id"]}
        run = _create(client, settings, root, tags)
        _describe(run, settings.flat(), dataset, "cpu", settings.data.path)
    with terminating(run):
        yield run


@contextmanager
def bundled_run(settings: Settings, root: Path, dataset: Mapping[str, Any]) -> Iterator[Run]:
    """A run to log the test scores of the bundled model to."""
    tags = {IDENTITY: settings.identity(), TRAINED_BY: BUNDLED}
    run = _create(connect(root), settings, root, tags, "bundled weights")
    _describe(run, settings.flat(), dataset, "cpu", settings.data.path)
    with terminating(run):
        yield run


@contextmanager
def comparison_run(
    client: MlflowClient, experiment: str, root: Path, name: str, kind: str = "study"
) -> Iterator[Run]:
    """The run of the comparison `name`, a new one for the first comparison of that name.

    Args:
        client: of the store.
        experiment: in which the run is.
        root: the project's folder.
        name: of the comparison.
        kind: of comparison, before its name in that of a new run.
    """
    experiment_id = ensure_experiment(client, root, experiment)
    earlier = client.search_runs([experiment_id], f"tags.{COMPARISON} = '{name}'", max_results=1)
    if earlier:
        run = Run(client, earlier[0].info.run_id)
    else:
        tags = {COMPARISON: name}
        new = client.create_run(experiment_id, run_name=f"{kind} {name}", tags=tags)
        run = Run(client, new.info.run_id)
    with terminating(run):
        yield run


def dvc_experiment() -> str:
    """The name of the DVC experiment that this process is a stage of; empty outside of one."""
    return os.environ.get("DVC_EXP_NAME", "")


def write_run_file(run: Run, path: Path) -> None:
    """Write run.json: the MLflow run and the DVC experiment that trained a model."""
    origin = {"run_id": run.id, DVC_EXPERIMENT: dvc_experiment()}
    path.write_text(json.dumps(origin, indent=2) + "\n", encoding="utf-8")


def _resume(client: MlflowClient, run_id_file: Path) -> Run | None:
    try:
        run = active_run(client, run_id_file.read_text(encoding="utf-8"))
    except FileNotFoundError:  # nothing was interrupted
        return None
    if run is not None:
        client.update_run(run.id, status=RunStatus.to_string(RunStatus.RUNNING))
    return run


def _create(
    client: MlflowClient, settings: Settings, root: Path, tags: Mapping[str, str], name: str = ""
) -> Run:
    """A new run, by default with the name of the DVC experiment, else of the Git revision."""
    revision, dirty = _git_state(root)
    name = name or dvc_experiment() or f"repro-{revision[:7]}"
    all_tags = {
        DVC_EXPERIMENT: dvc_experiment(),
        "mlflow.source.git.commit": revision,
        "git.dirty": str(dirty),
        "mlflow.source.name": " ".join(["python", "-m", *sys.orig_argv[-1:]]),
        **tags,
    }
    experiment_id = ensure_experiment(client, root, settings.tracking.experiment)
    return Run(client, client.create_run(experiment_id, run_name=name, tags=all_tags).info.run_id)


def _describe(
    run: Run,
    settings: Mapping[str, Any],
    dataset: Mapping[str, Any],
    device: str,
    path: str | Path,
) -> None:
    """Log settings and data as parameters, and the data, which lies at `path`, as a dataset."""
    params = {
        **settings,
        "dataset.name": dataset["name"],
        DATASET_DIGEST: dataset["digest"],
        "device": device,
    }
    run.client.log_batch(run.id, params=[Param(name, str(params[name])) for name in params])
    prepared = Dataset(
        name=str(dataset["name"]),
        digest=str(dataset["digest"])[:8],
        source_type="local",
        source=json.dumps({"path": str(path)}),
        profile=json.dumps(dataset["photos"]),
    )
    run.client.log_inputs(run.id, datasets=[DatasetInput(prepared)])


def _git_state(root: Path) -> tuple[str, bool]:
    """The Git revision of the folder `root`, and whether files differ from it."""

    def git(*arguments: str) -> str:
        try:
            done = subprocess.run(
                ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
            )
        except FileNotFoundError:  # Git is not installed
            return ""
        return done.stdout.strip()

    revision = os.environ.get("DVC_EXP_BASELINE_REV") or git("rev-parse", "HEAD")
    return revision or "unknown", bool(git("status", "--porcelain"))
