"""A process that tries one input after the other; its peak of memory and its life are watched."""

import logging
import multiprocessing
import os
import sys
import time
import traceback
import unittest.mock
import warnings
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import rechroma

from .cases import Case

SOURCES = Path(rechroma.__file__).parents[1]

MOST_SECONDS = 10
START_SECONDS = 120
MOST_BYTES = 1 << 30  # above what the process has before
ADDRESS_BYTES = 6 << 30  # beyond which memory runs out, before the machine suffers


class Result(NamedTuple):
    """What became of one input: as `drive.Outcome`, with seconds and peak of memory in bytes."""

    result: str
    fault: str
    message: str
    seconds: float
    memory: int


class Worker:
    """The process, started again where it died or hung."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: multiprocessing.process.BaseProcess | None = None

    def run(self, case: Case) -> Result:
        """Try one input; a process that dies or takes too long is a fault of the input."""
        from .drive import filled

        with filled(self.folder / "case", case.files) as folder:
            if self._process is None:
                self._start()
            self._pipe.send((case.kind, folder, case.name, case.suffix, case.variant))
            started = time.perf_counter()
            try:
                if self._pipe.poll(3 * MOST_SECONDS):
                    return self._checked(Result(*self._pipe.recv()))
                fault = f"no answer within {3 * MOST_SECONDS} s"
            except (EOFError, ConnectionError):
                self._process.join(MOST_SECONDS)
                fault = f"the process died with exit code {self._process.exitcode}"
            self.close()
            return Result("refused", fault, "", time.perf_counter() - started, 0)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
            self._process = None

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        # A model of MLflow that another test loaded has put its own copy of rechroma on the path.
        with unittest.mock.patch.object(sys, "path", [str(SOURCES), *sys.path]):
            self._process.start()
        theirs.close()
        assert self._pipe.poll(START_SECONDS) and self._pipe.recv() == "ready", "no worker"

    def _checked(self, result: Result) -> Result:
        if result.fault:
            return result
        if result.seconds > MOST_SECONDS:
            return result._replace(fault=f"took {result.seconds:.1f} s of the processor")
        if result.memory > MOST_BYTES:
            return result._replace(fault=f"took {result.memory >> 20} MB of memory")
        return result


def _serve(pipe: Connection) -> None:
    # One thread, as other work shares the machine; messages of decoders are of no use.
    os.environ["OMP_NUM_THREADS"] = "1"
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    import cv2

    cv2.setNumThreads(1)
    from .drive import Driver

    logging.disable(logging.CRITICAL)
    caught: list[str] = []
    warnings.showwarning = (
        lambda message, category, *place, **more: caught.append(  # noqa: ARG005
            f"{category.__name__}: {message}\n{''.join(traceback.format_stack(limit=12)[:-1])}"
        )
    )
    warnings.simplefilter("always")
    driver = Driver()
    _limit_memory()
    pipe.send("ready")
    while True:
        try:
            request = pipe.recv()
        except EOFError:
            return
        caught.clear()
        base = _reset_peak()
        started = time.process_time()
        result, fault, message = driver.drive(*request)
        seconds = time.process_time() - started
        if caught and not fault:
            fault = f"a warning: {caught[0]}"
        pipe.send((result, fault, message, seconds, max(0, _memory("VmHWM") - base)))


def _limit_memory() -> None:
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return
    limit = _memory("VmSize") + ADDRESS_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


def _memory(field: str) -> int:
    """A figure of the process, bytes; 0 where the system does not tell it."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    return next(
        int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith(field)
    )


def _reset_peak() -> int:
    """Set the peak of memory back to what the process has now, bytes."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    except OSError:
        return _memory("VmHWM")
    return _memory("VmRSS")
