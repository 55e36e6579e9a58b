"""MLflow: where the store is, and what a run says.

Only this module, registry.py, serving.py and history.py know MLflow; training and restoring do
without it.
"""

import json
import logging
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
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunStatus, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from numpy.typing import NDArray

from rechroma.errors import UserError
from rechroma.models.weights import BUNDLED
from rechroma.settings import Settings

DVC_EXPERIMENT = "dvc.experiment"
TRAINED_BY = "trained_by"
COMPARISON = "comparison"
DATASET_DIGEST = "dataset.digest"
TEST_SCORE = "test.score"
IDENTITY = "settings.identity"  # of `Settings.identity`: the same for a run and its repetition


def connect(root: Path) -> MlflowClient:
    """A client of `MLFLOW_TRACKING_URI`, else of `mlflow.db` in the project's `root`.

    Raises:
        UserError: the store cannot be reached.
    """
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)  # tells of new tables
    uri = os.environ.get("MLFLOW_TRACKING_URI") or _own_store(root)
    try:
        with _store_lock(root):  # two processes that create one sqlite store at once would crash
            client = MlflowClient(uri)
            client.search_experiments(max_results=1)
    except Exception as error:  # whatever a database driver or a network raises
        reason = str(error).splitlines()[0]
        raise UserError(
            f"MLflow's store {uri} cannot be reached ({reason}); check MLFLOW_TRACKING_URI"
        ) from error
    return client


def _own_store(root: Path) -> str:
    return f"sqlite:///{root / 'mlflow.db'}"


def _store_lock(root: Path) -> FileLock:
    lock = root / ".rechroma" / "mlflow.lock"
    lock.parent.mkdir(exist_ok=True)
    return FileLock(lock)


def _experiment_id(client: MlflowClient, root: Path, name: str) -> str:
    with _store_lock(root):
        found = client.get_experiment_by_name(name)
        if found is not None:
            identity: str = found.experiment_id
            return identity
        own = client.tracking_uri == _own_store(root)
        location = (root / "mlruns" / name).as_uri() if own else None
        return str(client.create_experiment(name, artifact_location=location))


@dataclass
class Run:
    """One run in the store; training tells it how it goes."""

    client: MlflowClient
    id: str

    def tag(self, tags: Mapping[str, Any]) -> None:
        """Set tags."""
        self.client.log_batch(self.id, tags=[RunTag(name, str(tags[name])) for name in tags])

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log numbers; names with a slash are grouped in the UI."""
        now = round(time.time() * 1000)
        logged = [Metric(name, float(value), now, step) for name, value in values.items()]
        self.client.log_batch(self.id, metrics=logged)

    def epoch(self, number: int, record: Mapping[str, float]) -> None:
        """An epoch of training is finished."""
        self.metrics(record, number)

    def strip(self, number: int, picture: NDArray[np.uint8]) -> None:
        """Validation photographs after an epoch: `(H, W, 3)` uint8 RGB."""
        self.client.log_image(self.id, picture, key="validation", step=number)

    def file(self, path: Path, folder: str | None = None) -> None:
        """Keep a file or folder with the run."""
        if path.is_dir():
            self.client.log_artifacts(self.id, str(path), folder)
        else:
            self.client.log_artifact(self.id, str(path), folder)

    def adopt(self, run_id: str) -> None:
        """Show the run with this id under this one, unless it has a parent."""
        if MLFLOW_PARENT_RUN_ID not in self.client.get_run(run_id).data.tags:
            self.client.set_tag(run_id, MLFLOW_PARENT_RUN_ID, self.id)

    def has_metric(self, name: str) -> bool:
        """Whether a number of this name was logged."""
        return name in self.client.get_run(self.id).data.metrics


@contextmanager
def training_run(
    settings: Settings, root: Path, dataset: Mapping[str, Any], device: str, note: Path
) -> Iterator[Run]:
    """The run of a training: a new one, or the one whose id an interrupted training left in `note`.

    Ends as finished, killed or failed, as the block does.
    """
    client = connect(root)
    run = _resumed(client, note)
    if run is None:
        run = _create(client, settings, root, {})
        _describe(run, settings, dataset, device)
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(run.id, encoding="utf-8")
    with _closing(run):
        yield run


@contextmanager
def evaluation_run(
    settings: Settings, root: Path, dataset: Mapping[str, Any], trained: Path
) -> Iterator[Run]:
    """The run of the training that `trained` (its run.json) names, to add test scores to it.

    A model that DVC restored from its cache was trained by another experiment, and one that is
    evaluated again has its scores: these get a run of their own, tagged with the one that trained.
    """
    client = connect(root)
    origin = json.loads(trained.read_text(encoding="utf-8"))
    try:
        run: Run | None = Run(client, client.get_run(origin["run_id"]).info.run_id)
    except MlflowException:
        run = None  # trained elsewhere, or the store is a new one
    if run is None or origin[DVC_EXPERIMENT] != dvc_experiment() or run.has_metric("test/score"):
        run = _create(client, settings, root, {TRAINED_BY: origin["run_id"]})
        _describe(run, settings, dataset, device="cpu")
    with _closing(run):
        yield run


@contextmanager
def bundled_run(settings: Settings, root: Path, dataset: Mapping[str, Any]) -> Iterator[Run]:
    """A run for the model that the package carries, to add test scores to it."""
    run = _create(connect(root), settings, root, {TRAINED_BY: BUNDLED}, "shipped weights")
    _describe(run, settings, dataset, device="cpu")
    with _closing(run):
        yield run


@contextmanager
def comparison_run(client: MlflowClient, experiment: str, root: Path, name: str) -> Iterator[Run]:
    """A run for a comparison of others: the one of this name, or a new one."""
    identity = _experiment_id(client, root, experiment)
    found = client.search_runs([identity], f"tags.{COMPARISON} = '{name}'", max_results=1)
    if found:
        run = Run(client, found[0].info.run_id)
    else:
        made = client.create_run(identity, run_name=f"study {name}", tags={COMPARISON: name})
        run = Run(client, made.info.run_id)
    with _closing(run):
        yield run


def dvc_experiment() -> str:
    """The name of the DVC experiment this process is a stage of; empty outside of one."""
    return os.environ.get("DVC_EXP_NAME", "")


def write_run_file(run: Run, path: Path) -> None:
    """Write run.json beside a model: which MLflow run and DVC experiment trained it."""
    origin = {"run_id": run.id, DVC_EXPERIMENT: dvc_experiment()}
    path.write_text(json.dumps(origin, indent=2) + "\n", encoding="utf-8")


def _resumed(client: MlflowClient, note: Path) -> Run | None:
    try:
        run_id = note.read_text(encoding="utf-8")
        client.update_run(run_id, status=RunStatus.to_string(RunStatus.RUNNING))
    except (FileNotFoundError, MlflowException):
        return None
    return Run(client, run_id)


def _create(
    client: MlflowClient, settings: Settings, root: Path, tags: Mapping[str, str], name: str = ""
) -> Run:
    revision, dirty = _git(root)
    name = name or dvc_experiment() or f"repro-{revision[:7]}"
    described = {
        DVC_EXPERIMENT: dvc_experiment(),
        IDENTITY: settings.identity(),
        "mlflow.source.git.commit": revision,
        "git.dirty": str(dirty),
        "mlflow.source.name": " ".join(["python", "-m", *sys.orig_argv[-1:]]),
        **tags,
    }
    experiment = _experiment_id(client, root, settings.tracking.experiment)
    return Run(client, client.create_run(experiment, run_name=name, tags=described).info.run_id)


def _describe(run: Run, settings: Settings, dataset: Mapping[str, Any], device: str) -> None:
    told = settings.flat() | {
        "dataset.name": dataset["name"],
        DATASET_DIGEST: dataset["digest"],
        "device": device,
    }
    run.client.log_batch(run.id, params=[Param(name, str(told[name])) for name in told])
    prepared = Dataset(
        name=str(dataset["name"]),
        digest=str(dataset["digest"])[:8],
        source_type="local",
        source=json.dumps({"path": str(settings.data.path)}),
        profile=json.dumps(dataset["photos"]),
    )
    run.client.log_inputs(run.id, datasets=[DatasetInput(prepared)])


@contextmanager
def _closing(run: Run) -> Iterator[None]:
    status = RunStatus.FAILED
    try:
        yield
        status = RunStatus.FINISHED
    except KeyboardInterrupt:
        status = RunStatus.KILLED
        raise
    finally:
        run.client.set_terminated(run.id, RunStatus.to_string(status))


def _git(root: Path) -> tuple[str, bool]:
    """The revision of this checkout, and whether files differ from it."""

    def git(*words: str) -> str:
        found = subprocess.run(
            ["git", *words], cwd=root, capture_output=True, text=True, check=False
        )
        return found.stdout.strip()

    revision = os.environ.get("DVC_EXP_BASELINE_REV") or git("rev-parse", "HEAD")
    return revision or "unknown", bool(git("status", "--porcelain"))
