"""Queries of MLflow's store: how each training went, and the model that it logged."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from rechroma.errors import UserError
from rechroma.tracking.runs import DATASET_DIGEST, IDENTITY, TEST_SCORE, TRAINED_BY
from rechroma.tracking.store import connect, find_experiment

PAGE = 1000  # runs in one answer of the store
EPOCH_METRICS = ("lr", "images", "images_per_second", "skipped_steps")


@dataclass(frozen=True)
class TrainingRun:
    """The run of one training.

    Attributes:
        run_id: of the run.
        experiment_id: of the MLflow experiment that holds it.
        name: of the run.
        identity: of its settings, `Settings.identity`.
        status: RUNNING, FINISHED, FAILED or KILLED.
        start_time: ms since 1970.
        revision: of the code, a Git commit.
        data: digest of the prepared data.
        settings: by dotted name, as text.
        metrics: the last value of each.
        models: ids of the models that the run logged, in order.
    """

    run_id: str
    experiment_id: str
    name: str
    identity: str
    status: str
    start_time: int
    revision: str
    data: str
    settings: dict[str, str]
    metrics: dict[str, float]
    models: tuple[str, ...]

    @property
    def finished(self) -> bool:
        """Whether the training is complete, tested, and its model logged."""
        return self.status == "FINISHED" and bool(self.models)


def find_trainings(client: MlflowClient, experiment: str, query: str = "") -> list[TrainingRun]:
    """The trainings in MLflow's `experiment`, newest first.

    Runs that only evaluate the model of another run are skipped.

    Args:
        client: of the store.
        experiment: its name; one that does not exist has no trainings.
        query: a filter in MLflow's language: `params.optim = 'lion'`.

    Raises:
        UserError: MLflow cannot read the filter, or the experiment was deleted.
    """
    found = find_experiment(client, experiment)
    if found is None:
        return []
    # By pages of our own: `mlflow.search_runs` reads the store of the process, not the client's.
    runs: list[Run] = []
    token: str | None = ""
    while token is not None:
        try:
            page = client.search_runs(
                [found.experiment_id], query, max_results=PAGE, page_token=token
            )
        except MlflowException as error:
            raise UserError(f"--filter '{query}': {str(error).splitlines()[0]}") from error
        runs += page
        token = page.token or None
    return [
        _training_run(run)
        for run in runs
        if IDENTITY in run.data.tags and TRAINED_BY not in run.data.tags
    ]


def newest_run(
    runs: Iterable[TrainingRun], identity: str, earliest_start: int = 0
) -> TrainingRun | None:
    """The newest finished run with these settings, or the newest one if none is finished.

    Args:
        runs: to choose from.
        identity: of the settings, `Settings.identity`.
        earliest_start: ms since 1970; runs that started before it do not count.
    """
    matching = [
        run for run in runs if run.identity == identity and run.start_time >= earliest_start
    ]
    return max(matching, key=lambda run: (run.finished, run.start_time), default=None)


def model_folder(client: MlflowClient, run: TrainingRun) -> Path:
    """The folder of the model that `run` logged last, as `models.store.save_model` wrote it.

    From a server it is downloaded into a temporary folder; on this machine it is used in place.

    Raises:
        UserError: the model cannot be read.
    """
    model = run.models[-1]
    try:
        # By its location: for `models:/ID`, MLflow would ask the store of the process.
        location = client.get_logged_model(model).artifact_location
        folder = mlflow.artifacts.download_artifacts(
            artifact_uri=location, tracking_uri=client.tracking_uri
        )
    except Exception as error:  # file systems, networks and MLflow each raise their own types
        reason = str(error).splitlines()[0]
        raise UserError(
            f"run {run.name}: its model {model} cannot be read ({reason}); was it removed?"
        ) from error
    return _saved_folder(Path(folder), f"run {run.name}: its model {model}")


def download_model(address: str, root: Path) -> Path:
    """The folder of the model at `models:/NAME@ALIAS`, `models:/NAME/VERSION` or `runs:/ID/NAME`.

    From a server it is downloaded into a temporary folder; on this machine it is used in place.

    Raises:
        UserError: MLflow has no such model, or it is not one of rechroma's.
    """
    client = connect(root)
    # MLflow looks such addresses up in the store of the process, whatever `tracking_uri` is.
    mlflow.set_tracking_uri(client.tracking_uri)
    try:
        folder = mlflow.artifacts.download_artifacts(artifact_uri=address)
    except Exception as error:  # file systems, networks and MLflow each raise their own types
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{address}: MLflow at {client.tracking_uri} does not have it ({reason}); "
            "`rechroma models` lists all models"
        ) from error
    return _saved_folder(Path(folder), address)


def registered_models(root: Path) -> Iterator[tuple[str, str]]:
    """The address and the test score, as text, of each version in MLflow's registry, newest first.

    The versions with an alias, such as the champion, are listed by it too.
    """
    client = connect(root)
    for model in client.search_registered_models():
        for alias in model.aliases:
            version = client.get_model_version_by_alias(model.name, alias)
            yield f"models:/{model.name}@{alias}", version.tags.get(TEST_SCORE, "not scored")
        versions = client.search_model_versions(f"name = '{model.name}'")
        for version in sorted(versions, key=lambda version: -int(version.version)):
            address = f"models:/{model.name}/{version.version}"
            yield address, version.tags.get(TEST_SCORE, "not scored")


def epoch_table(client: MlflowClient, run_id: str) -> pd.DataFrame:
    """The metrics of a training: a row for each epoch, indexed from 1, a column for each metric."""
    names = client.get_run(run_id).data.metrics
    columns = {}
    for name in names:
        if name in EPOCH_METRICS or name.startswith(("train/", "validation/")):
            points = client.get_metric_history(run_id, name)
            columns[name] = pd.Series({point.step: point.value for point in points})
    return pd.DataFrame(columns).sort_index()


def epoch_speeds(client: MlflowClient, run_id: str) -> list[float]:
    """Images/s of each epoch so far: one query, cheap enough to repeat while a training runs."""
    points = client.get_metric_history(run_id, "images_per_second")
    return [point.value for point in sorted(points, key=lambda point: point.step)]


def training_seconds(epochs: pd.DataFrame) -> float:
    """The time of all training steps, s, without validation, from an `epoch_table`."""
    if epochs.empty:
        return float("nan")
    return float((epochs["images"] / epochs["images_per_second"]).sum())


def _saved_folder(model: Path, name: str) -> Path:
    """The folder that `save_model` wrote, inside the folder of an MLflow model.

    `log_model` copies it to `data/`, under its own name if it was a folder.
    """
    folder = model / "data"
    if not folder.is_dir():
        raise UserError(f"{name}: is not a model of rechroma")
    subfolders = [path for path in folder.iterdir() if path.is_dir()]
    return subfolders[0] if len(subfolders) == 1 else folder


def _training_run(run: Run) -> TrainingRun:
    models = run.outputs.model_outputs if run.outputs else []
    return TrainingRun(
        run_id=run.info.run_id,
        experiment_id=run.info.experiment_id,
        name=run.info.run_name,
        identity=run.data.tags[IDENTITY],
        status=run.info.status,
        start_time=run.info.start_time,
        revision=run.data.tags.get("mlflow.source.git.commit", "unknown"),
        data=run.data.params.get(DATASET_DIGEST, ""),
        settings=dict(run.data.params),
        metrics=dict(run.data.metrics),
        models=tuple(model.model_id for model in models),
    )
