import numpy as np
import pytest

from rechroma.evaluation.found_damage import FoundDamage, near


def line(column: int, group: int = 1) -> np.ndarray:
    groups = np.zeros((40, 40), np.uint8)
    groups[:, column] = group
    return groups


@pytest.mark.parametrize(
    ("column", "recall", "precision"), [(10, 1, 1), (13, 1, 1), (15, 0, 1), (16, 0, 0)]
)
def test_what_is_found_a_little_beside_the_damage_counts(column, recall, precision):
    counts = FoundDamage()
    counts.add(line(column) > 0, line(10))
    expected = {"recall": recall, "precision": precision, "recall_line": recall}
    assert counts.scores() == expected | {"iou": column == 10}  # which knows no distance


def test_iou_is_the_share_that_is_found_and_damaged():
    counts = FoundDamage()
    counts.add((line(10) | line(11) | line(12)) > 0, line(10) | line(20))
    assert counts.scores()["iou"] == 1 / 4


def test_groups_have_their_own_recall():
    counts = FoundDamage()
    counts.add(line(10) > 0, np.maximum(line(10), line(30, group=4)))
    scores = counts.scores()
    assert (scores["recall"], scores["recall_line"], scores["recall_stain"]) == (0.5, 1, 0)


def test_false_alarms_are_a_share_of_undamaged_photographs():
    counts = FoundDamage()
    counts.add(line(10) > 0, line(0, group=0))
    assert counts.scores() == {"false_alarms": 1 / 40}


def test_nothing_is_near_an_empty_mask():
    assert not near(np.zeros((5, 5), bool), 3).any()
