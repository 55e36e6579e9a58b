import numpy as np
import pytest

from rechroma.evaluation.appearance import Appearance
from rechroma.evaluation.appearance_table import (
    add_appearance,
    measure_appearance,
    summarize_appearance,
)
from rechroma.evaluation.baselines import BASELINES
from rechroma.evaluation.intervals import Interval, score_table

NAN = float("nan")


def test_distances_have_a_mean_and_ratios_a_median(evaluate_settings):
    results = [Appearance(0.1, 1.0, 0.5), Appearance(0.1, 0.8, 0.7), Appearance(0.4, 9.0, NAN)]
    summary = summarize_appearance(results, evaluate_settings(), 1)
    means = {measure: interval.mean for measure, interval in summary.items()}
    assert means == pytest.approx({"feature_distance": 0.2, "colorfulness": 1.0, "rainbow": 0.6})
    for interval in summary.values():
        assert interval.low < interval.mean < interval.high


def test_gray_photographs_have_no_rainbow(evaluate_settings):
    summary = summarize_appearance([Appearance(0.1, 0, NAN)] * 2, evaluate_settings(), 1)
    assert summary.keys() == {"feature_distance", "colorfulness"}


@pytest.mark.usefixtures("plain_encoder")
def test_models_are_measured_beside_baselines(test_photos, perfect):
    results = measure_appearance(test_photos, {"mine": perfect, **BASELINES}, limit=2)
    assert list(results) == ["mine", *BASELINES]
    assert results["mine"] == [pytest.approx((0, 1, 1))] * 2
    for baseline in BASELINES:
        for look in results[baseline]:
            assert look.feature_distance > 0
            assert np.isclose(look.colorfulness, 0)
            assert np.isnan(look.rainbow)


def test_measures_are_columns_after_the_scores(evaluate_settings):
    table = {"mine": {"hue": Interval(0.5, 0.4, 0.6)}, "other": {}}
    looks = {"mine": [Appearance(0.25, 0.5, NAN)], "nobody": [Appearance(1, 1, 1)]}
    both = add_appearance(table, looks, evaluate_settings(), 1)
    assert list(both) == ["mine", "other"]
    lines = score_table(both).splitlines()
    assert lines[0].endswith("| hue | feature_distance | colorfulness |")
    assert lines[2].endswith("| 0.500 (0.400…0.600) | 0.250 (0.250…0.250) | 0.500 (0.500…0.500) |")
