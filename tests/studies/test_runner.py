import pytest

from rechroma.studies import runner
from rechroma.studies.runner import (
    ArmStatus,
    arm_statuses,
    enqueue,
    seconds_left,
    summarize_statuses,
    watch,
)
from rechroma.studies.spec import Arm
from rechroma.tracking.queries import TrainingRun


def arm(name: str = "lion", seed: int = 1) -> Arm:
    return Arm(name, seed, ("optim=lion",), f"{name}{seed}", epochs=4, samples=400)


def run(
    identity: str, status: str = "FINISHED", start_time: int = 10, model: bool = True
) -> TrainingRun:
    models = ("m-1",) if model else ()
    return TrainingRun("id", "1", "name", identity, status, start_time, "abc", "d", {}, {}, models)


def stage(runs: list[TrainingRun], state: str | None, earliest_start: int = 0) -> str:
    states = {arm().experiment("trial"): state} if state else {}
    (status,) = arm_statuses("trial", [arm()], runs, states, earliest_start)
    return status.stage


@pytest.mark.parametrize(
    ("runs", "state", "expected"),
    [
        ([], None, "to do"),
        ([], "Queued", "queued"),
        ([], "Running", "running"),
        ([run("lion1", "RUNNING", model=False)], "Running", "running"),
        ([run("lion1")], "Success", "done"),
        ([run("lion1")], None, "done"),
        ([run("other")], None, "to do"),
        ([run("lion1", "FAILED", model=False)], "Failed", "failed"),
        ([run("lion1", "RUNNING", model=False)], "Failed", "to do"),
        ([run("lion1", "RUNNING", model=False)], "Killed", "to do"),
        ([run("lion1", model=False)], "Failed", "to do"),
        ([run("lion1"), run("lion1", "FAILED", start_time=99, model=False)], "Failed", "done"),
    ],
)
def test_the_stage_of_an_arm_follows_from_the_queue_and_its_run(runs, state, expected):
    assert stage(runs, state) == expected


def test_runs_that_started_too_early_do_not_count():
    assert stage([run("lion1", start_time=10)], None, earliest_start=11) == "to do"


class RecordingQueue:
    """A queue that records its calls."""

    def __init__(self):
        self.added = []

    def add(self, name, overrides, force):
        self.added.append((name, overrides, force))


@pytest.mark.parametrize(("retry", "expected"), [(False, ["a"]), (True, ["a", "d"])])
def test_only_arms_that_are_to_do_are_queued(retry, expected):
    stages = {"a": "to do", "b": "done", "c": "running", "d": "failed", "e": "queued"}
    statuses = [ArmStatus(arm(), name, stage, None) for name, stage in stages.items()]
    queue, lines = RecordingQueue(), []
    assert enqueue(queue, statuses, retry, True, lines.append) == len(expected)
    assert [name for name, _, _ in queue.added] == expected
    assert queue.added[0] == ("a", ("optim=lion",), True)
    assert lines[0] == f"queueing 1/{len(expected)}: a"


def test_the_time_left_is_estimated_from_the_speeds_so_far():
    half = ArmStatus(arm("a"), "a", "running", None, epoch=2, speed=10)  # 20 of 40 s left
    waiting = ArmStatus(arm("b"), "b", "queued", None)  # 40 s, as the other
    done = ArmStatus(arm("c"), "c", "done", None, epoch=4, speed=10)
    assert seconds_left([half, waiting, done], workers=1) == pytest.approx(60)
    assert seconds_left([half, waiting, done], workers=2) == pytest.approx(30)
    assert seconds_left([waiting], workers=1) is None


def test_the_summary_counts_stages_and_names_running_arms():
    statuses = [
        ArmStatus(arm("a"), "a", "done", None, epoch=4, speed=10),
        ArmStatus(arm("b"), "b", "failed", None),
        ArmStatus(arm("c", 2), "c", "running", None, epoch=2, speed=10),
        ArmStatus(arm("d"), "d", "queued", None),
    ]
    assert summarize_statuses(statuses, workers=1) == (
        "1/4 done, 1 failed, 1 queued, running: c s2 epoch 2/4 at 10 images/s, about 1:00 left"
    )


def test_watching_logs_changes_until_no_arm_is_queued_or_running(monkeypatch):
    monkeypatch.setattr(runner, "POLL", 0)
    stages = iter(["queued", "running", "running", "done"])
    lines = []
    statuses = watch(
        lambda: [ArmStatus(arm(), "x", next(stages), None)],
        client=None,
        workers=1,
        log=lines.append,
    )
    assert [status.stage for status in statuses] == ["done"]
    assert lines == ["0/1 done, 1 queued", "0/1 done, running: lion s1", "1/1 done"]


def test_on_a_terminal_a_table_is_kept_up_to_date(monkeypatch, capsys):
    monkeypatch.setattr(runner, "POLL", 0)
    monkeypatch.setattr(runner, "on_terminal", lambda: True)
    stages = iter(["queued", "done"])
    lines = []
    watch(lambda: [ArmStatus(arm(), "x", next(stages), None)], None, 1, lines.append)
    assert "1/1 done" in capsys.readouterr().err
    assert not lines
