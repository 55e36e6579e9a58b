import cv2
import numpy as np
import pytest

from rechroma import metrics
from rechroma.evaluation.baselines import BASELINES, MEAN_HUES
from rechroma.evaluation.intervals import (
    DIFFERENCE,
    OURS,
    Interval,
    bootstrap_interval,
    score_table,
    summarize_scores,
)
from rechroma.imaging.hue import fold_gray, hue_histogram


@pytest.fixture
def scores(test_photos, perfect):
    """The scores of a perfect restorer and of the baselines, with the true masks."""
    return {
        name: [
            metrics.score(photo.target, restore(photo.damaged, photo.mask), photo.mask)
            for photo in test_photos
        ]
        for name, restore in {OURS: perfect, **BASELINES}.items()
    }


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_an_interval_is_the_percentile_bootstrap_of_the_mean(evaluate_settings, confidence):
    generator = np.random.default_rng(3)
    values = generator.gamma(2.0, size=40)
    means = values[generator.integers(0, 40, (20_000, 40))].mean(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    settings = evaluate_settings(resamples=20_000, confidence=confidence)
    interval = bootstrap_interval(values.tolist(), settings, seed=1)
    assert interval.mean == pytest.approx(values.mean())
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.04 * (high - low))


@pytest.mark.parametrize("values", [[0.3], [0.3, 0.3, 0.3]])
def test_without_spread_the_interval_is_the_mean(evaluate_settings, values):
    assert bootstrap_interval(values, evaluate_settings(), seed=1) == pytest.approx((0.3, 0.3, 0.3))


def test_differences_to_the_best_baseline_are_taken_photograph_by_photograph(
    test_photos, scores, evaluate_settings, uniform_hues
):
    targets = [photo.target for photo in test_photos]
    table = summarize_scores(scores, targets, evaluate_settings(), 1, uniform_hues)
    for part in metrics.Scores._fields:
        best = max(BASELINES, key=lambda name: table[name][part].mean)
        baseline = [getattr(by_photo, part) for by_photo in scores[best]]
        if part == "hue" and table[MEAN_HUES]["hue"].mean > table[best]["hue"].mean:
            folded = fold_gray(uniform_hues)
            baseline = [metrics.hue_of_histogram(target, folded) for target in targets]
        expected = bootstrap_interval([1 - value for value in baseline], evaluate_settings(), 1)
        assert table[DIFFERENCE.format(OURS)][part] == pytest.approx(expected, abs=1e-6)


def test_the_mean_hues_are_a_baseline_of_the_hue_alone(test_photos, scores, evaluate_settings):
    targets = [photo.target for photo in test_photos]
    hues = np.mean([hue_histogram(target) for target in targets], axis=0)
    table = summarize_scores(scores, targets, evaluate_settings(), 1, hues)
    expected = [
        np.corrcoef(fold_gray(hues), fold_gray(hue_histogram(target)))[0, 1] for target in targets
    ]
    assert list(table[MEAN_HUES]) == ["hue"]
    assert table[MEAN_HUES]["hue"].mean == pytest.approx(np.mean(expected), abs=1e-5)


def test_without_baselines_there_are_no_differences(scores, evaluate_settings):
    table = summarize_scores({OURS: scores[OURS]}, [], evaluate_settings(), 1, None)
    assert list(table) == [OURS]


def test_the_table_has_a_row_for_each_method_and_blanks_for_parts_it_lacks():
    interval = Interval(0.4911, 0.4238, 0.5644)
    table = {OURS: dict.fromkeys(metrics.Scores._fields, interval), MEAN_HUES: {"hue": interval}}
    assert score_table(table).splitlines() == [
        "| method | score | ssim | masked_ssim | hue |",
        "| --- | --- | --- | --- | --- |",
        f"| ours |{' 0.491 (0.424…0.564) |' * 4}",
        "| mean hues |  |  |  | 0.491 (0.424…0.564) |",
    ]


def test_opencv_agrees_on_the_hue_of_a_histogram(photo):
    other = cv2.GaussianBlur(photo, (0, 0), 3)
    hue = metrics.hue_of_histogram(photo, fold_gray(hue_histogram(other)))
    assert hue == pytest.approx(metrics.hue(photo, other), abs=1e-6)
