"""How long a function takes, and how that compares with the plain way of doing the same."""

import time
from collections.abc import Callable
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


def median_ms(function: Callable[[], object], repeats: int) -> float:
    """The median of the times of `repeats` calls, ms; one call before them is not timed."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1000 * median(times)
