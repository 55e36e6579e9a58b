"""Where MLflow's store is: connecting to it, and the experiment that holds the runs."""

import logging
import os
import shlex
import socket
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Experiment, LifecycleStage
from mlflow.exceptions import MlflowException
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from rechroma.errors import UserError
from rechroma.tracking.project_store import STORE, create_store, environment, store_uri

PROBE_SECONDS = 5  # until a server must answer
LOOPBACK = ("localhost", "127.0.0.1", "::1")
DATABASE_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}


def connect(root: Path) -> MlflowClient:
    """A client of the store at `MLFLOW_TRACKING_URI`, by default `mlflow.db` in the folder `root`.

    The project's own store is created if it does not exist. A server that does not answer is
    noticed within seconds.

    Raises:
        UserError: the store cannot be reached.
    """
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)  # it reports new tables
    uri = os.environ.get("MLFLOW_TRACKING_URI") or store_uri(root)
    if uri == store_uri(root):
        with _store_lock(root):
            try:
                create_store(root)
                return _checked_client(uri)
            except (OSError, sqlite3.Error, SQLAlchemyError, MlflowException) as error:
                remedy = "restore it from a backup, or move it away to start a new one"
                if "mlflow db upgrade" in str(error):
                    remedy = f"in {root}: mlflow db upgrade sqlite:///{STORE}"
                raise UserError(
                    f"MLflow's store {root / STORE} cannot be used ({_reason(error)}); {remedy}"
                ) from error
    _bypass_proxies(uri)
    try:
        _probe_database(uri)
        return _checked_client(uri)
    except Exception as error:  # a database driver and a network each raise their own types
        raise UserError(
            f"MLflow's store {_without_password(uri)} cannot be reached ({_reason(error)}); "
            "start its server, or check MLFLOW_TRACKING_URI; unset, it is the project's own store"
        ) from error


def find_experiment(client: MlflowClient, name: str) -> Experiment | None:
    """MLflow's experiment `name`; None if it does not exist.

    Raises:
        UserError: it was deleted, which MLflow lets nobody log to or create again.
    """
    experiment = client.get_experiment_by_name(name)
    if experiment is not None and experiment.lifecycle_stage == LifecycleStage.DELETED:
        uri = shlex.quote(_without_password(client.tracking_uri))
        raise UserError(
            f"params.yaml: tracking.experiment is '{name}', which was deleted in MLflow; restore "
            f"it: MLFLOW_TRACKING_URI={uri} mlflow experiments restore --experiment-id "
            f"{experiment.experiment_id}, or set tracking.experiment to another name"
        )
    return experiment


def ensure_experiment(client: MlflowClient, root: Path, name: str) -> str:
    """The id of the experiment `name`, which is created if it does not exist.

    In the project's own store its artifacts are in `mlruns/NAME`; a server decides where they are.

    Raises:
        UserError: it was deleted.
    """
    with _store_lock(root):
        experiment = find_experiment(client, name)
        if experiment is not None:
            return str(experiment.experiment_id)
        is_own = client.tracking_uri == store_uri(root)
        location = (root / "mlruns" / name).as_uri() if is_own else None
        return str(client.create_experiment(name, artifact_location=location))


def check_experiment(root: Path, name: str) -> None:
    """Check that a run can be logged to the experiment `name`, before hours are spent on one.

    Raises:
        UserError: the store cannot be reached, or the experiment was deleted.
    """
    find_experiment(connect(root), name)


def _checked_client(uri: str) -> MlflowClient:
    """A client of the store at `uri`, once it has answered; MLflow would try for minutes."""
    client = MlflowClient(uri)
    with environment(
        MLFLOW_HTTP_REQUEST_TIMEOUT=str(PROBE_SECONDS), MLFLOW_HTTP_REQUEST_MAX_RETRIES="1"
    ):
        client.search_experiments(max_results=1)
    return client


def _bypass_proxies(uri: str) -> None:
    """Let no proxy be asked for a server on this machine."""
    host = urlsplit(uri).hostname or ""
    if host in LOOPBACK and getproxies():
        for name in ("no_proxy", "NO_PROXY"):
            others = os.environ.get(name, "")
            if host not in others.split(","):
                os.environ[name] = ",".join(filter(None, (others, host)))


def _probe_database(uri: str) -> None:
    """Open the database at `uri` once, if it is one: MLflow would try ten times.

    Raises:
        OSError: its server does not answer.
        sqlite3.Error: its file cannot be opened.
    """
    kind = urlsplit(uri).scheme.partition("+")[0]
    if kind not in (*DATABASE_PORTS, "sqlite"):
        return
    url = make_url(uri)
    if kind != "sqlite":
        address = (url.host or "localhost", url.port or DATABASE_PORTS[kind])
        socket.create_connection(address, PROBE_SECONDS).close()
    elif url.database and Path(url.database).exists():
        with sqlite3.connect(url.database) as database:
            database.execute("SELECT 1 FROM sqlite_master")
        database.close()


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _without_password(uri: str) -> str:
    """`uri` as it may be shown."""
    parts = urlsplit(uri)
    return uri.replace(f":{parts.password}@", ":…@") if parts.password else uri


def _store_lock(root: Path) -> FileLock:
    """Two processes that create one SQLite store or one experiment at once would fail.

    Raises:
        UserError: the folder cannot be written.
    """
    lock = root / ".rechroma" / "mlflow.lock"
    try:
        lock.parent.mkdir(exist_ok=True)
        lock.touch()
    except OSError as error:
        raise UserError(
            f"{root} cannot be written ({error.strerror}), expected the project's folder, in "
            "which runs are logged"
        ) from error
    return FileLock(lock)
