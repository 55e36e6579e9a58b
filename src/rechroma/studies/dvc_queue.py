"""DVC's queue of experiments. Only this module and `dvc_project` call DVC."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import joblib
import psutil

from rechroma.errors import UserError
from rechroma.settings import read_yaml
from rechroma.studies.dvc_project import open_repo
from rechroma.studies.overrides import quote_for_dvc

if TYPE_CHECKING:
    from dvc.repo import Repo

logger = logging.getLogger(__name__)

State = Literal["Queued", "Running", "Killed", "Failed", "Success"]
WORKING_VERSIONS = "dvc>=3.60,<3.68"


class Task(NamedTuple):
    """An experiment in DVC's queue.

    Attributes:
        name: of the experiment; None if it was queued without one.
        revision: the Git commit that DVC keeps it as, unique in the queue.
        state: as DVC reports it; it never reports "Killed".
        pid: of the process that runs it; None if no process has been started.
    """

    name: str | None
    revision: str
    state: State
    pid: int | None = None


def read_tasks(repo: "Repo") -> list[Task]:
    """The experiments of DVC's queue, an earlier attempt of a name after a later one.

    This reads DVC's private `experiments.celery_queue`, with its `status()` and `proc`: the public
    `dvc queue status` has no process ids, without which a killed experiment looks like a running
    one. If a version of DVC changes them, `rechroma study` cannot tell which arms are left to run,
    and stops here; all other commands and `dvc repro` still work.

    Raises:
        UserError: this version of DVC has no such queue.
    """
    queue = _private_queue(repo)
    return [
        Task(
            name=entry["name"],
            revision=entry["rev"],
            state=entry["status"],
            pid=_process_id(queue, entry["rev"]) if entry["status"] == "Running" else None,
        )
        for entry in queue.status()
    ]


def _private_queue(repo: "Repo") -> Any:
    # Looked up on the class: a lookup on the instance would create the queue.
    if hasattr(type(repo.experiments), "celery_queue"):
        queue = repo.experiments.celery_queue
        if hasattr(type(queue), "status") and hasattr(type(queue), "proc"):
            return queue
    from dvc import __version__

    raise UserError(
        f"DVC {__version__} does not show its queue of experiments to rechroma, expected one of "
        f"{WORKING_VERSIONS}; install it: pip install '{WORKING_VERSIONS}'"
    )


def _process_id(queue: Any, revision: str) -> int | None:
    process = queue.proc.get(revision)
    return None if process is None else int(process.pid)


class Queue:
    """The queue of the DVC project in the folder `root`.

    Attributes:
        root: the project's folder.
        started: the workers that this object started.

    Raises:
        UserError: the folder is not a project of DVC and Git.
    """

    def __init__(self, root: Path):
        if not (root / "dvc.yaml").exists():
            raise UserError(
                f"{root} holds no dvc.yaml; run this in the project's folder, as `dvc repro`"
            )
        self.root = root
        self.started: list[subprocess.Popen[bytes]] = []
        self._repo = open_repo(root)

    def add(self, name: str, overrides: Iterable[str], force: bool) -> None:
        """Queue an experiment; an earlier attempt of the same name is removed.

        Args:
            name: of the experiment.
            overrides: of params.yaml, `KEY=VALUE`, as for `apply_overrides`.
            force: run it even if DVC has its results.

        Raises:
            UserError: DVC refuses.
        """
        state = self.states().get(name)
        if state == "Killed":
            self._dvc("queue", "kill", "--force", name, check=False)
        if state is not None:
            self._dvc("queue", "remove", name, check=False)
        if force or state == "Success":
            self._dvc("exp", "remove", name, check=False)
        tree = read_yaml(self.root / "params.yaml")
        settings = [word for each in overrides for word in ("-S", quote_for_dvc(tree, each))]
        self._dvc("exp", "run", "--queue", *(["--force"] if force else []), "-n", name, *settings)

    def states(self) -> dict[str, State]:
        """The state of each experiment in the queue, by name.

        DVC reports an experiment whose process was killed as running; here it is "Killed".

        Raises:
            UserError: as in `read_tasks`.
        """
        tasks = read_tasks(self._repo)
        killed = self._killed([task for task in tasks if task.state == "Running"])
        # An earlier attempt comes last in the list; reversed, the latest one counts.
        return {
            task.name: "Killed" if task.revision in killed else task.state
            for task in reversed(tasks)
            if task.name
        }

    def _killed(self, running: list[Task]) -> set[str]:
        """The revisions of those tasks in `running` that no process works on."""
        # Tasks whose process has ended without DVC noticing.
        ended = {
            task.revision
            for task in running
            if task.pid is not None and not psutil.pid_exists(task.pid)
        }
        # A task without a process is being set up, if a worker is free to do so.
        unstarted = {task.revision for task in running if task.pid is None}
        busy_workers = len(running) - len(unstarted) - len(ended)
        return ended if self.workers() > busy_workers else ended | unstarted

    def workers(self) -> int:
        """The number of workers alive, among those that `start` started, in any process."""
        return sum(_is_alive(path) for path in self._worker_folder.glob("*.pid"))

    def start(self, count: int, gpus: bool) -> None:
        """Start workers until `count` are alive. They end when the queue is empty.

        Args:
            count: number of workers.
            gpus: give each worker a GPU of its own; otherwise an equal share of the CPU cores.
        """
        # Not by `dvc queue start`: it gives all workers one environment, and counts workers by
        # asking them, which they do not answer while they work.
        self._worker_folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, count + 1):
            pid_file = self._worker_folder / f"{number}.pid"
            if _is_alive(pid_file):
                continue
            name = f"rechroma-{number}@localhost"
            arguments = ["exp", "queue-worker", name, *(["--clean"] if number == 1 else [])]
            with pid_file.with_suffix(".log").open("w") as log:
                worker = subprocess.Popen(
                    [sys.executable, "-m", "dvc", *arguments],
                    cwd=self.root,
                    env=os.environ | _worker_environment(number, count, gpus),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # so that Ctrl-C does not end it
                )
            self.started.append(worker)
            pid_file.write_text(f"{worker.pid} {psutil.Process(worker.pid).create_time()}")
            logger.info("started worker %s, process %d", name, worker.pid)

    @property
    def _worker_folder(self) -> Path:
        """Holds `N.pid`, process id and creation time of worker N, and its log."""
        return self.root / ".rechroma" / "workers"

    def _dvc(self, *arguments: str, check: bool = True) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "dvc", *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        output = " ".join((done.stderr.strip() or done.stdout.strip()).splitlines())
        if check and "Unable to acquire lock" in output:
            raise UserError(
                f"{self.root} is locked by another process of DVC, such as dvc repro or dvc exp "
                "run; wait until it has ended, then give the command again"
            )
        if check and done.returncode:
            raise UserError(f"dvc {' '.join(arguments)}: {output}")
        logger.debug("dvc %s: %s", " ".join(arguments), output)


def _worker_environment(number: int, count: int, gpus: bool) -> dict[str, str]:
    """Environment variables of worker `number`, counted from 1, of `count`."""
    if gpus:
        return {"CUDA_VISIBLE_DEVICES": str(number - 1)}
    return {"OMP_NUM_THREADS": str(max(1, joblib.cpu_count() // count))}


def _is_alive(pid_file: Path) -> bool:
    """Whether the process in `pid_file` is alive; the creation time tells it from a later one."""
    try:
        pid, created = pid_file.read_text().split()
        process = psutil.Process(int(pid))
        is_same = abs(process.create_time() - float(created)) < 1
        return bool(is_same and process.status() != psutil.STATUS_ZOMBIE)
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return False
