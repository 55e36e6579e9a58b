import pytest

from rechroma.training.divergence import find_divergence


def record(loss, skipped=0, peak=None):
    return {"train/loss": loss, "train/loss_peak": peak or loss, "skipped_steps": skipped}


def told(*records):
    return [(spell.began, spell.recovered) for spell in find_divergence(records)]


def test_a_falling_loss_is_no_divergence():
    assert told(record(3.0, peak=30.0), record(2.0), record(2.2), record(1.0)) == []


def test_a_leap_is_marked_until_the_loss_is_back():
    assert told(record(2.0), record(1.0), record(4.0), record(3.0), record(1.2)) == [(3, 5)]


def test_a_leap_to_the_end_never_recovers():
    found = find_divergence([record(1.0), record(2.0), record(9.0)])
    assert [(spell.began, spell.recovered) for spell in found] == [(2, None)]
    assert str(found[0]) == "epoch 2: loss 2 after 1; never recovered"


def test_skipped_steps_count_in_the_first_epoch_too():
    found = find_divergence([record(1.0, skipped=3), record(0.9)])
    assert str(found[0]) == "epoch 1: 3 steps skipped; recovered at 2"


def test_one_steps_leap_within_an_epoch_is_seen():
    assert told(record(1.0), record(0.9, peak=9.0), record(0.8)) == [(2, 3)]


def test_an_epoch_whose_steps_were_all_skipped_has_no_loss_and_is_a_spell():
    assert told(record(1.0), {"skipped_steps": 5}, record(0.9)) == [(2, 3)]


def test_two_spells_are_two():
    assert told(record(1), record(5), record(1), record(6), record(0.9)) == [(2, 3), (4, 5)]


@pytest.mark.parametrize("history", [[], [record(1.0)]])
def test_short_histories_are_calm(history):
    assert find_divergence(history) == []
