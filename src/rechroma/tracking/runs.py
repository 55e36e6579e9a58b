"""Runs in MLflow: those of trainings, evaluations and comparisons, and what each logs.

Only this wing and `deployment.mlflow_pyfunc` use MLflow; training and restoring do without it.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunStatus, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from numpy.typing import NDArray

from rechroma.models.weights import BUNDLED
from rechroma.settings import Settings
from rechroma.tracking.store import connect, ensure_experiment

# Names of tags and parameters.
DVC_EXPERIMENT = "dvc.experiment"
TRAINED_BY = "trained_by"  # of an evaluation: the run that trained the model
COMPARISON = "comparison"
DATASET_DIGEST = "dataset.digest"
TEST_SCORE = "test.score"
IDENTITY = "settings.identity"  # `Settings.identity`: the same for a run and its repetition


@dataclass
class Run:
    """One run in MLflow's store, to log to."""

    client: MlflowClient
    id: str

    def tag(self, tags: Mapping[str, Any]) -> None:
        """Set tags."""
        self.client.log_batch(self.id, tags=[RunTag(name, str(tags[name])) for name in tags])

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log metrics; MLflow's pages group them by the part of the name before a slash."""
        now = round(time.time() * 1000)  # ms since 1970
        logged = [Metric(name, float(value), now, step) for name, value in values.items()]
        self.client.log_batch(self.id, metrics=logged)

    def epoch(self, number: int, record: Mapping[str, float]) -> None:
        """Log the metrics of epoch `number`, counted from 1."""
        self.metrics(record, number)

    def strip(self, number: int, picture: NDArray[np.uint8]) -> None:
        """Log a picture of validation photographs after epoch `number`: `(H, W, 3)` uint8 RGB."""
        self.client.log_image(self.id, picture, key="validation", step=number)

    def file(self, path: Path, folder: str | None = None) -> None:
        """Log a file, or a folder of files, as artifacts in `folder`."""
        if path.is_dir():
            self.client.log_artifacts(self.id, str(path), folder)
        else:
            self.client.log_artifact(self.id, str(path), folder)

    def adopt(self, run_id: str) -> None:
        """Make the run with this id a child of this one, unless it has a parent."""
        if MLFLOW_PARENT_RUN_ID not in self.client.get_run(run_id).data.tags:
            self.client.set_tag(run_id, MLFLOW_PARENT_RUN_ID, self.id)

    def has_metric(self, name: str) -> bool:
        """Whether a metric of this name was logged."""
        return name in self.client.get_run(self.id).data.metrics


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
    client = connect(root)
    run = _resume(client, run_id_file)
    if run is None:
        run = _create(client, settings, root, {})
        _describe(run, settings, dataset, device)
        run_id_file.parent.mkdir(parents=True, exist_ok=True)
        run_id_file.write_text(run.id, encoding="utf-8")
    with _terminating(run):
        yield run


@contextmanager
def evaluation_run(
    settings: Settings, root: Path, dataset: Mapping[str, Any], run_file: Path
) -> Iterator[Run]:
    """The run to log test scores to: that of the training, or a new one.

    A new one, tagged with the id of the training's run, if that run already has test scores,
    belongs to another DVC experiment (DVC restored the model from its cache), or is not in this
    store.

    Args:
        settings: logged as parameters of a new run.
        root: the project's folder.
        dataset: the description of the prepared data, for a new run.
        run_file: run.json, as `write_run_file` writes it.
    """
    client = connect(root)
    origin = json.loads(run_file.read_text(encoding="utf-8"))
    try:
        run: Run | None = Run(client, client.get_run(origin["run_id"]).info.run_id)
    except MlflowException:
        run = None  # trained on another machine, or the store was replaced
    if run is None or origin[DVC_EXPERIMENT] != dvc_experiment() or run.has_metric("test/score"):
        run = _create(client, settings, root, {TRAINED_BY: origin["run_id"]})
        _describe(run, settings, dataset, device="cpu")
    with _terminating(run):
        yield run


@contextmanager
def bundled_run(settings: Settings, root: Path, dataset: Mapping[str, Any]) -> Iterator[Run]:
    """A run to log the test scores of the bundled model to."""
    run = _create(connect(root), settings, root, {TRAINED_BY: BUNDLED}, "bundled weights")
    _describe(run, settings, dataset, device="cpu")
    with _terminating(run):
        yield run


@contextmanager
def comparison_run(client: MlflowClient, experiment: str, root: Path, name: str) -> Iterator[Run]:
    """The run of the comparison `name`, a new one for the first comparison of that name."""
    experiment_id = ensure_experiment(client, root, experiment)
    earlier = client.search_runs([experiment_id], f"tags.{COMPARISON} = '{name}'", max_results=1)
    if earlier:
        run = Run(client, earlier[0].info.run_id)
    else:
        tags = {COMPARISON: name}
        new = client.create_run(experiment_id, run_name=f"study {name}", tags=tags)
        run = Run(client, new.info.run_id)
    with _terminating(run):
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
        run_id = run_id_file.read_text(encoding="utf-8")
        client.update_run(run_id, status=RunStatus.to_string(RunStatus.RUNNING))
    except (FileNotFoundError, MlflowException):  # nothing was interrupted, or in another store
        return None
    return Run(client, run_id)


def _create(
    client: MlflowClient, settings: Settings, root: Path, tags: Mapping[str, str], name: str = ""
) -> Run:
    """A new run, by default with the name of the DVC experiment, else of the Git revision."""
    revision, dirty = _git_state(root)
    name = name or dvc_experiment() or f"repro-{revision[:7]}"
    all_tags = {
        DVC_EXPERIMENT: dvc_experiment(),
        IDENTITY: settings.identity(),
        "mlflow.source.git.commit": revision,
        "git.dirty": str(dirty),
        "mlflow.source.name": " ".join(["python", "-m", *sys.orig_argv[-1:]]),
        **tags,
    }
    experiment_id = ensure_experiment(client, root, settings.tracking.experiment)
    return Run(client, client.create_run(experiment_id, run_name=name, tags=all_tags).info.run_id)


def _describe(run: Run, settings: Settings, dataset: Mapping[str, Any], device: str) -> None:
    """Log the settings and the data as parameters, and the data as MLflow's dataset."""
    params = settings.flat() | {
        "dataset.name": dataset["name"],
        DATASET_DIGEST: dataset["digest"],
        "device": device,
    }
    run.client.log_batch(run.id, params=[Param(name, str(params[name])) for name in params])
    prepared = Dataset(
        name=str(dataset["name"]),
        digest=str(dataset["digest"])[:8],
        source_type="local",
        source=json.dumps({"path": str(settings.data.path)}),
        profile=json.dumps(dataset["photos"]),
    )
    run.client.log_inputs(run.id, datasets=[DatasetInput(prepared)])


@contextmanager
def _terminating(run: Run) -> Iterator[None]:
    """Set the run's status at the end of the block."""
    status = RunStatus.FAILED
    try:
        yield
        status = RunStatus.FINISHED
    except KeyboardInterrupt:
        status = RunStatus.KILLED
        raise
    finally:
        run.client.set_terminated(run.id, RunStatus.to_string(status))


def _git_state(root: Path) -> tuple[str, bool]:
    """The Git revision of the folder `root`, and whether files differ from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    revision = os.environ.get("DVC_EXP_BASELINE_REV") or git("rev-parse", "HEAD")
    return revision or "unknown", bool(git("status", "--porcelain"))
