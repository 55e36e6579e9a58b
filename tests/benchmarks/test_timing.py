import pytest

from benchmarks import timing
from benchmarks.timing import Measurement, medians_ms


class Clock:
    """A clock that moves only while a measured function runs."""

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
    # The slow first call and one disturbed call do not count.
    function = clock.work("ours", [9.0, 0.003, 0.001, 5.0, 0.002, 0.004], [])
    assert medians_ms([function], repeats=5) == [pytest.approx(3.0)]


def test_functions_take_turns_and_are_timed_separately(clock):
    calls = []
    plain, ours = clock.work("plain", [0.08] * 3, calls), clock.work("ours", [0.02] * 3, calls)
    assert medians_ms([plain, ours], repeats=2) == [pytest.approx(80.0), pytest.approx(20.0)]
    assert calls == ["plain", "ours"] * 3


def test_a_ratio_is_how_many_times_as_fast_ours_is():
    assert Measurement("step", 80.0, 20.0, 2.5).ratio == 4.0
    assert Measurement("step", 50.0, 20.0, 2.5).reached
    assert not Measurement("step", 49.9, 20.0, 2.5).reached
