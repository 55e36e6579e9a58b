"""How long a function takes, and how that compares with the plain way of doing the same."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import NamedTuple


class Measurement(NamedTuple):
    """The time of one piece of work, done plainly and done by rechroma."""

    name: str
    plain_ms: float
    ours_ms: float
    target: float
    """How many times as fast as the plain way ours must be."""

    @property
    def ratio(self) -> float:
        """How many times as fast as the plain way ours is."""
        return self.plain_ms / self.ours_ms

    @property
    def reached(self) -> bool:
        """Whether the ratio is at least the target."""
        return self.ratio >= self.target


@contextmanager
def one_thread() -> Iterator[None]:
    """Both ways on one thread of torch and OpenCV meanwhile.

    Threads that wait for each other while other programs want the same cores can take ten times
    as long, and more so where there are many short pieces of work: no ratio would hold.
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
    """The median of the times of `repeats` calls of each function, ms.

    They take turns, so that whatever else keeps the machine busy meets them alike. One turn
    before is not timed.
    """
    for function in functions:
        function()
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(repeats):
        for function, taken in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            taken.append(time.perf_counter() - start)
    return [1000 * median(taken) for taken in times]
