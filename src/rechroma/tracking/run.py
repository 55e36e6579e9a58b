"""One run in MLflow's store: what is logged to it, and how it ends."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mlflow import MlflowClient
from mlflow.entities import LifecycleStage, Metric, RunStatus, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from numpy.typing import NDArray

from rechroma.errors import UserError

# In the errors of a store that fails, and not of a wrong request.
STORE_FAILURES = (
    *("disk is full", "readonly database", "disk I/O error", "database is locked"),
    "API request to",
)


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


def active_run(client: MlflowClient, run_id: str) -> Run | None:
    """The run with this id; None if it was deleted, or is in another store."""
    try:
        info = client.get_run(run_id).info
    except MlflowException:  # trained on another machine, or the store was replaced
        return None
    return Run(client, run_id) if info.lifecycle_stage == LifecycleStage.ACTIVE else None


def metric_name(name: str) -> str:
    """The name with a colon in place of each character that MLflow refuses in names of metrics.

    >>> metric_name("lr=0.1")
    'lr:0.1'
    """
    return "".join(letter if letter.isalnum() or letter in "_-. :/" else ":" for letter in name)


@contextmanager
def terminating(run: Run) -> Iterator[None]:
    """Set the run's status at the end of the block.

    Raises:
        UserError: the store failed meanwhile: its disk is full, or its server is gone.
    """
    status = RunStatus.FAILED
    try:
        try:
            yield
            status = RunStatus.FINISHED
        except KeyboardInterrupt:
            status = RunStatus.KILLED
            raise
        finally:
            run.client.set_terminated(run.id, RunStatus.to_string(status))
    except MlflowException as error:
        reason = next((reason for reason in STORE_FAILURES if reason in str(error)), None)
        if reason is None:
            raise
        raise UserError(
            f"MLflow's store {run.client.tracking_uri} failed ({reason}); once it is back, give "
            "the command again: a training resumes at its last finished epoch"
        ) from error
