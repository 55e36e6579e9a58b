import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from rechroma.errors import UserError
from rechroma.studies.dvc_queue import Queue

STAGE = """\
stages:
  work:
    cmd: python work.py
    deps: [work.py]
    params: [seconds, name]
    metrics: [made.json: {cache: false}]
"""
WORK = """\
import json, time, yaml
settings = yaml.safe_load(open("params.yaml"))
time.sleep(settings["seconds"])
json.dump({"seconds": settings["seconds"]}, open("made.json", "w"))
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A DVC project whose one stage sleeps for as long as params.yaml says."""
    for name in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{name}_NAME", "test")
        monkeypatch.setenv(f"{name}_EMAIL", "test@localhost")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "dvc.yaml").write_text(STAGE)
    (tmp_path / "work.py").write_text(WORK)
    (tmp_path / "params.yaml").write_text("seconds: 0\nname: first\n")
    dvc = [sys.executable, "-m", "dvc"]
    for words in (
        ["git", "init", "-q"],
        [*dvc, "init", "-q"],
        [*dvc, "config", "core.analytics", "false"],
        ["git", "add", "-A"],
        ["git", "commit", "-qm", "start"],
    ):
        subprocess.run(words, cwd=tmp_path, check=True)
    return tmp_path


@pytest.fixture
def queue(project):
    queue = Queue(project)
    yield queue
    for worker in queue._started:
        worker.kill()
        worker.wait()


def wait_until(queue: Queue, name: str, state: str) -> None:
    deadline = time.monotonic() + 90
    while queue.states().get(name) != state:
        assert time.monotonic() < deadline, queue.states()
        time.sleep(0.3)


def processes_of(folder) -> list[psutil.Process]:
    """Those that DVC runs the stage of an experiment in."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if "exec-run" in " ".join(process.info["cmdline"] or []) and str(folder) in _where(process)
    ]


def _where(process: psutil.Process) -> str:
    try:
        return " ".join([process.cwd(), *process.cmdline()])
    except psutil.Error:
        return ""


def test_a_queued_experiment_runs_and_a_killed_one_is_known_and_can_be_queued_again(project, queue):
    queue.add("sleeper", ["seconds=600"], force=False)
    queue.add("quick", ["seconds=0", "name=second"], force=False)
    assert queue.states() == {"sleeper": "Queued", "quick": "Queued"}
    assert queue.workers() == 0

    queue.start(1, gpus=False)
    queue.start(1, gpus=False)
    assert queue.workers() == 1
    wait_until(queue, "sleeper", "Running")
    running = processes_of(project)
    while not running:
        time.sleep(0.1)
        running = processes_of(project)
    for process in [*running[0].children(recursive=True), running[0]]:
        os.kill(process.pid, signal.SIGKILL)
    # DVC may have seen the end itself, or not.
    deadline = time.monotonic() + 30
    while queue.states()["sleeper"] not in ("Killed", "Failed"):
        assert time.monotonic() < deadline
        time.sleep(0.2)

    wait_until(queue, "quick", "Success")
    queue.add("sleeper", ["seconds=0", "name=third"], force=False)
    queue.start(1, gpus=False)
    wait_until(queue, "sleeper", "Success")


@pytest.mark.parametrize(
    ("processes", "workers", "dead"),
    [
        ({"a": "here"}, 1, set()),
        ({"a": "gone"}, 1, {"a"}),
        ({"a": None}, 1, set()),  # being set up
        ({"a": None}, 0, {"a"}),
        ({"a": None, "b": "here"}, 1, {"a"}),  # the one worker has b
        ({"a": None, "b": "gone"}, 1, {"b"}),
    ],
)
def test_a_task_runs_that_a_process_or_a_free_worker_has(
    tmp_path, monkeypatch, processes, workers, dead
):
    class Process:
        def __init__(self, state):
            self.pid = os.getpid() if state == "here" else 2**22 + 1

    class Celery:
        class proc:  # noqa: N801
            get = staticmethod(lambda task: processes[task] and Process(processes[task]))

    (tmp_path / "dvc.yaml").touch()
    queue = Queue(tmp_path)
    monkeypatch.setattr(queue, "_celery", lambda: Celery)
    monkeypatch.setattr(queue, "workers", lambda: workers)
    assert queue._dead(list(processes)) == dead


def test_a_refused_override_is_one_message(queue):
    with pytest.raises(UserError, match=r"dvc exp run .*nothing"):
        queue.add("odd", ["nothing.there=1"], force=False)


def test_a_folder_without_a_pipeline_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"holds no dvc\.yaml"):
        Queue(tmp_path)
