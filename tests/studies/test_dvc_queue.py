import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import psutil
import pytest
import yaml
import zc.lockfile
from packaging.requirements import Requirement

from rechroma.errors import UserError
from rechroma.studies import dvc_queue
from rechroma.studies.dvc_queue import WORKING_VERSIONS, Queue, Task

STAGE = """\
stages:
  work:
    cmd: python work.py
    deps: [work.py]
    params: [seconds, name]
    metrics: [made.json: {cache: false}]
"""
AUTHOR = {
    f"GIT_{role}_{field}": f"test{end}"
    for role in ("AUTHOR", "COMMITTER")
    for field, end in (("NAME", ""), ("EMAIL", "@localhost"))
}
WORK = """\
import json, time, yaml
settings = yaml.safe_load(open("params.yaml"))
time.sleep(settings["seconds"])
json.dump({"seconds": settings["seconds"]}, open("made.json", "w"))
"""


@pytest.fixture(scope="session")
def new_project(tmp_path_factory) -> Path:
    """A DVC project whose one stage sleeps for `seconds` of params.yaml."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "dvc.yaml").write_text(STAGE)
    (folder / "work.py").write_text(WORK)
    (folder / "params.yaml").write_text("seconds: 0\nname: first\n")
    dvc = [sys.executable, "-m", "dvc"]
    for command in (
        ["git", "init", "-q"],
        [*dvc, "init", "-q"],
        [*dvc, "config", "core.analytics", "false"],
        ["git", "add", "-A"],
        ["git", "commit", "-qm", "start"],
    ):
        subprocess.run(command, cwd=folder, check=True, env=os.environ | AUTHOR)
    return folder


@pytest.fixture
def project(tmp_path, new_project, monkeypatch) -> Path:
    """A copy of the project; making one takes seconds, copying it does not."""
    for name, value in AUTHOR.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return Path(shutil.copytree(new_project, tmp_path / "project"))


@pytest.fixture
def queue(project):
    queue = Queue(project)
    yield queue
    for worker in queue.started:
        worker.kill()
        worker.wait()


def wait_until(queue: Queue, name: str, state: str) -> None:
    deadline = time.monotonic() + 90
    while queue.states().get(name) != state:
        assert time.monotonic() < deadline, queue.states()
        time.sleep(0.3)


def processes_of(folder) -> list[psutil.Process]:
    """The processes in which DVC runs experiments of the project in `folder`."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if "exec-run" in " ".join(process.info["cmdline"] or [])
        and str(folder) in _folder_and_command(process)
    ]


def _folder_and_command(process: psutil.Process) -> str:
    try:
        return " ".join([process.cwd(), *process.cmdline()])
    except psutil.Error:
        return ""


def test_a_queued_experiment_runs_and_a_killed_one_can_be_queued_again(project, queue):
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
    # DVC may have noticed the end or not.
    deadline = time.monotonic() + 30
    while queue.states()["sleeper"] not in ("Killed", "Failed"):
        assert time.monotonic() < deadline
        time.sleep(0.2)

    wait_until(queue, "quick", "Success")
    queue.add("sleeper", ["seconds=0", "name=third"], force=False)
    queue.start(1, gpus=False)
    wait_until(queue, "sleeper", "Success")


@pytest.mark.parametrize(
    ("processes", "workers", "killed"),
    [
        ({"a": "alive"}, 1, set()),
        ({"a": "ended"}, 1, {"a"}),
        ({"a": None}, 1, set()),  # being set up
        ({"a": None}, 0, {"a"}),
        ({"a": None, "b": "alive"}, 1, {"a"}),  # the one worker is busy with b
        ({"a": None, "b": "ended"}, 1, {"b"}),
    ],
)
def test_a_running_experiment_without_a_process_or_a_free_worker_was_killed(
    project, monkeypatch, processes, workers, killed
):
    pids = {"alive": os.getpid(), "ended": 2**22 + 1, None: None}
    tasks = [Task(name, name, "Running", pids[process]) for name, process in processes.items()]
    monkeypatch.setattr(dvc_queue, "read_tasks", lambda _: tasks)
    # This process in place of the workers that `start` starts.
    folder = project / ".rechroma" / "workers"
    folder.mkdir(parents=True)
    for number in range(workers):
        created = psutil.Process().create_time()
        (folder / f"{number}.pid").write_text(f"{os.getpid()} {created}")
    states = Queue(project).states()
    assert {name for name, state in states.items() if state == "Killed"} == killed
    assert all(states[name] == "Running" for name in processes.keys() - killed)


def test_of_several_attempts_the_latest_counts(project, monkeypatch):
    tasks = [
        Task("again", "2", "Queued"),
        Task(None, "3", "Queued"),  # queued by hand, without a name
        Task("again", "1", "Failed"),
    ]
    monkeypatch.setattr(dvc_queue, "read_tasks", lambda _: tasks)
    assert Queue(project).states() == {"again": "Queued"}


@pytest.mark.parametrize(
    ("module", "owner", "name"),
    [
        ("dvc.repo.experiments", "Experiments", "celery_queue"),
        ("dvc.repo.experiments.queue.celery", "LocalCeleryQueue", "proc"),
        ("dvc.repo.experiments.queue.base", "BaseStashQueue", "status"),
    ],
)
def test_a_dvc_without_the_private_queue_is_one_message_that_names_the_versions(
    project, monkeypatch, module, owner, name
):
    monkeypatch.delattr(f"{module}.{owner}.{name}")
    with pytest.raises(UserError, match=r"DVC \d.* does not show its queue") as caught:
        Queue(project).states()
    assert f"pip install '{WORKING_VERSIONS}'" in str(caught.value)


def test_the_installed_dvc_is_one_of_the_working_versions():
    assert Requirement(WORKING_VERSIONS).specifier.contains(version("dvc"))


def test_a_refused_override_is_one_message(queue):
    with pytest.raises(UserError, match=r"dvc exp run .*nothing"):
        queue.add("odd", ["nothing.there=1"], force=False)


def test_a_folder_without_a_pipeline_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"holds no dvc\.yaml"):
        Queue(tmp_path)


def test_an_override_with_spaces_and_letters_of_any_kind_arrives(project, queue):
    queue.add("album", ["name=/photos/my album, 사진 #1"], force=False)
    shown = subprocess.run(
        ["git", "show", "refs/exps/celery/stash:params.yaml"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    assert yaml.safe_load(shown.stdout)["name"] == "/photos/my album, 사진 #1"


def test_a_project_that_another_process_has_locked_is_one_message(project, queue):
    lock = zc.lockfile.LockFile(str(project / ".dvc" / "tmp" / "lock"))
    try:
        with pytest.raises(UserError, match=r"project is locked by another process of DVC.*; wait"):
            queue.add("waiting", ["seconds=1"], force=False)
    finally:
        lock.close()
