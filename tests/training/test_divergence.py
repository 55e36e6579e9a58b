import pytest

from rechroma.training.divergence import find_divergence


def record(loss, skipped=0, peak=None):
    return {"train/loss": loss, "train/loss_peak": peak or loss, "skipped_steps": skipped}


def intervals(*records):
    return [(interval.began, interval.recovered) for interval in find_divergence(records)]


def test_a_falling_loss_is_no_divergence():
    assert intervals(record(3.0, peak=30.0), record(2.0), record(2.2), record(1.0)) == []


def test_a_jump_lasts_until_the_loss_is_back():
    assert intervals(record(2.0), record(1.0), record(4.0), record(3.0), record(1.2)) == [(3, 5)]


def test_a_jump_to_the_end_never_recovers():
    (interval,) = find_divergence([record(1.0), record(2.0), record(9.0)])
    assert (interval.began, interval.recovered) == (2, None)
    assert str(interval) == "epoch 2: loss 2 after 1; never recovered"


def test_skipped_steps_count_in_the_first_epoch_too():
    (interval,) = find_divergence([record(1.0, skipped=3), record(0.9)])
    assert str(interval) == "epoch 1: 3 steps skipped; recovered at 2"


def test_one_steps_jump_within_an_epoch_counts():
    (interval,) = find_divergence([record(1.0), record(0.9, peak=9.0), record(0.8)])
    assert str(interval) == "epoch 2: a step's loss 9 in a mean of 0.9; recovered at 3"


def test_an_epoch_whose_steps_were_all_skipped_has_no_loss_and_diverged():
    assert intervals(record(1.0), {"skipped_steps": 5}, record(0.9)) == [(2, 3)]


def test_divergence_after_recovery_is_an_interval_of_its_own():
    assert intervals(record(1), record(5), record(1), record(6), record(0.9)) == [(2, 3), (4, 5)]


@pytest.mark.parametrize("history", [[], [record(1.0)]])
def test_a_short_history_does_not_diverge(history):
    assert find_divergence(history) == []
