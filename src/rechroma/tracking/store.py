"""Where MLflow's store is: connecting to it, and the experiment that holds the runs."""

import logging
import os
from pathlib import Path

from filelock import FileLock
from mlflow import MlflowClient

from rechroma.errors import UserError


def connect(root: Path) -> MlflowClient:
    """A client of the store at `MLFLOW_TRACKING_URI`, by default `mlflow.db` in the folder `root`.

    Raises:
        UserError: the store cannot be reached.
    """
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)  # it reports new tables
    uri = os.environ.get("MLFLOW_TRACKING_URI") or _project_store(root)
    with _store_lock(root):
        try:
            client = MlflowClient(uri)
            client.search_experiments(max_results=1)
        except Exception as error:  # a database driver and a network each raise their own types
            reason = str(error).splitlines()[0]
            raise UserError(
                f"MLflow's store {uri} cannot be reached ({reason}); check MLFLOW_TRACKING_URI"
            ) from error
    return client


def ensure_experiment(client: MlflowClient, root: Path, name: str) -> str:
    """The id of the experiment `name`, which is created if it does not exist.

    In the project's own store its artifacts are in `mlruns/NAME`; a server decides where they are.
    """
    with _store_lock(root):
        experiment = client.get_experiment_by_name(name)
        if experiment is not None:
            return str(experiment.experiment_id)
        is_own = client.tracking_uri == _project_store(root)
        location = (root / "mlruns" / name).as_uri() if is_own else None
        return str(client.create_experiment(name, artifact_location=location))


def _project_store(root: Path) -> str:
    return f"sqlite:///{root / 'mlflow.db'}"


def _store_lock(root: Path) -> FileLock:
    """Two processes that create one SQLite store or one experiment at once would fail."""
    lock = root / ".rechroma" / "mlflow.lock"
    lock.parent.mkdir(exist_ok=True)
    return FileLock(lock)
