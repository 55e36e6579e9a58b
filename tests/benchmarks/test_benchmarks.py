import importlib.util

import pytest

from benchmarks import __main__ as bench
from benchmarks import timing
from benchmarks.timing import Measurement, medians_ms


class Clock:
    """A clock that only goes on while a function under measurement says so."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(timing.time, "perf_counter", lambda: self.now)

    def work(self, name, seconds, calls):
        remaining = iter(seconds)

        def function():
            calls.append(name)
            self.now += next(remaining)

        return function


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def test_the_median_of_the_calls_after_the_first_is_taken(clock):
    # A slow first call and one disturbed call count nothing.
    function = clock.work("ours", [9.0, 0.003, 0.001, 5.0, 0.002, 0.004], [])
    assert medians_ms([function], repeats=5) == [pytest.approx(3.0)]


def test_functions_take_turns_and_are_timed_apart(clock):
    calls = []
    plain, ours = clock.work("plain", [0.08] * 3, calls), clock.work("ours", [0.02] * 3, calls)
    assert medians_ms([plain, ours], repeats=2) == [pytest.approx(80.0), pytest.approx(20.0)]
    assert calls == ["plain", "ours"] * 3


def test_a_ratio_says_how_many_times_as_fast_ours_is():
    assert Measurement("step", 80.0, 20.0, 2.5).ratio == 4.0
    assert Measurement("step", 50.0, 20.0, 2.5).reached
    assert not Measurement("step", 49.9, 20.0, 2.5).reached


def test_the_table_is_markdown_with_a_row_a_measurement():
    lines = bench.table(
        [Measurement("sample", 12.0, 0.5, 20.0), Measurement("step", 80.0, 40.0, 2.5)]
    ).splitlines()
    assert lines[2:4] == [
        "| sample | 12.00 | 0.50 | 24.00 | 20 | yes |",
        "| step | 80.00 | 40.00 | 2.00 | 2.5 | no |",
    ]
    assert {line.count("|") for line in lines[:4]} == {7}


def test_a_missed_target_is_said_plainly():
    reached, missed = Measurement("sample", 12.0, 0.5, 20.0), Measurement("step", 80.0, 40.0, 2.5)
    assert bench.verdict([reached]) == "Every target is reached."
    assert bench.verdict([reached, missed]) == "Target missed: step (2.00 of 2.5)."


def test_a_ratio_just_below_its_target_is_not_shown_as_if_it_reached_it():
    missed = Measurement("step", 2.4999, 1.0, 2.5)
    assert "| 2.49 | 2.5 | no |" in bench.table([missed])


def test_every_benchmark_of_the_table_has_its_module():
    for name in bench.BENCHMARKS:
        assert importlib.util.find_spec(f"benchmarks.bench_{name}") is not None


def test_a_benchmark_that_does_not_exist_is_one_clear_message(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["benchmarks", "steps"])
    with pytest.raises(SystemExit, match="2"):
        bench.main()
    assert "there is no benchmark 'steps', choose from sampling, step" in capsys.readouterr().err
