import csv
import json

import cv2
import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import jaccard_score

from rechroma import metrics
from rechroma.data.prepared import HeldOutPhoto
from rechroma.errors import UserError
from rechroma.evaluation.baselines import BASELINES
from rechroma.evaluation.evaluate import evaluate, evaluate_photo, mean_test_scores
from rechroma.evaluation.intervals import DIFFERENCE, OURS
from rechroma.imaging.color import to_luma
from rechroma.imaging.grid import SIDE, strip
from rechroma.imaging.io import read_color

IN_GRAY = BASELINES["gray, soft Telea"]


def read_rows(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def damaged_photo(target, level):
    """`target` in gray, with a hole filled with the gray `level`, which is nowhere else."""
    mask = np.zeros(target.shape[:2], bool)
    mask[20:50, 30:70] = True
    gray = to_luma(target)
    damaged = np.where(mask, level, np.where(gray == level, gray + 1, gray)).astype(np.uint8)
    return HeldOutPhoto("one", target, damaged, mask)


def test_the_same_seed_gives_the_same_reports(test_photos, evaluate_settings, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        evaluate(test_photos, {"score": IN_GRAY}, evaluate_settings(), seed, tmp_path / name)
    for report in ("metrics.json", "photos.csv", "table.md", "strips/best.png"):
        assert (tmp_path / "a" / report).read_bytes() == (tmp_path / "b" / report).read_bytes()
    first, other = (json.loads((tmp_path / run / "metrics.json").read_text()) for run in "ac")
    assert first["interval"] != other["interval"]
    assert first["score"] == other["score"]


def test_a_perfect_restorer_gets_one_in_every_part(
    test_photos, perfect, evaluate_settings, tmp_path
):
    table = evaluate(test_photos, {"score": perfect}, evaluate_settings(), 1, tmp_path)
    written = json.loads((tmp_path / "metrics.json").read_text())
    for part in metrics.Scores._fields:
        assert table[OURS][part] == pytest.approx((1, 1, 1), abs=1e-6)
        assert written[part] == 1
        assert written["interval"][part] == [1, 1]
    assert written["photos"] == 3
    assert mean_test_scores(test_photos, perfect) == pytest.approx((1, 1, 1, 1))


def test_the_table_has_the_baselines_beside_the_model(
    test_photos, perfect, evaluate_settings, tmp_path
):
    table = evaluate(test_photos, {"score": perfect}, evaluate_settings(), 1, tmp_path)
    assert list(table) == [OURS, *BASELINES, DIFFERENCE.format(OURS)]
    untouched = metrics.mean_scores(
        [
            metrics.score(photo.target, np.dstack([photo.damaged] * 3), photo.mask)
            for photo in test_photos
        ]
    )
    means = [interval.mean for interval in table["input as it is"].values()]
    assert means == pytest.approx(untouched)
    lines = (tmp_path / "table.md").read_text(encoding="utf-8").splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == [f"| {method}" for method in table]
    assert lines[2].startswith(f"| {OURS} | 1.000 (1.000…1.000) |")


def test_photos_csv_has_a_row_for_each_photograph_and_method(
    test_photos, evaluate_settings, tmp_path
):
    evaluate(test_photos, {"score": IN_GRAY}, evaluate_settings(), 1, tmp_path)
    rows = read_rows(tmp_path / "photos.csv")
    assert [(row["id"], row["method"]) for row in rows] == [
        (photo.id, method) for photo in test_photos for method in (OURS, *BASELINES)
    ]
    lost = [float(row["lost_share"]) for row in rows if row["method"] == OURS]
    assert lost == pytest.approx([photo.mask.mean() for photo in test_photos], abs=1e-6)
    written = json.loads((tmp_path / "metrics.json").read_text())
    for part in (*metrics.Scores._fields, "mask_iou"):
        ours = [float(row[part]) for row in rows if row["method"] == OURS]
        assert np.mean(ours) == pytest.approx(written[part], abs=2e-6)


AIM_EYE = "ours, aim eye"


def test_each_aim_has_its_rows_and_the_first_is_ours(
    test_photos, perfect, evaluate_settings, tmp_path
):
    table = evaluate(
        test_photos, {"score": perfect, "eye": IN_GRAY}, evaluate_settings(), 1, tmp_path
    )
    differences = [DIFFERENCE.format(row) for row in (OURS, AIM_EYE)]
    assert list(table) == [OURS, AIM_EYE, *BASELINES, *differences]
    assert table[AIM_EYE] == table["gray, soft Telea"]
    written = json.loads((tmp_path / "metrics.json").read_text())
    aims = written["aims"]
    assert list(aims) == ["eye", "score"]
    for part in metrics.Scores._fields:
        assert written[part] == aims["score"][part]
        assert aims["eye"][part] == pytest.approx(table[AIM_EYE][part].mean, abs=1e-6)
        assert aims["eye"]["interval"][part][0] <= aims["eye"][part]
    methods = {row["method"] for row in read_rows(tmp_path / "photos.csv")}
    assert methods == {OURS, AIM_EYE, *BASELINES}


@pytest.mark.parametrize(("wanted", "measured"), [(2, 2), (9, 3), (0, 0)])
def test_appearance_of_some_photographs_is_beside_the_scores(
    test_photos, perfect, evaluate_settings, tmp_path, plain_encoder, wanted, measured
):
    settings = evaluate_settings(appearance_photos=wanted)
    table = evaluate(test_photos, {"score": perfect}, settings, 1, tmp_path)
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert written["appearance_photos"] == measured
    text = (tmp_path / "table.md").read_text(encoding="utf-8")
    assert ("rainbow: of 2 of the 3 photographs" in text) == (measured == 2)
    assert ("| hue | feature_distance | colorfulness | rainbow |" in text) == (measured > 0)
    assert plain_encoder.seen == measured * (2 + len(BASELINES))  # with the target
    if measured:
        assert written["aims"]["score"]["feature_distance"] == 0
        assert written["aims"]["score"]["interval"]["colorfulness"] == [1, 1]
        assert table["gray, Telea"]["feature_distance"].mean > 0
        assert "rainbow" not in table["gray, Telea"]
        assert table[DIFFERENCE.format(OURS)].keys() == set(metrics.Scores._fields)
    assert set(metrics.Scores._fields) == written["interval"].keys()


def test_without_the_encoder_there_is_no_appearance(
    test_photos, perfect, evaluate_settings, tmp_path, monkeypatch
):
    monkeypatch.setattr("rechroma.models.imagenet.has_package", lambda _: False)
    evaluate(test_photos, {"score": perfect}, evaluate_settings(), 1, tmp_path)
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert written["appearance_photos"] == 0
    assert written["aims"]["score"].keys() == {*metrics.Scores._fields, "interval"}


def test_strips_show_the_best_the_middle_and_the_worst(
    test_photos, evaluate_settings, tmp_path, monkeypatch
):
    strips = []
    monkeypatch.setattr(
        "rechroma.evaluation.evaluate.strip", lambda rows: strips.append(rows) or strip(rows)
    )
    evaluate(test_photos, {"score": IN_GRAY}, evaluate_settings(strip_photos=1), 1, tmp_path)
    ranked = sorted(
        (row for row in read_rows(tmp_path / "photos.csv") if row["method"] == OURS),
        key=lambda row: -float(row["score"]),
    )
    captions = [f"{row['id']}: score {float(row['score']):.3f}" for row in ranked]
    assert [[row.caption for row in rows] for rows in strips] == [[text] for text in captions]
    for name in ("best", "middle", "worst"):
        with Image.open(tmp_path / "strips" / f"{name}.png") as picture:
            assert picture.mode == "RGB"


def test_strips_show_all_photographs_if_more_are_wanted(test_photos, evaluate_settings, tmp_path):
    evaluate(test_photos, {"score": IN_GRAY}, evaluate_settings(strip_photos=9), 1, tmp_path)
    heights = {read_color(path).shape[0] for path in (tmp_path / "strips").iterdir()}
    assert len(heights) == 1
    assert heights.pop() > 3 * SIDE


def test_without_photographs_the_error_is_one_clear_message(evaluate_settings, tmp_path):
    with pytest.raises(UserError, match=r"no test photographs, raise data\.test"):
        evaluate([], {"score": IN_GRAY}, evaluate_settings(), 1, tmp_path / "reports")
    assert not (tmp_path / "reports").exists()


def test_restoring_uses_the_detected_mask_and_scoring_the_true_one(photo):
    calls = []

    def restore(damaged, mask):
        calls.append((damaged, mask))
        return photo

    held_out = damaged_photo(photo, 60)
    detected = held_out.mask
    held_out = held_out._replace(mask=np.roll(detected, 10, axis=0))
    result = evaluate_photo(held_out, {OURS: restore})
    ((damaged, mask),) = calls
    np.testing.assert_array_equal(damaged, held_out.damaged)
    np.testing.assert_array_equal(mask, detected)
    assert result.mask_iou == pytest.approx(jaccard_score(held_out.mask.ravel(), detected.ravel()))
    filled = cv2.inpaint(damaged, detected.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    expected = metrics.score(photo, np.dstack([filled] * 3), held_out.mask)
    assert result.scores["gray, Telea"] == pytest.approx(expected)


@pytest.mark.parametrize(("contrast", "level", "iou"), [(0, 200, 0.0), (10, 60, 1.0)])
def test_only_visible_damage_can_be_detected(contrast, level, iou):
    noise = np.random.default_rng(0).integers(-contrast, contrast, (96, 128), endpoint=True)
    gray = (200 + noise).astype(np.uint8)
    held_out = damaged_photo(np.dstack([gray] * 3), 60)
    damaged = np.where(held_out.mask, level, gray).astype(np.uint8)
    assert evaluate_photo(held_out._replace(damaged=damaged), {OURS: IN_GRAY}).mask_iou == iou


def test_two_empty_masks_agree(photo):
    intact = HeldOutPhoto("one", photo, to_luma(photo), np.zeros(photo.shape[:2], bool))
    assert evaluate_photo(intact, {OURS: IN_GRAY}).mask_iou == 1
