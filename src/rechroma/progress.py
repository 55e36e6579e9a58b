"""Long jobs: done on a few threads, and how far they are."""

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

THREADS = 8  # at most
LINE_EVERY = 10.0  # seconds between lines where there is no terminal


def track(items: Iterable[Item], description: str, total: int) -> Iterator[Item]:
    """Yield `items` while standard error shows their number, the rate (items/s) and the time left.

    A bar on a terminal, a line every few seconds elsewhere.
    """
    show = _bar if sys.stderr.isatty() else _lines
    return show(items, description, total)


def in_order(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`map(work, items)` on a few threads; only a few results are kept ahead of their use."""
    threads = min(THREADS, os.cpu_count() or 1)
    ahead: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in items:
            ahead.append(pool.submit(work, item))
            if len(ahead) > 2 * threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def line(description: str, done: int, total: int, seconds: float) -> str:
    """`reading: 300/1200, 150.0/s, 0:06 left`."""
    rate = done / seconds if seconds > 0 else 0.0
    left = "" if done >= total or not rate else f", {clock((total - done) / rate)} left"
    return f"{description}: {done}/{total}, {rate:.1f}/s{left}"


def clock(seconds: float) -> str:
    """`4:05` or `1:02:03` for so many seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _lines(items: Iterable[Item], description: str, total: int) -> Iterator[Item]:
    started = shown = time.monotonic()
    done = 0
    for item in items:
        yield item
        done += 1
        now = time.monotonic()
        if now - shown >= LINE_EVERY and done < total:
            shown = now
            print(line(description, done, total, now - started), file=sys.stderr, flush=True)
    seconds = time.monotonic() - started
    print(line(description, done, total, seconds), file=sys.stderr, flush=True)


def _bar(items: Iterable[Item], description: str, total: int) -> Iterator[Item]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(description, total=total, rate="")
        started = time.monotonic()
        for done, item in enumerate(items, start=1):
            yield item
            rate = done / max(time.monotonic() - started, 1e-9)
            progress.update(task, completed=done, rate=f"{rate:.1f}/s")
