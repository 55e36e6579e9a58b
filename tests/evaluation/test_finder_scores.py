import json

import numpy as np
import pytest

from rechroma.evaluation.finder_scores import (
    MIXED,
    PHOTOGRAPH,
    PRINT,
    count_by_hand,
    count_drawn,
    draw_kinds,
    find_by_methods,
    finder_table,
    summarize,
    top_hat,
    write_finder_report,
)
from rechroma.imaging.print_damage import GROUPS, KINDS


@pytest.fixture
def settings(make_settings):
    return make_settings().print_damage


def silent(lumas):
    """A network that finds nothing."""
    return np.zeros((len(lumas), 4, *lumas.shape[1:]), np.float32)


def test_each_kind_is_drawn_and_nothing_on_undamaged_ones(luma, settings):
    drawings = list(draw_kinds(luma, settings, [1]))
    assert [each.kind for each in drawings] == [*KINDS, MIXED, PRINT, PHOTOGRAPH]
    for each in drawings:
        found = set(np.unique(each.groups)) - {0}
        if each.kind in KINDS:
            assert found <= {1 + GROUPS.index(KINDS[each.kind].group)}
        elif each.kind in (PRINT, PHOTOGRAPH):
            assert not found
    assert np.array_equal(drawings[-1].luma, luma)


def test_what_is_drawn_of_a_kind_depends_on_the_seed_alone(luma, settings):
    together = {each.kind: each for each in draw_kinds(luma, settings, [1, 2])}
    (alone,) = draw_kinds(luma, settings, [1, 2], ["crack"])
    (other,) = draw_kinds(luma, settings, [1, 3], ["crack"])
    assert np.array_equal(alone.luma, together["crack"].luma)
    assert not np.array_equal(alone.luma, other.luma)


def test_a_perfect_finder_has_the_best_scores_and_a_silent_one_none(luma, settings):
    truth = {each.luma.tobytes(): each.groups > 0 for each in draw_kinds(luma, settings, [1, 0])}
    methods = {"perfect": lambda luma: truth[luma.tobytes()], "silent": np.zeros_like}

    def find(luma):
        return {name: method(luma) > 0 for name, method in methods.items()}

    scores = summarize(count_drawn([luma], find, settings, 1))
    assert scores["perfect"][MIXED] == {"recall": 1, "precision": 1, "iou": 1}
    assert scores["silent"][MIXED] == {"recall": 0, "iou": 0}
    assert scores["silent"][PRINT] == scores["silent"][PHOTOGRAPH] == {"false_alarms": 0}


def test_methods_are_the_network_at_each_sensitivity_and_two_baselines(luma):
    assert list(find_by_methods(silent)(luma)) == ["network", "top-hat", "flat rule"]
    several = find_by_methods(silent, (0.3, 0.5))(luma)
    assert list(several) == ["network 0.3", "network 0.5", "top-hat", "flat rule"]


def test_masks_by_hand_are_one_kind_and_empty_ones_are_undamaged(luma):
    mask = np.zeros(luma.shape, bool)
    mask[10:20, 10:20] = True
    counts = count_by_hand([(luma, mask), (luma, ~mask & False)], find_by_methods(silent), "hand")
    scores = summarize(counts)["network"]
    assert scores == {"hand": {"recall": 0, "iou": 0}, PHOTOGRAPH: {"false_alarms": 0}}


def test_the_top_hat_finds_a_thin_line_and_no_slope():
    luma = np.tile(np.arange(60, dtype=np.uint8), (60, 1))
    luma[:, 30] = 200
    assert np.array_equal(np.flatnonzero(top_hat(luma).any(axis=0)), [30])


def test_the_report_is_by_method_and_kind(tmp_path):
    scores = {"top-hat": {"all kinds": {"recall": 0.5}, "dust": {"recall": 0.1}}}
    write_finder_report(tmp_path / "finder.json", scores, 7)
    assert json.loads((tmp_path / "finder.json").read_text(encoding="utf-8")) == {
        "photos": 7,
        "top_hat": {"all_kinds": {"recall": 0.5}, "dust": {"recall": 0.1}},
    }


def test_a_score_that_says_nothing_is_none_in_the_table():
    assert "| dust | 0.00 / none / 0.00 |" in finder_table({"x": {"dust": {"recall": 0, "iou": 0}}})
