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
    identity: str, status: str = "FINISHED", began: int = 10, model: bool = True
) -> TrainingRun:
    models = ("m-1",) if model else ()
    return TrainingRun("id", "1", "name", identity, status, began, "abc", "d", {}, {}, models)


def stage(recorded: list[TrainingRun], state: str | None, since: int = 0) -> str:
    states = {arm().experiment("trial"): state} if state else {}
    (found,) = arm_statuses("trial", [arm()], recorded, states, since)
    return found.stage


@pytest.mark.parametrize(
    ("recorded", "state", "expected"),
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
        ([run("lion1"), run("lion1", "FAILED", began=99, model=False)], "Failed", "done"),
    ],
)
def test_an_arm_stands_where_the_queue_and_its_run_say(recorded, state, expected):
    assert stage(recorded, state) == expected


def test_runs_that_began_too_early_do_not_count():
    assert stage([run("lion1", began=10)], None, since=11) == "to do"


class Listing:
    """A queue that only notes what is added."""

    def __init__(self):
        self.added = []

    def add(self, name, overrides, force):
        self.added.append((name, overrides, force))


@pytest.mark.parametrize(("retry", "expected"), [(False, ["a"]), (True, ["a", "d"])])
def test_only_what_is_to_do_is_queued(retry, expected):
    stages = {"a": "to do", "b": "done", "c": "running", "d": "failed", "e": "queued"}
    found = [ArmStatus(arm(), name, stage, None) for name, stage in stages.items()]
    queue, said = Listing(), []
    assert enqueue(queue, found, retry, True, said.append) == len(expected)
    assert [name for name, _, _ in queue.added] == expected
    assert queue.added[0] == ("a", ("optim=lion",), True)
    assert said[0] == f"queueing 1/{len(expected)}: a"


def test_time_left_goes_by_what_was_seen():
    half = ArmStatus(arm("a"), "a", "running", None, epoch=2, speed=10)  # 20 of 40 s left
    waiting = ArmStatus(arm("b"), "b", "queued", None)  # 40 s, as the other
    over = ArmStatus(arm("c"), "c", "done", None, epoch=4, speed=10)
    assert seconds_left([half, waiting, over], workers=1) == pytest.approx(60)
    assert seconds_left([half, waiting, over], workers=2) == pytest.approx(30)
    assert seconds_left([waiting], workers=1) is None


def test_the_summary_tells_all_that_moves():
    found = [
        ArmStatus(arm("a"), "a", "done", None, epoch=4, speed=10),
        ArmStatus(arm("b"), "b", "failed", None),
        ArmStatus(arm("c", 2), "c", "running", None, epoch=2, speed=10),
        ArmStatus(arm("d"), "d", "queued", None),
    ]
    assert summarize_statuses(found, workers=1) == (
        "1/4 done, 1 failed, 1 queued, running: c s2 epoch 2/4 at 10 images/s, about 1:00 left"
    )


def test_watching_ends_when_nothing_moves_any_more(monkeypatch):
    monkeypatch.setattr(runner, "POLL", 0)
    looks = iter(["queued", "running", "running", "done"])
    said = []
    found = watch(
        lambda: [ArmStatus(arm(), "x", next(looks), None)], client=None, workers=1, say=said.append
    )
    assert [each.stage for each in found] == ["done"]
    assert said == ["0/1 done, 1 queued", "0/1 done, running: lion s1", "1/1 done"]
