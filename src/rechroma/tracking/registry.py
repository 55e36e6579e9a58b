"""MLflow's model registry: a version for each evaluated model; the best one is the champion."""

import shutil
import warnings
from collections.abc import Mapping
from importlib.metadata import requires, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from packaging.requirements import Requirement

from rechroma.data.prepared import read_held_out
from rechroma.deployment import mlflow_pyfunc
from rechroma.deployment.load import load_model
from rechroma.errors import UserError
from rechroma.evaluation.appearance import missing_encoder
from rechroma.evaluation.appearance_table import add_appearance, measure_appearance
from rechroma.evaluation.evaluate import mean_test_scores
from rechroma.evaluation.final_metrics import aim_rows, logged_metrics
from rechroma.evaluation.intervals import ScoreTable
from rechroma.inference.restorer import Restorer
from rechroma.models.card import ONNX
from rechroma.models.weights import BUNDLED_FOLDER
from rechroma.settings import Aim, Settings
from rechroma.tracking.run import Run
from rechroma.tracking.runs import DATASET_DIGEST, TEST_SCORE, bundled_run
from rechroma.tracking.store import connect

CHAMPION = "champion"


def register(
    run: Run, settings: Settings, model: Path, package: Path, score: float, digest: str
) -> str:
    """Log a model to `run`, register it, and make it the champion if it is the best.

    It becomes the champion if there is none, or if its score on the same data is higher.

    Args:
        run: of the training or evaluation.
        settings: `tracking.model` is the registered name.
        model: folder of the model.
        package: folder of rechroma's modules, which are logged with the model.
        score: its mean score on the test photographs.
        digest: of the prepared data that these are from.

    Returns:
        A line to print: the version, and whether and why it is the champion.
    """
    name = settings.tracking.model
    uri = _log_model(run, name, model, package)
    registered = mlflow.register_model(uri, name, await_registration_for=0)
    run.client.set_model_version_tag(name, registered.version, TEST_SCORE, str(score))
    run.client.set_model_version_tag(name, registered.version, DATASET_DIGEST, digest)
    is_best, reason = _compare_to_champion(run.client, name, score, digest)
    if is_best:
        run.client.set_registered_model_alias(name, CHAMPION, registered.version)
    return f"{name} version {registered.version}: {reason}"


def register_first_champion(
    settings: Settings, root: Path, dataset: Mapping[str, Any], prepared: Path, package: Path
) -> str | None:
    """Register the bundled model as the first champion, if there is none: something to beat.

    A bundled model that these modules cannot load, as while a network of another design is
    developed, is skipped.

    Args:
        settings: `tracking.model` is the registered name.
        root: the project's folder.
        dataset: the description of the prepared data.
        prepared: its folder; the model is scored on the test photographs there.
        package: folder of rechroma's modules, which are logged with the model.

    Returns:
        A line to print: the version, or why it is skipped. None if there is a champion.
    """
    if has_champion(connect(root), settings.tracking.model):
        return None
    try:
        # As the stage evaluate loads models: scores are compared.
        restorer = load_model(BUNDLED_FOLDER, backend="torch", device="cpu", aim="score")
    except UserError as error:
        return f"the bundled model is skipped as the first champion: {error}"
    scores = mean_test_scores(read_held_out(prepared, "test"), restorer)
    with bundled_run(settings, root, dataset) as run:
        run.metrics({f"test/{part}": mean for part, mean in scores._asdict().items()})
        run.metrics(_appearance(settings, prepared, restorer))
        return register(run, settings, BUNDLED_FOLDER, package, scores.score, dataset["digest"])


def _appearance(settings: Settings, prepared: Path, restorer: Restorer) -> dict[str, float]:
    """The appearance of the test photographs, by its names in MLflow; empty if not measured."""
    limit = settings.evaluate.appearance_photos
    if not limit or missing_encoder():
        return {}
    aims: tuple[Aim, ...] = ("score", "eye")
    models = {row: restorer.with_aim(aim) for aim, row in aim_rows(aims).items()}
    looks = measure_appearance(list(read_held_out(prepared, "test", limit)), models, limit)
    rows: ScoreTable = {row: {} for row in models}
    table = add_appearance(rows, looks, settings.evaluate, settings.seed)
    return logged_metrics(table, aims)


def has_champion(client: MlflowClient, name: str) -> bool:
    """Whether the registered model `name` has a champion."""
    try:
        client.get_model_version_by_alias(name, CHAMPION)
    except MlflowException:
        return False
    return True


def _log_model(run: Run, name: str, model: Path, package: Path) -> str:
    """Log the model in folder `model` with its signature and the code: its URI."""
    mlflow.set_tracking_uri(run.client.tracking_uri)
    with mlflow.start_run(run_id=run.id), warnings.catch_warnings(), TemporaryDirectory() as folder:
        # The signature is written out in mlflow_pyfunc; MLflow need not infer it from an example.
        warnings.filterwarnings("ignore", message=".*input example was not provided")
        # MLflow warns about type hints of its own when `mlflow.pyfunc` is imported.
        warnings.filterwarnings("ignore", message=".*Any type hint is inferred")
        # Without the bundled weights: the model has its own.
        code = shutil.copytree(
            package,
            Path(folder) / package.name,
            ignore=shutil.ignore_patterns(BUNDLED_FOLDER.name, "__pycache__"),
        )
        logged = mlflow.pyfunc.log_model(
            name=name,
            loader_module=mlflow_pyfunc.__name__,
            data_path=str(model),
            code_paths=[str(code)],
            signature=mlflow_pyfunc.SIGNATURE,
            pip_requirements=_requirements(model),
        )
    return str(logged.model_uri)


def _compare_to_champion(
    client: MlflowClient, name: str, score: float, digest: str
) -> tuple[bool, str]:
    """Whether a model with this score becomes the champion, and why, as a text to print."""
    try:
        champion = client.get_model_version_by_alias(name, CHAMPION)
    except MlflowException:
        return True, "the first champion"
    if champion.tags.get(DATASET_DIGEST) != digest:
        return False, (
            f"not compared with the champion, version {champion.version}, which was scored on "
            "other data; set the alias 'champion' in the MLflow UI if this one is better"
        )
    highest = float(champion.tags.get(TEST_SCORE, "-inf"))  # a registration that was interrupted
    if score > highest:
        return (
            True,
            f"the new champion, {score:.4f} against {highest:.4f} of version {champion.version}",
        )
    return (
        False,
        f"the champion stays version {champion.version}, {highest:.4f} against {score:.4f}",
    )


def _requirements(model: Path) -> list[str]:
    """The packages that restoring needs, pinned to the versions installed here.

    A model without an ONNX file runs with torch, which the extra `train` installs.
    """
    declared = [Requirement(line) for line in requires("rechroma") or []]
    extras = ("",) if (model / ONNX).is_file() else ("", "train")
    # Without those of other extras, and of other platforms and Python versions.
    needed = [
        requirement
        for requirement in declared
        if requirement.marker is None
        or any(requirement.marker.evaluate({"extra": extra}) for extra in extras)
    ]
    return [f"{requirement.name}=={version(requirement.name)}" for requirement in needed]
