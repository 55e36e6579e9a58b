"""DVC's queue of experiments. The only module that calls DVC."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import joblib
import psutil

from rechroma.errors import UserError

if TYPE_CHECKING:
    from dvc.repo import Repo


State = Literal["Queued", "Running", "Killed", "Failed", "Success"]


class Queue:
    """The queue of the DVC project in the folder `root`.

    Raises:
        UserError: there is no DVC project.
    """

    def __init__(self, root: Path):
        if not (root / "dvc.yaml").exists():
            raise UserError(
                f"{root} holds no dvc.yaml; run this in the project's folder, as `dvc repro`"
            )
        self.root = root
        self._repo: Repo | None = None
        self._started: list[subprocess.Popen[bytes]] = []

    def add(self, name: str, overrides: Iterable[str], force: bool) -> None:
        """Queue an experiment called `name`; what an earlier one of that name left is removed.

        With `force` it runs although DVC knows its results.

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
        settings = [word for override in overrides for word in ("-S", override)]
        self._dvc("exp", "run", "--queue", *(["--force"] if force else []), "-n", name, *settings)

    def states(self) -> dict[str, State]:
        """Where each experiment of the queue is, by name.

        DVC takes one whose process was killed for running still: here it is killed.
        """
        told: list[dict[str, Any]] = self._celery().status()
        running = [entry["rev"] for entry in told if entry["status"] == "Running"]
        dead = self._dead(running)
        return {
            entry["name"]: "Killed" if entry["rev"] in dead else cast(State, entry["status"])
            # Told in the order running, queued, failed, success: an earlier try comes last.
            for entry in reversed(told)
            if entry["name"]
        }

    def _dead(self, running: list[str]) -> set[str]:
        """Those of the tasks that DVC takes for running which no process works on."""
        processes = {task: self._celery().proc.get(task) for task in running}
        working = {task for task in running if processes[task] is not None}
        gone = {task for task in working if not psutil.pid_exists(processes[task].pid)}
        # A task without a process is being set up by a worker that has no other, or by none.
        if self.workers() > len(working - gone):
            return gone
        return gone | (set(running) - working)

    def workers(self) -> int:
        """How many of the workers that `start` started are there."""
        return sum(_alive(note) for note in self._notes.glob("*.pid"))

    def start(self, count: int, gpus: bool) -> None:
        """Have `count` workers at work; those that are there stay. They end with the queue.

        With `gpus` each sees a GPU of its own; without, each computes on its share of the cores.
        """
        # DVC's own `queue start` cannot give workers different environments, and asks workers
        # whether they are there, which they do not answer while they work.
        self._notes.mkdir(parents=True, exist_ok=True)
        for number in range(1, count + 1):
            note = self._notes / f"{number}.pid"
            if _alive(note):
                continue
            name = f"rechroma-{number}@localhost"
            words = ["exp", "queue-worker", name, *(["--clean"] if number == 1 else [])]
            with note.with_suffix(".log").open("w") as log:
                worker = subprocess.Popen(
                    [sys.executable, "-m", "dvc", *words],
                    cwd=self.root,
                    env=os.environ | _share(number, count, gpus),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # a Ctrl-C here must not reach it
                )
            self._started.append(worker)
            note.write_text(f"{worker.pid} {psutil.Process(worker.pid).create_time()}")

    def _celery(self) -> Any:
        if self._repo is None:
            from dvc.repo import Repo

            self._repo = Repo(str(self.root))
        return self._repo.experiments.celery_queue

    @property
    def _notes(self) -> Path:
        return self.root / ".rechroma" / "workers"

    def _dvc(self, *words: str, check: bool = True) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "dvc", *words],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise UserError(f"dvc {' '.join(words)}: {' '.join(said)}")


def _share(number: int, count: int, gpus: bool) -> dict[str, str]:
    """The environment of worker `number`, counted from 1, of `count`."""
    if gpus:
        return {"CUDA_VISIBLE_DEVICES": str(number - 1)}
    return {"OMP_NUM_THREADS": str(max(1, joblib.cpu_count() // count))}


def _alive(note: Path) -> bool:
    """Whether the process is there whose number and birth `note` holds."""
    try:
        number, born = note.read_text().split()
        process = psutil.Process(int(number))
        same = abs(process.create_time() - float(born)) < 1
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return False
