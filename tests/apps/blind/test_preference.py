from pathlib import Path

import pytest
from scipy.stats import binomtest

from rechroma.apps.blind.preference import (
    left_share,
    preference_table,
    preferences,
    remarks,
    result_json,
    wilson,
)
from rechroma.apps.blind.votes import Votes


def votes_for(key, voter, *winners):
    """Votes of a person who prefers these models, pair by pair; None: no preference."""
    choices = {}
    for pair, winner in zip(key.pairs, winners, strict=True):
        sides = {pair.left: "left", pair.right: "right", None: "none"}
        choices[pair.number] = sides[winner]
    return Votes(voter, Path(f"{voter}.csv"), choices)


@pytest.fixture
def votes(key):
    return [votes_for(key, "anna", "new", "new", None), votes_for(key, "ben", "old", "new", "new")]


@pytest.mark.parametrize(("wins", "trials"), [(0, 7), (3, 7), (7, 7), (40, 90)])
def test_the_interval_is_that_of_scipy(wins, trials):
    expected = binomtest(wins, trials).proportion_ci(0.9, method="wilson")
    interval = wilson(wins, trials, 0.9)
    assert interval == pytest.approx((wins / trials, expected.low, expected.high))


def test_without_votes_there_is_no_interval():
    assert wilson(0, 0, 0.95) is None


def test_votes_are_counted_for_models_whatever_their_sides(key, votes):
    anna, ben, every = preferences(key, votes, 0.95)
    assert [row.voter for row in (anna, ben, every)] == ["anna", "ben", None]
    assert [(row.wins, row.losses, row.ties) for row in (anna, ben, every)] == [
        (0, 2, 1),
        (1, 2, 0),
        (1, 4, 1),
    ]
    assert (every.first, every.second) == ("old", "new")
    assert every.ties_half.mean == pytest.approx(1.5 / 6)
    assert every.ties_left_out.mean == pytest.approx(1 / 5)


def test_ties_alone_leave_nothing_to_count(key):
    (row, _) = preferences(key, [votes_for(key, "anna", None, None, None)], 0.95)
    assert row.ties_half.mean == 0.5
    assert row.ties_left_out is None
    assert "no votes" in preference_table([row])


def test_the_table_has_all_only_beside_several_voters(key, votes):
    both = preference_table(preferences(key, votes, 0.95))
    assert [line.split(" | ")[2] for line in both.splitlines()[2:]] == ["anna", "ben", "all"]
    alone = preference_table(preferences(key, votes[:1], 0.95))
    assert [line.split(" | ")[2] for line in alone.splitlines()[2:]] == ["anna"]


def test_the_remarks_say_how_ties_count_and_how_often_left_was_chosen(key, votes):
    text = remarks(key, votes, 0.95)
    assert "votes: anna 3, ben 3" in text
    assert "no preference counts as half a vote for each" in text
    assert f"Left was chosen in {left_share(votes):.0%}" in text
    assert "independent" in text and "independent" not in remarks(key, votes[:1], 0.95)


def test_the_result_has_all_numbers(key, votes):
    result = result_json(key, votes, preferences(key, votes, 0.95), 0.95)
    assert result["page"] == key.page
    assert result["votes"] == {"anna": 3, "ben": 3}
    last = result["preferences"][-1]
    assert (last["voter"], last["wins"], last["losses"], last["ties"]) == (None, 1, 4, 1)
    assert last["ties_half"][0] == 0.25
