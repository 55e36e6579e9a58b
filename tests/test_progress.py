import threading
import time
from collections.abc import Iterator

import pytest

from rechroma import progress
from rechroma.progress import THREADS, format_progress, on_terminal, parallel_map, track


def test_a_line_has_rate_and_time_left() -> None:
    assert format_progress("reading", 300, 1200, 2.0) == "reading: 300/1200, 150.0/s, 0:06 left"
    assert (
        format_progress("reading", 10, 400_000, 1.0) == "reading: 10/400000, 10.0/s, 11:06:39 left"
    )
    assert format_progress("reading", 5, 5, 2.0) == "reading: 5/5, 2.5/s"


def test_without_a_terminal_lines_are_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY", 0.0)
    assert list(track(iter("abc"), "reading", 3)) == ["a", "b", "c"]
    captured = capsys.readouterr()
    assert [text.split(",")[0] for text in captured.err.splitlines()] == [
        "reading: 1/3",
        "reading: 2/3",
        "reading: 3/3",
    ]
    assert not captured.out


def test_on_a_terminal_a_bar_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert on_terminal()
    assert list(track(range(3), "reading", 3)) == [0, 1, 2]
    assert "3/3" in capsys.readouterr().err


def test_results_keep_the_order_of_the_items() -> None:
    def slow_first(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0)
        return item

    assert list(parallel_map(slow_first, range(40))) == list(range(40))


def test_few_results_are_computed_ahead_of_their_use() -> None:
    started: list[int] = []
    lock = threading.Lock()

    def work(item: int) -> int:
        with lock:
            started.append(item)
        return item

    results = parallel_map(work, range(1000))
    assert next(results) == 0
    time.sleep(0.05)
    assert len(started) <= 3 * THREADS
    results.close()


def test_an_error_in_the_function_reaches_the_caller() -> None:
    def work(item: int) -> float:
        return 1 / item

    with pytest.raises(ZeroDivisionError):
        list(parallel_map(work, [1, 0, 2]))


def test_with_one_thread_all_is_computed_in_the_callers_own_and_one_item_at_a_time() -> None:
    read: list[int] = []

    def items() -> Iterator[int]:
        for item in range(5):
            read.append(item)
            yield item

    def thread(item: int) -> tuple[int, int]:
        return item, threading.get_ident()

    results = parallel_map(thread, items(), threads=1)
    assert next(results) == (0, threading.get_ident())
    assert read == [0]
    assert list(results) == [(item, threading.get_ident()) for item in range(1, 5)]


def test_the_number_of_threads_can_be_chosen() -> None:
    barrier = threading.Barrier(3, timeout=10)
    assert len(list(parallel_map(lambda _: barrier.wait(), range(3), threads=3))) == 3
