"""The project's own MLflow store, `mlflow.db`: a file that is created whole or not at all."""

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mlflow import MlflowClient
from sqlalchemy import URL, make_url

logger = logging.getLogger(__name__)

STORE = "mlflow.db"
QUIET = 3.0  # s without a change, after which nobody is at work on an unfinished store
SEEDED = {"alembic_version", "workspaces"}  # tables that have rows before the store is complete
# Of SQLite, beside a database; a journal of an earlier one would be played into a new one.
SIDE_FILES = ("", "-journal", "-wal", "-shm")


def store_uri(root: Path) -> str:
    """The URI of the store in the project's folder `root`, whatever letters are in its path."""
    return _sqlite_uri(root / STORE)


def create_store(root: Path) -> None:
    """Create the store if the folder `root` has none, or one that was never finished.

    Its tables take seconds to make. They are made in a file beside it, which gets its name at the
    end. A store that MLflow's page left unfinished is replaced, unless it holds anything.

    Raises:
        OSError: the folder cannot be written.
        sqlite3.Error: the file is no database, or cannot be read.
    """
    path = root / STORE
    if path.exists() and (_is_complete(path) or _holds_rows(path)):
        return
    if path.exists():
        # Another program may be making it.
        while time.time() - path.stat().st_mtime < QUIET:
            time.sleep(0.2)
            if _is_complete(path):
                return
        logger.info("replacing %s, which was never finished and is empty", path)
    part = path.with_name(f".{STORE}.part")
    _remove(part)
    part.touch()  # fails at once where MLflow would try for minutes
    try:
        # Without a pool, whose connections would stay open to the file.
        with environment(MLFLOW_SQLALCHEMYSTORE_POOLCLASS="NullPool"):
            MlflowClient(_sqlite_uri(part)).search_experiments(max_results=1)
        _remove(path)
        part.rename(path)
    finally:
        _remove(part)


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Environment variables that are set inside the block, unless the user has set them."""
    added = {name: value for name, value in values.items() if name not in os.environ}
    os.environ |= added
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _sqlite_uri(path: Path) -> str:
    plain = f"sqlite:///{path}"
    if make_url(plain).database == str(path):
        return plain
    # With the driver's name: for `sqlite:///`, MLflow makes a folder by the escaped path.
    return URL.create("sqlite+pysqlite", database=str(path)).render_as_string()


def _is_complete(path: Path) -> bool:
    """Whether the store has an experiment: MLflow adds the first one when all tables are made."""
    with closing(sqlite3.connect(path)) as database:
        return "experiments" in _tables(database) and _has_rows(database, "experiments")


def _holds_rows(path: Path) -> bool:
    """Whether any table has a row that somebody added."""
    with closing(sqlite3.connect(path)) as database:
        return any(_has_rows(database, table) for table in _tables(database) - SEEDED)


def _tables(database: sqlite3.Connection) -> set[str]:
    rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name for (name,) in rows if not name.startswith("sqlite_")}


def _has_rows(database: sqlite3.Connection, table: str) -> bool:
    return database.execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchone() is not None


def _remove(path: Path) -> None:
    for end in SIDE_FILES:
        path.with_name(path.name + end).unlink(missing_ok=True)
