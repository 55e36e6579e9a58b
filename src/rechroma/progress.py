"""Long jobs: a parallel map with bounded memory, and how far a job is."""

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import ProgressColumn

Item = TypeVar("Item")
Result = TypeVar("Result")

THREADS = 8  # at most
LINE_EVERY = 10.0  # seconds between lines where standard error is not a terminal


def track(items: Iterable[Item], description: str, total: int) -> Iterator[Item]:
    """Yield `items` and show on standard error their number, the rate (items/s) and the time left.

    On a terminal as a bar, elsewhere as a line every few seconds.

    Args:
        items: to go through.
        description: of the job, before the numbers.
        total: number of items.
    """
    show = _show_bar if on_terminal() else _print_lines
    return show(items, description, total)


def parallel_map(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int | None = None
) -> Iterator[Result]:
    """`map(function, items)` on a few threads, results in the order of `items`.

    Only a few items are read and computed ahead of the results that are used, so that memory stays
    flat. An error in `function` is raised where its result is due.

    Args:
        function: of one item.
        items: to go through.
        threads: number of threads; 1 computes in the caller's own. By default one for each
            processor, at most `THREADS`.

    >>> list(parallel_map(abs, [-2, 1, -3]))
    [2, 1, 3]
    """
    if threads is None:
        threads = min(THREADS, os.cpu_count() or 1)
    if threads == 1:
        yield from map(function, items)
        return
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > 2 * threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def on_terminal() -> bool:
    """Whether standard error is a terminal, where progress is a bar instead of lines."""
    return sys.stderr.isatty()


def terminal() -> "Console":
    """The rich console of standard error, on which progress is shown."""
    from rich.console import Console

    return Console(stderr=True)


def bar_columns() -> "tuple[ProgressColumn, ...]":
    """The columns that every progress bar starts with: description, bar, `done/total`."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

    return TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()


def format_progress(description: str, done: int, total: int, seconds: float) -> str:
    """The line for a job of which `done` of `total` items took `seconds`.

    >>> format_progress("reading", 300, 1200, 2.0)
    'reading: 300/1200, 150.0/s, 0:06 left'
    """
    rate = done / seconds if seconds > 0 else 0.0
    left = "" if done >= total or not rate else f", {format_duration((total - done) / rate)} left"
    return f"{description}: {done}/{total}, {rate:.1f}/s{left}"


def format_duration(seconds: float) -> str:
    """Minutes and seconds, or hours, minutes and seconds.

    >>> format_duration(245), format_duration(3723)
    ('4:05', '1:02:03')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _print_lines(items: Iterable[Item], description: str, total: int) -> Iterator[Item]:
    started = shown = time.monotonic()
    done = 0
    for item in items:
        yield item
        done += 1
        now = time.monotonic()
        if now - shown >= LINE_EVERY and done < total:
            shown = now
            _print_progress(description, done, total, now - started)
    _print_progress(description, done, total, time.monotonic() - started)


def _print_progress(description: str, done: int, total: int, seconds: float) -> None:
    line = format_progress(description, done, total, seconds)
    print(line, file=sys.stderr, flush=True)


def _show_bar(items: Iterable[Item], description: str, total: int) -> Iterator[Item]:
    from rich.progress import Progress, TextColumn, TimeRemainingColumn

    columns = (*bar_columns(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=terminal()) as progress:
        task = progress.add_task(description, total=total, rate="")
        started = time.monotonic()
        for done, item in enumerate(items, start=1):
            yield item
            rate = done / max(time.monotonic() - started, 1e-9)
            progress.update(task, completed=done, rate=f"{rate:.1f}/s")
