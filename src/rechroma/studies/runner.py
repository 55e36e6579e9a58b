"""A study on its way: arms are queued, workers started, and all of it watched until it is done."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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

POLL = 10.0  # seconds


@dataclass(frozen=True)
class ArmStatus:
    """Where one arm is.

    Attributes:
        arm: of the study.
        experiment: the name of its DVC experiment.
        stage: of its way.
        run: its training as far as MLflow knows it.
        epoch: the last finished one.
        speed: images/s of that epoch; 0 before there is one.
    """

    arm: Arm
    experiment: str
    stage: Stage
    run: TrainingRun | None
    epoch: int = 0
    speed: float = 0.0

    @property
    def left(self) -> float:
        """The share of the samples still to be seen."""
        return 0.0 if self.stage in ("done", "failed") else 1 - self.epoch / self.arm.epochs


def arm_statuses(
    name: str,
    arms: Iterable[Arm],
    runs: Sequence[TrainingRun],
    states: Mapping[str, State],
    since: int = 0,
) -> list[ArmStatus]:
    """Where each arm of the study `name` is.

    Args:
        name: of the study.
        arms: what it asks for.
        runs: MLflow's, of the arms and others.
        states: of the experiments in DVC's queue.
        since: ms since 1970; runs that began earlier do not count.
    """
    found = []
    for arm in arms:
        experiment = arm.experiment(name)
        run = newest_run(runs, arm.identity, since)
        found.append(ArmStatus(arm, experiment, _stage(run, states.get(experiment)), run))
    return found


def _stage(run: TrainingRun | None, state: State | None) -> Stage:
    if run is not None and run.finished:
        return "done"
    if state == "Running":
        return "running"
    if state == "Queued":
        return "queued"
    # A training that ended by itself, as one that diverged, would end so again; one that was
    # killed goes on where it was.
    if state == "Failed" and run is not None and run.status == "FAILED":
        return "failed"
    return "to do"


def enqueue(
    queue: Queue,
    found: Iterable[ArmStatus],
    retry: bool,
    force: bool,
    say: Callable[[str], None],
) -> int:
    """Queue the arms that are to do, with `retry` those that failed too: how many there were."""
    wanted = ("to do", "failed") if retry else ("to do",)
    chosen = [each for each in found if each.stage in wanted]
    for number, each in enumerate(chosen, start=1):
        say(f"queueing {number}/{len(chosen)}: {each.experiment}")
        queue.add(each.experiment, each.arm.overrides, force)
    return len(chosen)


def watch(
    look: Callable[[], list[ArmStatus]],
    client: MlflowClient,
    workers: int,
    say: Callable[[str], None],
) -> list[ArmStatus]:
    """Tell how the study goes until no arm is queued or runs: where the arms are then.

    On a terminal a table is kept up to date, elsewhere a line is said when something changes.
    """
    show = _on_terminal if on_terminal() else _in_lines
    return show(look, client, workers, say)


def _in_lines(
    look: Callable[[], list[ArmStatus]],
    client: MlflowClient,
    workers: int,
    say: Callable[[str], None],
) -> list[ArmStatus]:
    told = ""
    while True:
        found = _with_progress(look(), client)
        line = summarize_statuses(found, workers)
        news = line.partition(", about")[0]  # that time passes is none
        if news != told:
            say(line)
            told = news
        if not _goes_on(found):
            return found
        time.sleep(POLL)


def _on_terminal(
    look: Callable[[], list[ArmStatus]],
    client: MlflowClient,
    workers: int,
    say: Callable[[str], None],  # noqa: ARG001
) -> list[ArmStatus]:
    from rich.live import Live

    with Live(console=terminal(), auto_refresh=False) as live:
        while True:
            found = _with_progress(look(), client)
            live.update(_table(found, workers), refresh=True)
            if not _goes_on(found):
                return found
            time.sleep(POLL)


def _goes_on(found: Iterable[ArmStatus]) -> bool:
    return any(each.stage in ("queued", "running") for each in found)


def _with_progress(found: Iterable[ArmStatus], client: MlflowClient) -> list[ArmStatus]:
    """With the epoch and speed of those that run or are done."""
    informed = []
    for each in found:
        if each.run is None or each.stage not in ("running", "done"):
            informed.append(each)
            continue
        speeds = epoch_speeds(client, each.run.run_id)
        speed = speeds[-1] if speeds else 0.0
        informed.append(
            ArmStatus(each.arm, each.experiment, each.stage, each.run, len(speeds), speed)
        )
    return informed


def seconds_left(found: Sequence[ArmStatus], workers: int) -> float | None:
    """Until all arms are done by what the arms so far took; None before anything is known.

    An arm that has begun is taken to go on at its own speed, another at the mean of the others.
    """
    spent = [each.arm.samples / each.speed for each in found if each.speed]
    if not spent:
        return None
    usual = sum(spent) / len(spent)
    left = sum(
        each.left * (each.arm.samples / each.speed if each.speed else usual) for each in found
    )
    return left / workers


def summarize_statuses(found: Sequence[ArmStatus], workers: int) -> str:
    """`3/14 done, 9 queued, running: lion s1 epoch 2/4 at 38 images/s, about 0:12:30 left`."""
    counts = {stage: sum(each.stage == stage for each in found) for stage in ("done", "failed")}
    parts = [f"{counts['done']}/{len(found)} done"]
    if counts["failed"]:
        parts.append(f"{counts['failed']} failed")
    queued = sum(each.stage == "queued" for each in found)
    if queued:
        parts.append(f"{queued} queued")
    running = [_running(each) for each in found if each.stage == "running"]
    if running:
        parts.append("running: " + " and ".join(running))
    left = seconds_left(found, workers)
    if left:
        parts.append(f"about {format_duration(left)} left")
    return ", ".join(parts)


def _running(each: ArmStatus) -> str:
    told = f"{each.arm.name} s{each.arm.seed}"
    if not each.epoch:
        return told
    return f"{told} epoch {each.epoch}/{each.arm.epochs} at {each.speed:.0f} images/s"


def _table(found: Sequence[ArmStatus], workers: int) -> "Table":
    from rich.table import Table

    table = Table(caption=summarize_statuses(found, workers))
    for heading in ("arm", "seed", "stage", "epoch", "images/s", "validation score"):
        table.add_column(heading)
    for each in found:
        best = each.run.metrics.get("best/score") if each.run else None
        table.add_row(
            each.arm.name,
            str(each.arm.seed),
            each.stage,
            f"{each.epoch}/{each.arm.epochs}" if each.epoch else "",
            f"{each.speed:.0f}" if each.speed else "",
            "" if best is None else f"{best:.4f}",
        )
    return table


def default_workers() -> tuple[int, bool]:
    """How many workers to start, one for each GPU or one, and whether each has a GPU of its own."""
    import torch

    gpus = torch.cuda.device_count()
    return max(1, gpus), gpus > 0


def plan_file(root: Path, name: str) -> Path:
    """Where the plan of the study `name` is kept in the project `root`."""
    return root / ".rechroma" / "studies" / f"{name}.json"
