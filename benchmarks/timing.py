"""Times of functions, and the comparison of rechroma with the plain way of doing the same."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import NamedTuple

QUICK_NOTE = (
    "Quick: tiny sizes, few repeats, to see that everything runs. The numbers mean nothing."
)


def start_benchmark(module: str, description: str | None, work: str) -> bool:
    """Read the command line of a benchmark, and print the machine; whether `--quick` is given.

    Args:
        module: of the benchmark, `benchmarks.…`.
        description: for `--help`.
        work: what is measured, for standard error.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that all runs")
    quick: bool = parser.parse_args().quick
    print(f"measuring {work} …", file=sys.stderr, flush=True)
    load = f", load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    print(f"Machine: {os.cpu_count()} cores{load}\n", flush=True)
    return quick


class Measurement(NamedTuple):
    """The times of one piece of work, done the plain way and by rechroma.

    Attributes:
        name: the work.
        plain_ms, ours_ms: median times, ms.
        goal: the ratio that is wanted.
    """

    name: str
    plain_ms: float
    ours_ms: float
    goal: float

    @property
    def ratio(self) -> float:
        """How many times as fast as the plain way ours is."""
        return self.plain_ms / self.ours_ms

    @property
    def reached(self) -> bool:
        """Whether the ratio is at least the goal."""
        return self.ratio >= self.goal


@contextmanager
def one_thread() -> Iterator[None]:
    """A context in which torch and OpenCV compute on one thread each.

    On a busy machine, threads that wait for each other can take ten times as long. A ratio of two
    such times would mean nothing.
    """
    import cv2
    import torch

    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])


def medians_ms(functions: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """The median time of `repeats` calls of each function, ms.

    The functions take turns, so that other programs disturb them equally. The first call of each
    is not timed.
    """
    for function in functions:
        function()
    # (functions, repeats) seconds
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(repeats):
        for function, seconds in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            seconds.append(time.perf_counter() - start)
    return [1000 * median(seconds) for seconds in times]
