import pytest

from rechroma.training import console
from rechroma.training.console import EpochDisplay

RECORD = {
    "train/loss": 0.25,
    "validation/score": 0.5,
    "validation/ssim": 0.75,
    "validation/masked_ssim": 0.125,
    "validation/hue": 0.625,
    "images_per_second": 320.4,
    "skipped_steps": 0,
}


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when a test adds them."""
    seconds = [1000.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: seconds[0])
    return seconds


def test_a_finished_epoch_is_one_line(clock, capsys):
    display = EpochDisplay(epochs=10, batch=4, shown=True)
    list(display.epoch([1, 2], 1))
    clock[0] += 30
    display.close_epoch(1, RECORD)
    assert capsys.readouterr().out == (
        "epoch 1/10 · loss 0.2500 · score 0.5000 (ssim 0.750, masked 0.125, hue 0.625)"
        " · 320 images/s · 0:04:30 left\n"
    )


def test_a_resumed_training_counts_only_its_own_epochs(clock, capsys):
    display = EpochDisplay(epochs=10, batch=4, shown=True)
    clock[0] += 500  # setting the training up does not count
    for number in (5, 6):
        list(display.epoch([1, 2], number))
        clock[0] += 60
        display.close_epoch(number, RECORD)
    assert [line.rpartition("·")[2] for line in capsys.readouterr().out.splitlines()] == [
        " 0:05:00 left",
        " 0:04:00 left",
    ]


def test_skipped_steps_are_printed(capsys):
    EpochDisplay(10, 4, shown=True).close_epoch(1, {**RECORD, "skipped_steps": 3.0})
    assert " · 3 steps skipped · " in capsys.readouterr().out


def test_an_epoch_of_skipped_steps_alone_has_a_line_too(capsys):
    record = {name: value for name, value in RECORD.items() if name != "train/loss"}
    EpochDisplay(10, 4, shown=True).close_epoch(1, {**record, "skipped_steps": 8.0})
    assert "loss nan · score 0.5000" in capsys.readouterr().out


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("shown", [True, False])
def test_batches_pass_through_with_a_bar_on_a_terminal_alone(capsys, monkeypatch, terminal, shown):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    display = EpochDisplay(10, 4, shown)
    assert list(display.epoch(["a", "b", "c"], 2)) == ["a", "b", "c"]
    printed = capsys.readouterr()
    assert ("epoch 2/10" in printed.err and "3/3" in printed.err) is (terminal and shown)
    assert not printed.out


def test_a_process_that_does_not_show_prints_nothing(capsys):
    EpochDisplay(10, 4, shown=False).close_epoch(1, RECORD)
    assert capsys.readouterr() == ("", "")
