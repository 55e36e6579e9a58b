import json

import cv2
import numpy as np
import pytest

from rechroma import metrics
from rechroma.data.prepared import HeldOutPhoto, read_held_out
from rechroma.errors import UserError
from rechroma.evaluation.baselines import BASELINES, MEAN_HUES
from rechroma.evaluation.compare import compare_models, write_comparison
from rechroma.evaluation.held_out import draw_held_out
from rechroma.evaluation.intervals import DIFFERENCE
from rechroma.imaging.color import to_luma
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.hue import fold_gray, hue_histogram
from rechroma.imaging.io import read_color, write_png
from rechroma.preparation.sources import Rejected


@pytest.fixture
def folder(tmp_path, photo):
    """Three photographs in color, one of them too small, and a file that is none."""
    for number in range(2):
        write_png(tmp_path / "in" / f"{number}.png", np.roll(photo, 9 * number, axis=1))
    write_png(tmp_path / "in" / "small.png", photo[:40, :40])
    (tmp_path / "in" / "broken.png").write_bytes(b"no picture")
    return tmp_path / "in"


@pytest.fixture
def knobs(make_settings, folder):
    return make_settings(
        **{"data.source": "photos", "data.path": str(folder), "data.size": 64}
        | {"evaluate.resamples": 100}
    )


def test_every_sound_photograph_is_damaged_as_the_pipeline_does(knobs, folder):
    found = list(draw_held_out(knobs, folder))
    sound = [each for each in found if isinstance(each, HeldOutPhoto)]
    rejected = {each.file: each.reason for each in found if isinstance(each, Rejected)}
    assert [each.id for each in sound] == ["0", "1"]
    assert set(rejected) == {"small.png", "broken.png"}
    assert "40x40 px, expected 64 px" in rejected["small.png"]
    for each in sound:
        assert each.target.shape == (64, 64, 3)
        gray = to_luma(each.target)
        np.testing.assert_array_equal(each.damaged[~each.mask], gray[~each.mask])
    again = [each for each in draw_held_out(knobs, folder) if isinstance(each, HeldOutPhoto)]
    np.testing.assert_array_equal(again[1].mask, sound[1].mask)


def test_models_and_baselines_are_judged_on_the_same(prepared, knobs, tmp_path):
    shown = list(read_held_out(prepared, "test"))
    targets = {each.damaged.tobytes(): each.target for each in shown}
    models = {
        "perfect": lambda damaged, _: targets[damaged.tobytes()],
        "gray": BASELINES["gray, soft Telea"],
    }
    table, pictures = compare_models(shown, models, knobs.evaluate, 1, shown=2)
    aheads = [DIFFERENCE.format(name) for name in ("perfect", "gray")]
    assert list(table) == ["perfect", "gray", *BASELINES, *aheads]
    assert table["perfect"]["score"].mean == pytest.approx(1, abs=1e-6)
    gray = [
        metrics.score(
            each.target,
            BASELINES["gray, soft Telea"](each.damaged, find_damage(each.damaged)),
            each.mask,
        )
        for each in shown
    ]
    assert table["gray"]["score"].mean == pytest.approx(metrics.mean_scores(gray).score)
    write_comparison(table, pictures, tmp_path / "out", "three")
    written = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert written["gray"]["hue"][0] == pytest.approx(table["gray"]["hue"].mean, abs=1e-6)
    assert (tmp_path / "out" / "table.md").read_text().startswith("three\n\n| method |")
    assert read_color(tmp_path / "out" / "pictures.png").shape[1] > 3 * 64


def test_the_mean_hues_are_a_baseline_of_hue_alone(prepared, knobs):
    shown = list(read_held_out(prepared, "test"))
    hues = np.mean([hue_histogram(each.target) for each in shown], axis=0)
    table, pictures = compare_models(shown, {}, knobs.evaluate, 1, hues)
    assert pictures is None
    expected = [
        np.corrcoef(fold_gray(hues), fold_gray(hue_histogram(each.target)))[0, 1] for each in shown
    ]
    assert list(table[MEAN_HUES]) == ["hue"]
    assert table[MEAN_HUES]["hue"].mean == pytest.approx(np.mean(expected), abs=1e-5)


def test_nothing_to_judge_is_told(knobs):
    with pytest.raises(UserError, match="no photographs to judge on"):
        compare_models([], {}, knobs.evaluate, 1)


def test_opencv_agrees_on_the_hue_of_a_histogram(photo):
    other = cv2.GaussianBlur(photo, (0, 0), 3)
    found = metrics.hue_of_histogram(photo, fold_gray(hue_histogram(other)))
    assert found == pytest.approx(metrics.hue(photo, other), abs=1e-6)
