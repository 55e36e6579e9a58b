"""Running a study: its arms are queued and watched until none is queued or running."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mlflow import MlflowClient

from rechroma.progress import format_duration, on_terminal, terminal
from rechroma.studies.dvc_queue import Queue, State
from rechroma.studies.spec import Arm
from rechroma.tracking.queries import TrainingRun, epoch_speeds, newest_run

if TYPE_CHECKING:
    from rich.table import Table


Stage = Literal["done", "running", "queued", "failed", "to do"]

POLL = 10.0  # s between two looks at the queue and the runs


@dataclass(frozen=True)
class ArmStatus:
    """How far the training of one arm is.

    Attributes:
        arm: of the study.
        experiment: the name of its DVC experiment.
        stage: done, running, queued, failed or to do.
        run: its MLflow run, if it has one.
        epoch: the last finished one, counted from 1; 0 before the first.
        speed: images/s of that epoch; 0 before the first.
    """

    arm: Arm
    experiment: str
    stage: Stage
    run: TrainingRun | None
    epoch: int = 0
    speed: float = 0.0

    @property
    def remaining(self) -> float:
        """The share of the epochs that are still to be trained, in [0, 1]."""
        return 0.0 if self.stage in ("done", "failed") else 1 - self.epoch / self.arm.epochs


def arm_statuses(
    study: str,
    arms: Iterable[Arm],
    runs: Sequence[TrainingRun],
    states: Mapping[str, State],
    earliest_start: int = 0,
) -> list[ArmStatus]:
    """The status of each arm of a study, without epoch and speed.

    Args:
        study: its name.
        arms: of the study.
        runs: in MLflow, of these arms and others.
        states: of the experiments in DVC's queue, by name.
        earliest_start: ms since 1970; runs that started before it do not count.
    """
    statuses = []
    for arm in arms:
        experiment = arm.experiment(study)
        run = newest_run(runs, arm.identity, earliest_start)
        stage = _stage(run, states.get(experiment))
        statuses.append(ArmStatus(arm, experiment, stage, run))
    return statuses


def _stage(run: TrainingRun | None, state: State | None) -> Stage:
    if run is not None and run.finished:
        return "done"
    if state == "Running":
        return "running"
    if state == "Queued":
        return "queued"
    # A training that failed by itself, as by divergence, would fail again; one that was killed can
    # be resumed.
    if state == "Failed" and run is not None and run.status == "FAILED":
        return "failed"
    return "to do"


def enqueue(
    queue: Queue,
    statuses: Iterable[ArmStatus],
    retry: bool,
    force: bool,
    log: Callable[[str], None],
) -> int:
    """Queue the arms that are to do: their number.

    Args:
        queue: of DVC.
        statuses: of all arms.
        retry: queue failed arms too.
        force: run arms even if DVC has their results.
        log: called with a line for each arm.
    """
    stages = ("to do", "failed") if retry else ("to do",)
    chosen = [status for status in statuses if status.stage in stages]
    for number, status in enumerate(chosen, start=1):
        log(f"queueing {number}/{len(chosen)}: {status.experiment}")
        queue.add(status.experiment, status.arm.overrides, force)
    return len(chosen)


Show = Callable[[Sequence[ArmStatus]], None]


def watch(
    read_statuses: Callable[[], list[ArmStatus]],
    client: MlflowClient,
    workers: int,
    log: Callable[[str], None],
) -> list[ArmStatus]:
    """Show the statuses until no arm is queued or running: the last ones.

    On a terminal as a table that is kept up to date, elsewhere as a line for each change.

    Args:
        read_statuses: reads the statuses of all arms.
        client: of the store that holds their runs.
        workers: number of arms that are trained at the same time.
        log: called with each line.
    """
    display = _live_table(workers) if on_terminal() else _changed_lines(workers, log)
    with display as show:
        while True:
            statuses = [_with_progress(status, client) for status in read_statuses()]
            show(statuses)
            if not any(status.stage in ("queued", "running") for status in statuses):
                return statuses
            time.sleep(POLL)


@contextmanager
def _live_table(workers: int) -> Iterator[Show]:
    from rich.live import Live

    with Live(console=terminal(), auto_refresh=False) as live:
        yield lambda statuses: live.update(_status_table(statuses, workers), refresh=True)


@contextmanager
def _changed_lines(workers: int, log: Callable[[str], None]) -> Iterator[Show]:
    previous = ""

    def show(statuses: Sequence[ArmStatus]) -> None:
        nonlocal previous
        line = summarize_statuses(statuses, workers)
        current = line.partition(", about")[0]  # the time left changes without any progress
        if current != previous:
            log(line)
            previous = current

    yield show


def _with_progress(status: ArmStatus, client: MlflowClient) -> ArmStatus:
    """The status with its epoch and speed, if the arm is running or done."""
    if status.run is None or status.stage not in ("running", "done"):
        return status
    speeds = epoch_speeds(client, status.run.run_id)
    return replace(status, epoch=len(speeds), speed=speeds[-1] if speeds else 0.0)


def seconds_left(statuses: Sequence[ArmStatus], workers: int) -> float | None:
    """The estimated time until all arms are done, s; None before the first finished epoch.

    An arm that is running is expected to keep its speed, another one to take the mean time.
    """
    durations = [status.arm.samples / status.speed for status in statuses if status.speed]
    if not durations:
        return None
    mean = sum(durations) / len(durations)
    seconds = sum(
        status.remaining * (status.arm.samples / status.speed if status.speed else mean)
        for status in statuses
    )
    return seconds / workers


def summarize_statuses(statuses: Sequence[ArmStatus], workers: int) -> str:
    """One line on all arms.

    `3/14 done, 9 queued, running: lion s1 epoch 2/4 at 38 images/s, about 0:12:30 left`
    """
    done, failed, queued = (
        sum(status.stage == stage for status in statuses) for stage in ("done", "failed", "queued")
    )
    parts = [f"{done}/{len(statuses)} done"]
    if failed:
        parts.append(f"{failed} failed")
    if queued:
        parts.append(f"{queued} queued")
    running = [_format_running(status) for status in statuses if status.stage == "running"]
    if running:
        parts.append("running: " + " and ".join(running))
    seconds = seconds_left(statuses, workers)
    if seconds:
        parts.append(f"about {format_duration(seconds)} left")
    return ", ".join(parts)


def _format_running(status: ArmStatus) -> str:
    name = f"{status.arm.name} s{status.arm.seed}"
    if not status.epoch:
        return name
    return f"{name} epoch {status.epoch}/{status.arm.epochs} at {status.speed:.0f} images/s"


def _status_table(statuses: Sequence[ArmStatus], workers: int) -> "Table":
    from rich.table import Table

    table = Table(caption=summarize_statuses(statuses, workers))
    for heading in ("arm", "seed", "stage", "epoch", "images/s", "validation score"):
        table.add_column(heading)
    for status in statuses:
        best = status.run.metrics.get("best/score") if status.run else None
        table.add_row(
            status.arm.name,
            str(status.arm.seed),
            status.stage,
            f"{status.epoch}/{status.arm.epochs}" if status.epoch else "",
            f"{status.speed:.0f}" if status.speed else "",
            "" if best is None else f"{best:.4f}",
        )
    return table


def default_workers() -> tuple[int, bool]:
    """The number of workers to start, and whether each has a GPU: one for each GPU, or one."""
    import torch

    gpus = torch.cuda.device_count()
    return max(1, gpus), gpus > 0


def plan_file(root: Path, study: str) -> Path:
    """The file that holds the plan of a study in the project's folder `root`."""
    return root / ".rechroma" / "studies" / f"{study}.json"
