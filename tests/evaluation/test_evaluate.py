import csv
import json

import cv2
import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import jaccard_score

from rechroma import metrics
from rechroma.data.prepared import HeldOutPhoto, read_held_out
from rechroma.errors import UserError
from rechroma.evaluation.baselines import BASELINES, MEAN_HUES
from rechroma.evaluation.evaluate import evaluate, evaluate_photo
from rechroma.evaluation.intervals import DIFFERENCE, OURS, bootstrap_interval, summarize_scores
from rechroma.imaging.color import to_luma
from rechroma.imaging.grid import SIDE, strip
from rechroma.imaging.hue import fold_gray
from rechroma.imaging.io import read_color

IN_GRAY = BASELINES["gray, soft Telea"]


@pytest.fixture
def test_photos(prepared):
    return list(read_held_out(prepared, "test"))


@pytest.fixture
def knobs(make_settings):
    def make(**changes):
        changes = {f"evaluate.{name}": value for name, value in changes.items()}
        return make_settings(**({"evaluate.resamples": 100} | changes)).evaluate

    return make


def perfect(shown):
    """A restorer that knows every target."""
    targets = {photo.damaged.tobytes(): photo.target for photo in shown}
    return lambda damaged, _: targets[damaged.tobytes()]


def rows(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_same_seed_gives_the_same_reports(test_photos, knobs, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        evaluate(test_photos, IN_GRAY, knobs(), seed, tmp_path / name)
    for report in ("metrics.json", "photos.csv", "table.md", "strips/best.png"):
        assert (tmp_path / "a" / report).read_bytes() == (tmp_path / "b" / report).read_bytes()
    first, other = (json.loads((tmp_path / run / "metrics.json").read_text()) for run in "ac")
    assert first["interval"] != other["interval"]
    assert first["score"] == other["score"]


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_an_interval_is_the_percentile_bootstrap_of_the_mean(knobs, confidence):
    generator = np.random.default_rng(3)
    values = generator.gamma(2.0, size=40)
    means = values[generator.integers(0, 40, (20_000, 40))].mean(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    found = bootstrap_interval(
        values.tolist(), knobs(resamples=20_000, confidence=confidence), seed=1
    )
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.04 * (high - low))


@pytest.mark.parametrize("values", [[0.3], [0.3, 0.3, 0.3]])
def test_without_spread_the_interval_is_the_mean(knobs, values):
    assert bootstrap_interval(values, knobs(), seed=1) == pytest.approx((0.3, 0.3, 0.3))


def test_a_perfect_restorer_gets_one_in_every_part(test_photos, knobs, tmp_path):
    table = evaluate(test_photos, perfect(test_photos), knobs(), 1, tmp_path)
    written_metrics = json.loads((tmp_path / "metrics.json").read_text())
    for part in metrics.Scores._fields:
        assert table[OURS][part] == pytest.approx((1, 1, 1), abs=1e-6)
        assert written_metrics[part] == 1
        assert written_metrics["interval"][part] == [1, 1]
    assert written_metrics["photos"] == 3


def test_the_table_sets_the_baselines_beside_the_model(test_photos, knobs, tmp_path):
    table = evaluate(test_photos, perfect(test_photos), knobs(), 1, tmp_path)
    assert list(table) == [OURS, *BASELINES, DIFFERENCE.format(OURS)]
    untouched = metrics.mean_scores(
        [
            metrics.score(photo.target, np.dstack([photo.damaged] * 3), photo.mask)
            for photo in test_photos
        ]
    )
    assert [found.mean for found in table["input as it is"].values()] == pytest.approx(untouched)
    lines = (tmp_path / "table.md").read_text(encoding="utf-8").splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == [f"| {method}" for method in table]
    assert lines[2].startswith(f"| {OURS} | 1.000 (1.000…1.000) |")


def test_being_ahead_is_judged_photograph_by_photograph(test_photos, knobs):
    hues = np.full(181, 1 / 181, np.float32)
    targets = [photo.target for photo in test_photos]
    scores = {
        name: [
            metrics.score(photo.target, method(photo.damaged, photo.mask), photo.mask)
            for photo in test_photos
        ]
        for name, method in {OURS: perfect(test_photos), **BASELINES}.items()
    }
    table = summarize_scores(scores, targets, knobs(), 1, hues)
    for part in metrics.Scores._fields:
        best = max(BASELINES, key=lambda name: table[name][part].mean)
        rival = [getattr(each, part) for each in scores[best]]
        if part == "hue" and table[MEAN_HUES]["hue"].mean > table[best]["hue"].mean:
            rival = [metrics.hue_of_histogram(target, fold_gray(hues)) for target in targets]
        expected = [1 - value for value in rival]
        assert table[DIFFERENCE.format(OURS)][part] == pytest.approx(
            bootstrap_interval(expected, knobs(), 1), abs=1e-6
        )


def test_every_photograph_has_a_row_for_each_method(test_photos, knobs, tmp_path):
    evaluate(test_photos, IN_GRAY, knobs(), 1, tmp_path)
    written = rows(tmp_path / "photos.csv")
    assert [(row["id"], row["method"]) for row in written] == [
        (photo.id, method) for photo in test_photos for method in (OURS, *BASELINES)
    ]
    lost = [float(row["lost_share"]) for row in written if row["method"] == OURS]
    assert lost == pytest.approx([photo.mask.mean() for photo in test_photos], abs=1e-6)
    written_metrics = json.loads((tmp_path / "metrics.json").read_text())
    for part in (*metrics.Scores._fields, "mask_iou"):
        ours = [float(row[part]) for row in written if row["method"] == OURS]
        assert np.mean(ours) == pytest.approx(written_metrics[part], abs=2e-6)


def test_strips_show_the_best_the_middle_and_the_worst(test_photos, knobs, tmp_path, monkeypatch):
    shown = []
    draw = strip
    monkeypatch.setattr(
        "rechroma.evaluation.evaluate.strip", lambda rows: shown.append(rows) or draw(rows)
    )
    evaluate(test_photos, IN_GRAY, knobs(strip_photos=1), 1, tmp_path)
    ranked = sorted(
        (row for row in rows(tmp_path / "photos.csv") if row["method"] == OURS),
        key=lambda row: -float(row["score"]),
    )
    captions = [f"{row['id']}: score {float(row['score']):.3f}" for row in ranked]
    assert [[row.caption for row in strip] for strip in shown] == [[each] for each in captions]
    for name in ("best", "middle", "worst"):
        with Image.open(tmp_path / "strips" / f"{name}.png") as picture:
            assert picture.mode == "RGB"


def test_more_strips_than_photographs_show_them_all(test_photos, knobs, tmp_path):
    evaluate(test_photos, IN_GRAY, knobs(strip_photos=9), 1, tmp_path)
    heights = {read_color(path).shape[0] for path in (tmp_path / "strips").iterdir()}
    assert len(heights) == 1
    assert heights.pop() > 3 * SIDE


def test_without_photographs_there_is_one_clear_message(knobs, tmp_path):
    with pytest.raises(UserError, match=r"no test photographs, raise data\.test"):
        evaluate([], IN_GRAY, knobs(), 1, tmp_path / "reports")
    assert not (tmp_path / "reports").exists()


def damaged_on(target, level):
    mask = np.zeros(target.shape[:2], bool)
    mask[20:50, 30:70] = True
    gray = to_luma(target)
    damaged = np.where(mask, level, np.where(gray == level, gray + 1, gray)).astype(np.uint8)
    return HeldOutPhoto("one", target, damaged, mask)


def test_damage_is_found_not_known_but_the_true_mask_is_scored(photo):
    seen = []

    def restore(damaged, mask):
        seen.append((damaged, mask))
        return photo

    shown = damaged_on(photo, 60)
    found = shown.mask
    shown = shown._replace(mask=np.roll(found, 10, axis=0))
    judged = evaluate_photo(shown, restore)
    assert len(seen) == 1
    assert np.array_equal(seen[0][0], shown.damaged)
    assert np.array_equal(seen[0][1], found)
    assert judged.mask_iou == pytest.approx(jaccard_score(shown.mask.ravel(), found.ravel()))
    filled = cv2.inpaint(shown.damaged, found.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    expected = metrics.score(photo, np.dstack([filled] * 3), shown.mask)
    assert judged.scores["gray, Telea"] == pytest.approx(expected)


@pytest.mark.parametrize(("level", "found"), [(200, 0.0), (60, 1.0)])
def test_only_visible_damage_can_be_found(level, found):
    plain = np.full((96, 128, 3), 200, np.uint8)
    shown = damaged_on(plain, 60)
    shown = shown._replace(damaged=np.where(shown.mask, level, 200).astype(np.uint8))
    assert evaluate_photo(shown, IN_GRAY).mask_iou == found


def test_where_nothing_is_lost_and_nothing_found_the_masks_agree(photo):
    whole = HeldOutPhoto("one", photo, to_luma(photo), np.zeros(photo.shape[:2], bool))
    assert evaluate_photo(whole, IN_GRAY).mask_iou == 1


def test_every_baseline_is_gray_and_of_the_photographs_size(photo):
    shown = damaged_on(photo, 60)
    for restore in BASELINES.values():
        restored = restore(shown.damaged, shown.mask)
        assert restored.shape == photo.shape
        assert (restored == restored[..., :1]).all()
