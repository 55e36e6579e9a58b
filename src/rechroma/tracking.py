"""MLflow: where the store is, what a run says, and which model is the champion.

The only module that knows MLflow; training and restoring do without it.
"""

import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunStatus, RunTag
from mlflow.exceptions import MlflowException
from numpy.typing import NDArray

from rechroma.errors import UserError
from rechroma.settings import Settings

CHAMPION = "champion"
DVC_EXPERIMENT = "dvc.experiment"
TRAINED_BY = "trained_by"
DATASET_DIGEST, TEST_SCORE = "dataset.digest", "test.score"


def connect(root: Path) -> MlflowClient:
    """A client of `MLFLOW_TRACKING_URI`, else of `mlflow.db` in the project's `root`.

    Raises:
        UserError: the store cannot be reached.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or _own_store(root)
    try:
        with _alone(root):  # two processes that create one sqlite store at once would crash
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


def _alone(root: Path) -> FileLock:
    lock = root / ".rechroma" / "mlflow.lock"
    lock.parent.mkdir(exist_ok=True)
    return FileLock(lock)


def _experiment_id(client: MlflowClient, root: Path, name: str) -> str:
    with _alone(root):
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


def dvc_experiment() -> str:
    """The name of the DVC experiment this process is a stage of; empty outside of one."""
    return os.environ.get("DVC_EXP_NAME", "")


def note_origin(run: Run, path: Path) -> None:
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


def _create(client: MlflowClient, settings: Settings, root: Path, tags: Mapping[str, str]) -> Run:
    revision, dirty = _git(root)
    name = dvc_experiment() or f"repro-{revision[:7]}"
    described = {
        DVC_EXPERIMENT: dvc_experiment(),
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


def register(
    run: Run, settings: Settings, model: Path, package: Path, score: float, digest: str
) -> str:
    """Log the model in folder `model` with its signature, register it, and tell how it stands.

    It becomes the champion when there is none, or when it beats the champion on the same data.
    `package` is the folder of rechroma's modules, which go along.

    Returns:
        A line for people: the version, and champion or not and why.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    signature = ModelSignature(
        inputs=Schema([ColSpec("string", "photo"), ColSpec("string", "mask", required=False)]),
        outputs=Schema([ColSpec("string", "restored")]),
    )
    mlflow.set_tracking_uri(run.client.tracking_uri)
    with mlflow.start_run(run_id=run.id), warnings.catch_warnings():
        # The signature is written out above; no example has to show it.
        warnings.filterwarnings("ignore", message=".*input example was not provided")
        logged = mlflow.pyfunc.log_model(
            name=settings.tracking.model,
            loader_module="rechroma.serving",
            data_path=str(model),
            code_paths=[str(package)],
            signature=signature,
            pip_requirements=_requirements(),
        )
    name = settings.tracking.model
    made = mlflow.register_model(logged.model_uri, name, await_registration_for=0)
    run.client.set_model_version_tag(name, made.version, TEST_SCORE, str(score))
    run.client.set_model_version_tag(name, made.version, DATASET_DIGEST, digest)
    wins, reason = _challenge(run.client, name, score, digest)
    if wins:
        run.client.set_registered_model_alias(name, CHAMPION, made.version)
    return f"{name} version {made.version}: {reason}"


def _challenge(client: MlflowClient, name: str, score: float, digest: str) -> tuple[bool, str]:
    try:
        champion = client.get_model_version_by_alias(name, CHAMPION)
    except MlflowException:
        return True, "the first champion"
    if champion.tags.get(DATASET_DIGEST) != digest:
        return False, (
            f"not compared with the champion, version {champion.version}, which was scored on "
            "other data; set the alias 'champion' in the MLflow UI if this one is better"
        )
    held = float(champion.tags[TEST_SCORE])
    if score > held:
        return (
            True,
            f"the new champion, {score:.4f} against {held:.4f} of version {champion.version}",
        )
    return False, f"the champion stays version {champion.version}, {held:.4f} against {score:.4f}"


def _requirements() -> list[str]:
    """What restoring needs, pinned to what is installed here."""
    declared = [line for line in requires("rechroma") or [] if "extra ==" not in line]
    names = [line.split(">")[0].strip() for line in declared]
    return [f"{name}=={version(name)}" for name in names]
