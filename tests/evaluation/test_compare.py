import json

import pytest

from rechroma import metrics
from rechroma.errors import UserError
from rechroma.evaluation.baselines import BASELINES, MEAN_HUES
from rechroma.evaluation.compare import compare_models, write_comparison
from rechroma.evaluation.intervals import DIFFERENCE
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.io import read_color

IN_GRAY = BASELINES["gray, soft Telea"]


def test_models_and_baselines_are_scored_on_the_same_photographs(
    test_photos, perfect, evaluate_settings
):
    models = {"perfect": perfect, "gray": IN_GRAY}
    table, _ = compare_models(test_photos, models, evaluate_settings(), 1)
    differences = [DIFFERENCE.format(name) for name in models]
    assert list(table) == ["perfect", "gray", *BASELINES, *differences]
    assert table["perfect"]["score"].mean == pytest.approx(1, abs=1e-6)
    expected = [
        metrics.score(photo.target, IN_GRAY(photo.damaged, find_damage(photo.damaged)), photo.mask)
        for photo in test_photos
    ]
    assert table["gray"]["score"].mean == pytest.approx(metrics.mean_scores(expected).score)


def test_table_scores_and_pictures_are_written(test_photos, perfect, evaluate_settings, tmp_path):
    table, pictures = compare_models(
        test_photos, {"perfect": perfect}, evaluate_settings(), 1, shown=2
    )
    write_comparison(table, pictures, tmp_path / "out", "three")
    written = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert written["perfect"]["hue"] == pytest.approx(table["perfect"]["hue"], abs=1e-6)
    assert (tmp_path / "out" / "table.md").read_text().startswith("three\n\n| method |")
    assert read_color(tmp_path / "out" / "pictures.png").shape[1] > 3 * 64


def test_baselines_can_be_compared_without_models(test_photos, evaluate_settings, uniform_hues):
    table, pictures = compare_models(test_photos, {}, evaluate_settings(), 1, uniform_hues)
    assert list(table) == [*BASELINES, MEAN_HUES]
    assert pictures is None


def test_without_photographs_the_error_is_one_clear_message(evaluate_settings):
    with pytest.raises(UserError, match="no photographs to evaluate on"):
        compare_models([], {}, evaluate_settings(), 1)
