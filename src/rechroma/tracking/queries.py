"""Runs read back from MLflow: how each training went, and where its model is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from rechroma.errors import UserError
from rechroma.tracking.runs import DATASET_DIGEST, IDENTITY, TEST_SCORE, TRAINED_BY, connect

PAGE = 1000  # runs at a time
EPOCH_METRICS = ("lr", "images", "images_per_second", "skipped_steps")


@dataclass(frozen=True)
class TrainingRun:
    """One training as MLflow knows it.

    Attributes:
        run_id: of the run.
        experiment_id: MLflow's, where the run is.
        name: of the run.
        identity: of its settings, `Settings.identity`.
        status: RUNNING, FINISHED, FAILED or KILLED.
        began: ms since 1970.
        revision: of the code, a Git commit.
        data: digest of the prepared data.
        settings: by dotted name, as text.
        metrics: the last value of each.
        models: MLflow's ids of the models that the run logged.
    """

    run_id: str
    experiment_id: str
    name: str
    identity: str
    status: str
    began: int
    revision: str
    data: str
    settings: dict[str, str]
    metrics: dict[str, float]
    models: tuple[str, ...]

    @property
    def finished(self) -> bool:
        """Trained to its end, tested, and its model logged."""
        return self.status == "FINISHED" and bool(self.models)


def find_trainings(client: MlflowClient, experiment: str, query: str = "") -> list[TrainingRun]:
    """The trainings in MLflow's `experiment` that fit MLflow's filter `query`, newest first.

    Runs that only judge a model of another run are left out.

    Raises:
        UserError: MLflow does not understand the filter.
    """
    found = client.get_experiment_by_name(experiment)
    if found is None:
        return []
    try:
        runs, token = [], None
        while True:
            page = client.search_runs(
                [found.experiment_id], query, max_results=PAGE, page_token=token
            )
            runs += page
            token = page.token
            if not token:
                break
    except MlflowException as error:
        raise UserError(f"--filter '{query}': {str(error).splitlines()[0]}") from None
    return [
        _training_run(run)
        for run in runs
        if IDENTITY in run.data.tags and TRAINED_BY not in run.data.tags
    ]


def newest_run(runs: Iterable[TrainingRun], identity: str, since: int = 0) -> TrainingRun | None:
    """The best informed of `runs` with these settings that began at `since` (ms) or later.

    A finished one goes before one that is not; among equals the newest counts.
    """
    fit = [run for run in runs if run.identity == identity and run.began >= since]
    return max(fit, key=lambda run: (run.finished, run.began), default=None)


def model_folder(client: MlflowClient, run: TrainingRun) -> Path:
    """The folder of the model that `run` logged last, as `storage.load` reads it.

    Raises:
        UserError: the model is gone, or not on this machine.
    """
    location = client.get_logged_model(run.models[-1]).artifact_location
    parts = urlparse(location)
    folder = Path(url2pathname(parts.path))
    if parts.scheme not in ("", "file") or not (folder / "data").is_dir():
        raise UserError(f"run {run.name}: its model is not at {location}; was it removed?")
    return _folder_in(folder)


def download_model(address: str, root: Path) -> Path:
    """The folder of the model at `models:/NAME@ALIAS`, `models:/NAME/VERSION` or in a run.

    Raises:
        UserError: MLflow knows no such model, or it is none of rechroma's.
    """
    import mlflow

    client = connect(root)
    mlflow.set_tracking_uri(client.tracking_uri)
    try:
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=address))
    except Exception as error:  # whatever a store or a network raises
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{address}: MLflow at {client.tracking_uri} does not have it ({reason}); "
            "`rechroma models` lists what there is"
        ) from None
    if not (folder / "data").is_dir():
        raise UserError(f"{address}: is no model of rechroma")
    return _folder_in(folder)


def registered_models(root: Path) -> Iterator[tuple[str, str]]:
    """The address and the test score, as text, of each version in MLflow's registry, newest first.

    The champion of each name comes under its alias, too.
    """
    client = connect(root)
    for model in client.search_registered_models():
        for alias in model.aliases:
            version = client.get_model_version_by_alias(model.name, alias)
            yield f"models:/{model.name}@{alias}", version.tags.get(TEST_SCORE, "not scored")
        versions = client.search_model_versions(f"name = '{model.name}'")
        for version in sorted(versions, key=lambda each: -int(each.version)):
            address = f"models:/{model.name}/{version.version}"
            yield address, version.tags.get(TEST_SCORE, "not scored")


def _folder_in(model: Path) -> Path:
    """The folder that `storage.save` wrote, in that of an MLflow model."""
    folder = model / "data"
    inner = [path for path in folder.iterdir() if path.is_dir()]
    return inner[0] if len(inner) == 1 else folder


def _training_run(run: Run) -> TrainingRun:
    models = run.outputs.model_outputs if run.outputs else []
    return TrainingRun(
        run_id=run.info.run_id,
        experiment_id=run.info.experiment_id,
        name=run.info.run_name,
        identity=run.data.tags[IDENTITY],
        status=run.info.status,
        began=run.info.start_time,
        revision=run.data.tags.get("mlflow.source.git.commit", "unknown"),
        data=run.data.params.get(DATASET_DIGEST, ""),
        settings=dict(run.data.params),
        metrics=dict(run.data.metrics),
        models=tuple(model.model_id for model in models),
    )


def epoch_table(client: MlflowClient, run_id: str) -> pd.DataFrame:
    """How a training went: a row an epoch, indexed from 1, a column a metric."""
    names = client.get_run(run_id).data.metrics
    columns = {}
    for name in names:
        if name in EPOCH_METRICS or name.startswith(("train/", "validation/")):
            points = client.get_metric_history(run_id, name)
            columns[name] = pd.Series({point.step: point.value for point in points})
    return pd.DataFrame(columns).sort_index()


def epoch_speeds(client: MlflowClient, run_id: str) -> list[float]:
    """Images/s of each epoch so far: little to ask for while a training is watched."""
    points = client.get_metric_history(run_id, "images_per_second")
    return [point.value for point in sorted(points, key=lambda point: point.step)]


def training_seconds(told: pd.DataFrame) -> float:
    """Spent in training steps, validation not counted, by the `epochs` of a training."""
    if told.empty:
        return float("nan")
    return float((told["images"] / told["images_per_second"]).sum())
