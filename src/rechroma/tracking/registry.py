"""MLflow's model registry: which model is the champion."""

import shutil
import warnings
from importlib.metadata import requires, version
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from rechroma.deployment import mlflow_pyfunc as serving
from rechroma.deployment.mlflow_pyfunc import SIGNATURE
from rechroma.models.weights import BUNDLED_FOLDER
from rechroma.settings import Settings
from rechroma.tracking.runs import DATASET_DIGEST, TEST_SCORE, Run

CHAMPION = "champion"


def register(
    run: Run, settings: Settings, model: Path, package: Path, score: float, digest: str
) -> str:
    """Log the model in folder `model` with its signature, register it, and tell how it stands.

    It becomes the champion when there is none, or when it beats the champion on the same data.
    `package` is the folder of rechroma's modules, which go along.

    Returns:
        A line for people: the version, and champion or not and why.
    """
    mlflow.set_tracking_uri(run.client.tracking_uri)
    with mlflow.start_run(run_id=run.id), warnings.catch_warnings():
        # The signature is written out in serving.py; no example has to show it.
        warnings.filterwarnings("ignore", message=".*input example was not provided")
        with TemporaryDirectory() as folder:
            # Without the weights that the package carries: the model has its own.
            code = shutil.copytree(
                package,
                Path(folder) / package.name,
                ignore=shutil.ignore_patterns(BUNDLED_FOLDER.name, "__pycache__"),
            )
            logged = mlflow.pyfunc.log_model(
                name=settings.tracking.model,
                loader_module=serving.__name__,
                data_path=str(model),
                code_paths=[str(code)],
                signature=SIGNATURE,
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


def has_champion(client: MlflowClient, name: str) -> bool:
    """Whether a model of this name is the champion."""
    try:
        client.get_model_version_by_alias(name, CHAMPION)
    except MlflowException:
        return False
    return True


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
