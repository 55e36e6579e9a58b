import numpy as np
import pytest

from rechroma.evaluation import appearance as measures
from rechroma.evaluation.appearance import Appearance
from rechroma.evaluation.appearance_table import (
    appearance_table,
    compare_appearance,
    summarize_appearance,
)
from rechroma.evaluation.baselines import BASELINES

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


def test_models_are_beside_the_baselines(test_photos, perfect, evaluate_settings, monkeypatch):
    monkeypatch.setattr(
        measures, "imagenet_features", lambda _: lambda photo: [photo.transpose(2, 0, 1) + 1.0]
    )
    table = compare_appearance(test_photos, {"mine": perfect}, evaluate_settings(), 1)
    assert list(table) == ["mine", *BASELINES]
    assert table["mine"]["feature_distance"].mean == 0
    assert table["mine"]["colorfulness"].mean == pytest.approx(1)
    for baseline in BASELINES:
        assert table[baseline]["feature_distance"].mean > 0
        assert np.isclose(table[baseline]["colorfulness"].mean, 0)
    lines = appearance_table(table).splitlines()
    assert lines[2].startswith("| mine | 0.000 (0.000…0.000) | 1.000 (1.000…1.000) |")
    assert len(lines) == 2 + len(table)
