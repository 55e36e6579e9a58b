import pytest

from benchmarks import __main__ as bench
from benchmarks.timing import QUICK_NOTE, Measurement


def test_the_table_is_markdown_with_a_row_for_each_measurement():
    lines = bench.table(
        [Measurement("sample", 12.0, 0.5, 20.0), Measurement("step", 80.0, 40.0, 2.5)]
    ).splitlines()
    assert lines[2:] == [
        "| sample | 12.00 | 0.50 | 24.00 | 20 | yes |",
        "| step | 80.00 | 40.00 | 2.00 | 2.5 | no |",
    ]
    assert {line.count("|") for line in lines} == {7}


def test_missed_goals_are_named():
    reached, missed = Measurement("sample", 12.0, 0.5, 20.0), Measurement("step", 80.0, 40.0, 2.5)
    assert bench.missed_goals([reached]) == "Every goal is reached."
    assert bench.missed_goals([reached, missed]) == "Goal missed: step (2.00 of 2.5)."


def test_a_ratio_just_below_its_goal_is_not_rounded_up_to_it():
    assert "| 2.49 | 2.5 | no |" in bench.table([Measurement("step", 2.4999, 1.0, 2.5)])


@pytest.mark.parametrize("name", bench.BENCHMARKS)
def test_every_benchmark_runs_from_a_fresh_clone(name, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["benchmarks", name, "--quick"])
    bench.main()
    printed = capsys.readouterr().out
    assert printed.count("\n| ") == 3 and printed.endswith(f"{QUICK_NOTE}\n")


def test_an_unknown_benchmark_is_an_error_with_the_names(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["benchmarks", "steps"])
    with pytest.raises(SystemExit, match="2"):
        bench.main()
    assert "no benchmark is called 'steps', choose from sampling, step" in capsys.readouterr().err
