import csv
import json
import os
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.imaging.io import read_color, read_gray, write_png
from rechroma.imaging.resize import center_square
from rechroma.preparation.pairs import mask_from_pair
from rechroma.preparation.prepare import PrepareReport, prepare
from rechroma.settings import Settings

MakeSettings = Callable[..., Settings]


@pytest.fixture
def run(make_settings: MakeSettings, tmp_path: Path) -> Callable[..., PrepareReport]:
    """Prepare a source with tiles of 32 px into tmp_path/out."""

    def run(source: str, path: Path, **changes: Any) -> PrepareReport:
        changes = {"data.source": source, "data.size": 32} | changes
        settings = make_settings(**changes)
        return prepare(settings, path, tmp_path / "out/prepared", tmp_path / "out/prepare.json")

    return run


def photograph(number: int, height: int = 64, width: int = 64) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)


def write_folder(root: Path, count: int) -> Path:
    for number in range(count):
        write_png(root / f"{number:02}.png", photograph(number, 40 + number, 70))
    return root


def write_pair(root: Path, number: int, target: np.ndarray) -> None:
    damaged = to_luma(target)
    damaged[8 : 20 + number % 9, 10:30] = number
    write_png(root / f"train_gt/T_{number:02}.png", target)
    write_png(root / f"train_input/T_{number:02}.png", damaged)


def write_competition(root: Path, pairs: int, inputs: int = 2) -> Path:
    for number in range(pairs):
        write_pair(root, number, photograph(number))
    for number in range(inputs):
        write_png(root / f"test_input/E_{number}.png", to_luma(photograph(1000 + number)))
    rows = [f"./train_input/T_{n:02}.png,./train_gt/T_{n:02}.png" for n in range(pairs)]
    (root / "train.csv").write_text("\n".join(["input_image_path,gt_image_path", *rows]))
    rows = [f"./test_input/E_{number}.png" for number in range(inputs)]
    (root / "test.csv").write_text("\n".join(["input_image_path", *rows]))
    return root


def table(out: Path) -> list[dict[str, str]]:
    with (out / "prepared/photos.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def ids(out: Path, split: str) -> list[str]:
    return [row["id"] for row in table(out) if row["split"] == split]


def contents(folder: Path) -> dict[str, bytes]:
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def test_the_project_settings_prepare_the_sample(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    made = prepare(make_settings(), Path(), tmp_path / "prepared", tmp_path / "prepare.json")
    assert made.photos["train"] >= 250
    assert 15 <= made.photos["validation"] <= 40
    assert 15 <= made.photos["test"] <= 40
    assert not made.rejected
    with (tmp_path / "prepared/photos.csv").open(newline="") as file:
        splits_of = {(row["source"], row["split"]) for row in csv.DictReader(file)}
    assert len(splits_of) == 7


def test_training_tiles_are_in_the_order_of_the_table(
    run: Callable[..., PrepareReport], tmp_path: Path
) -> None:
    raw = write_folder(tmp_path / "raw", 12)
    made = run("photos", raw)
    tiles = np.load(tmp_path / "out/prepared/train.npy", mmap_mode="r")
    rows = [row for row in table(tmp_path / "out") if row["split"] == "train"]
    assert tiles.shape == (len(rows), 32, 32, 3)
    assert tiles.dtype == np.uint8
    for tile, row in zip(tiles, rows, strict=True):
        target = read_color(raw / row["source"])
        np.testing.assert_array_equal(tile, center_square(target, 32))
        assert (int(row["height"]), int(row["width"])) == target.shape[:2]
    assert made.photos["train"] == len(rows)
    assert [row["id"] for row in table(tmp_path / "out")] == [f"{n:02}" for n in range(12)]


def test_held_out_photographs_are_damaged_only_in_their_mask(
    run: Callable[..., PrepareReport], tmp_path: Path
) -> None:
    raw = write_folder(tmp_path / "raw", 12)
    run("photos", raw)
    for split in ("validation", "test"):
        folder = tmp_path / "out/prepared" / split
        names = ids(tmp_path / "out", split)
        assert names
        for kind in ("truth", "damaged", "masks"):
            assert sorted(file.stem for file in (folder / kind).iterdir()) == names
        for name in names:
            target = read_color(folder / f"truth/{name}.png")
            np.testing.assert_array_equal(
                target, center_square(read_color(raw / f"{name}.png"), 32)
            )
            damaged = read_gray(folder / f"damaged/{name}.png")
            lost = read_gray(folder / f"masks/{name}.png") == 255
            assert 0 < lost.sum() < lost.size
            np.testing.assert_array_equal(damaged[~lost], to_luma(target)[~lost])


def test_same_settings_same_bytes_and_another_seed_other_damage(
    run: Callable[..., PrepareReport], tmp_path: Path
) -> None:
    raw = write_folder(tmp_path / "raw", 12)
    outputs = []
    for seed in (1, 1, 2):
        run("photos", raw, seed=seed)
        outputs.append(contents(tmp_path / "out"))
    assert outputs[0] == outputs[1] != outputs[2]


def test_damage_of_a_photograph_does_not_depend_on_the_others(
    run: Callable[..., PrepareReport], tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    write_folder(raw / "train", 3)
    write_png(raw / "validation/v.png", photograph(50))
    run("photos", raw, **{"data.test": 0})
    before = contents(tmp_path / "out/prepared/validation")
    write_folder(raw / "train", 5)
    write_png(raw / "validation/a.png", photograph(51))
    run("photos", raw, **{"data.test": 0})
    after = contents(tmp_path / "out/prepared/validation")
    assert len(before) == 3
    assert before.items() < after.items()


def test_other_photographs_have_another_digest(
    run: Callable[..., PrepareReport], tmp_path: Path
) -> None:
    raw = write_folder(tmp_path / "raw", 12)
    run("photos", raw)
    first = json.loads((tmp_path / "out/prepared/dataset.json").read_text())
    assert (first["name"], first["size"]) == ("photos", 32)
    assert sum(first["photos"].values()) == 12
    for split in ("train", "test"):
        changed = raw / f"{ids(tmp_path / 'out', split)[0]}.png"
        target = read_color(changed)
        target[16:40, 20:40] = 255 - target[16:40, 20:40]
        write_png(changed, target)
        run("photos", raw)
        digest = json.loads((tmp_path / "out/prepared/dataset.json").read_text())["digest"]
        assert digest != first["digest"]
        first["digest"] = digest


def test_equal_photographs_are_one_group(run: Callable[..., PrepareReport], tmp_path: Path) -> None:
    raw = write_folder(tmp_path / "raw", 8)
    shutil.copy(raw / "01.png", raw / "copy.png")
    run("photos", raw)
    rows = {row["id"]: row for row in table(tmp_path / "out")}
    assert rows["copy"]["group"] == rows["01"]["group"] == "01"
    assert rows["copy"]["split"] == rows["01"]["split"]
    assert rows["02"]["group"] == "02"


def test_splits_of_the_source_are_kept_and_leaking_photographs_skipped(
    run: Callable[..., PrepareReport], tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    write_folder(raw / "train", 6)
    write_png(raw / "validation/v.png", photograph(2, 42, 70))
    made = run("photos", raw, **{"data.validation": 0.9, "data.test": 0.05})
    assert ids(tmp_path / "out", "validation") == ["validation-v"]
    assert made.photos == {"train": 4, "validation": 1, "test": 1, "unlabeled": 0}
    reason = "shares pixels with validation/v.png of validation"
    assert made.skipped == [("train/02.png", reason)]


def test_splits_of_the_source_that_leak_are_an_error(
    run: Callable[..., PrepareReport], tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    write_folder(raw / "train", 3)
    for split in ("validation", "test"):
        write_png(raw / f"{split}/same.png", photograph(77))
    with pytest.raises(UserError, match=r"test/same.png \(test\) and validation/same.png \(valid"):
        run("photos", raw)


def test_the_competitions_damage_is_kept_and_its_masks_are_computed(
    run: Callable[..., PrepareReport], tmp_path: Path
) -> None:
    raw = write_competition(tmp_path / "raw", 12)
    run("competition", raw)
    out = tmp_path / "out/prepared"
    assert ids(tmp_path / "out", "unlabeled") == ["E_0", "E_1"]
    np.testing.assert_array_equal(
        read_gray(out / "unlabeled/damaged/E_0.png"),
        read_gray(raw / "test_input/E_0.png"),
    )
    assert np.load(out / "train.npy").shape[1:] == (32, 32, 3)
    for name in ids(tmp_path / "out", "validation"):
        target = read_color(raw / f"train_gt/{name}.png")
        damaged = read_gray(raw / f"train_input/{name}.png")
        np.testing.assert_array_equal(read_color(out / f"validation/truth/{name}.png"), target)
        np.testing.assert_array_equal(read_gray(out / f"validation/damaged/{name}.png"), damaged)
        np.testing.assert_array_equal(
            read_gray(out / f"validation/masks/{name}.png") == 255,
            mask_from_pair(damaged, to_luma(target)),
        )


def test_crops_of_one_photograph_stay_in_one_split(
    run: Callable[..., PrepareReport], tmp_path: Path
) -> None:
    raw = write_competition(tmp_path / "raw", 12)
    for number in range(12):
        scene = photograph(100 + number // 3, 64, 64 * 4)
        left = 64 * (number % 3)
        write_pair(raw, number, scene[:, left : left + 128])
    for number in range(2):
        write_png(raw / f"test_input/E_{number}.png", photograph(number, 64, 128))
    run("competition", raw)
    rows = [row for row in table(tmp_path / "out") if row["split"] != "unlabeled"]
    assert Counter(row["group"] for row in rows) == dict.fromkeys(
        ["T_00", "T_03", "T_06", "T_09"], 3
    )
    assert len({(row["group"], row["split"]) for row in rows}) == 4


def test_the_archive_gives_the_same_bytes_as_its_folder(
    run: Callable[..., PrepareReport], tmp_path: Path
) -> None:
    raw = write_competition(tmp_path / "raw", 8)
    with zipfile.ZipFile(tmp_path / "open.zip", "w") as packed:
        for name, content in contents(raw).items():
            packed.writestr(f"open/{name}", content)
    run("competition", raw)
    from_folder = contents(tmp_path / "out")
    run("competition", tmp_path / "open.zip")
    assert contents(tmp_path / "out") == from_folder


def test_overlapping_crops_of_one_photograph_are_split_without_leak(
    run: Callable[..., PrepareReport], tmp_path: Path
) -> None:
    raw = write_competition(tmp_path / "raw", 7, inputs=0)
    (raw / "test.csv").unlink()
    scene = photograph(5, 64, 64 * 8)
    for number in range(7):
        write_pair(raw, number, scene[:, 64 * number : 64 * number + 128])
    made = run("competition", raw, **{"data.validation": 0.5, "data.test": 0})
    assert made.photos["train"] > 0
    assert made.photos["validation"] > 0
    assert len(made.skipped) == 1
    assert "joins photographs that go to different splits" in made.skipped[0].reason


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:300])


INVALID_PAIRS: dict[str, tuple[Callable[[Path], Any], str, str]] = {
    "truncated input": (
        lambda raw: truncate(raw / "train_input/T_03.png"),
        "train_input/T_03.png",
        "cannot be read",
    ),
    "truncated original": (
        lambda raw: truncate(raw / "train_gt/T_03.png"),
        "train_gt/T_03.png",
        "cannot be read",
    ),
    "truncated test input": (
        lambda raw: truncate(raw / "test_input/E_1.png"),
        "test_input/E_1.png",
        "cannot be read",
    ),
    "missing partner": (
        lambda raw: (raw / "train_gt/T_03.png").unlink(),
        "train_gt/T_03.png",
        "is missing",
    ),
    "another size than the others": (
        lambda raw: write_pair(raw, 3, photograph(3, 80, 80)),
        "train_input/T_03.png",
        "is 80x80 px, most are 64x64 px",
    ),
    "test input of another size": (
        lambda raw: write_png(raw / "test_input/E_1.png", photograph(3, 50, 60)),
        "test_input/E_1.png",
        "is 60x50 px, most are 64x64 px",
    ),
    "too small": (
        lambda raw: write_pair(raw, 3, photograph(3, 64, 31)),
        "train_input/T_03.png",
        "is 31x64 px, data.size asks for 32 px each way",
    ),
    "another original": (
        lambda raw: write_png(raw / "train_gt/T_03.png", photograph(99)),
        "train_input/T_03.png",
        "shows something else than its original",
    ),
    "no damage": (
        lambda raw: write_png(raw / "train_input/T_03.png", to_luma(photograph(3))),
        "train_input/T_03.png",
        "shows no damage",
    ),
    "nothing but damage": (
        lambda raw: write_png(raw / "train_input/T_03.png", np.zeros((64, 64), np.uint8)),
        "train_input/T_03.png",
        "shows hardly anything of its original",
    ),
}


@pytest.mark.parametrize("case", INVALID_PAIRS)
def test_an_invalid_pair_is_one_line_of_the_report_and_the_others_are_used(
    run: Callable[..., PrepareReport], tmp_path: Path, case: str
) -> None:
    raw = write_competition(tmp_path / "raw", 8)
    spoil, file, reason = INVALID_PAIRS[case]
    spoil(raw)
    made = run("competition", raw)
    report = json.loads((tmp_path / "out/prepare.json").read_text())
    assert report["rejected_count"] == 1
    assert report["rejected"][0]["file"] == file
    assert report["rejected"][0]["reason"].startswith(reason)
    assert "\n" not in report["rejected"][0]["reason"]
    assert report["source"] == "competition"
    assert report["photos"] == made.photos
    assert sum(made.photos.values()) == 9
    tiles = np.load(tmp_path / "out/prepared/train.npy", mmap_mode="r")
    for tile, name in zip(tiles, ids(tmp_path / "out", "train"), strict=True):
        target = read_color(raw / f"train_gt/{name}.png")
        np.testing.assert_array_equal(tile, center_square(target, 32))


def test_too_many_rejected_files_stop_the_stage_without_outputs(
    run: Callable[..., PrepareReport], tmp_path: Path
) -> None:
    raw = write_folder(tmp_path / "raw", 8)
    for number in range(7):
        (raw / f"broken{number}.png").write_bytes(b"text")
    with pytest.raises(UserError, match=r"7 of 15 files .*rejected_limit is 0\.2;") as caught:
        run("photos", raw)
    assert "broken4.png: is no picture" in str(caught.value)
    assert str(caught.value).endswith("… and 2 more")
    assert not list((tmp_path / "out").iterdir())
    assert run("photos", raw, **{"data.rejected_limit": 0.5}).photos["train"] > 0


def test_a_failed_run_keeps_the_earlier_outputs(
    run: Callable[..., PrepareReport], tmp_path: Path
) -> None:
    run("photos", write_folder(tmp_path / "raw", 8))
    before = contents(tmp_path / "out")
    with pytest.raises(UserError, match="cannot be used"):
        run("photos", tmp_path / "raw", **{"data.size": 256})
    assert contents(tmp_path / "out") == before


def test_no_photographs_are_an_error_with_a_remedy(
    run: Callable[..., PrepareReport], tmp_path: Path
) -> None:
    (tmp_path / "raw").mkdir()
    with pytest.raises(UserError, match=r"holds no photographs \(PNG, .* data\.source to sample"):
        run("photos", tmp_path / "raw")


def test_no_photographs_to_train_on_are_an_error(
    run: Callable[..., PrepareReport], tmp_path: Path
) -> None:
    write_png(tmp_path / "raw/train/gray.png", to_luma(photograph(0)))
    write_folder(tmp_path / "raw/validation", 9)
    with pytest.raises(UserError, match="no photographs are left to train on"):
        run("photos", tmp_path / "raw")


@pytest.mark.parametrize("names", [("Train", "valid", "TEST"), ("a/training", "a/val", "a/tests")])
def test_held_out_folders_in_any_spelling_are_never_trained_on(
    run: Callable[..., PrepareReport], tmp_path: Path, names: tuple[str, str, str]
) -> None:
    for start, name in enumerate(names):
        for number in range(3):
            write_png(tmp_path / "raw" / name / f"{number}.png", photograph(10 * start + number))
    made = run("photos", tmp_path / "raw")
    splits = dict(zip(names, ("train", "validation", "test"), strict=True))
    assert made.split_folders == dict(sorted(splits.items()))
    for row in table(tmp_path / "out"):
        assert row["split"] == splits[row["source"].rpartition("/")[0]]
    report = json.loads((tmp_path / "out/prepare.json").read_text())
    assert report["split_folders"] == made.split_folders


def test_deep_folders_with_long_names_are_prepared(
    run: Callable[..., PrepareReport], tmp_path: Path
) -> None:
    deep = "/".join(f"외갓집에서 찍은 오래된 사진들을 모아 둔 앨범 {number}" for number in range(5))
    for number in range(12):
        write_png(tmp_path / "raw" / deep / f"{'긴' * 70}{number}.png", photograph(number))
    run("photos", tmp_path / "raw")
    files = [file for file in (tmp_path / "out/prepared").rglob("*") if file.is_file()]
    assert max(len(file.name.encode()) for file in files) <= 200
    rows = table(tmp_path / "out")
    assert len({row["id"] for row in rows}) == 12
    assert {row["source"] for row in rows} == {f"{deep}/{'긴' * 70}{n}.png" for n in range(12)}


def test_names_that_are_not_utf_8_are_prepared(
    run: Callable[..., PrepareReport], tmp_path: Path
) -> None:
    raw = write_folder(tmp_path / "raw", 12)
    name = os.fsdecode(raw.as_posix().encode() + b"/\xbb\xe7\xc1\xf8.png")
    try:
        (raw / "00.png").rename(name)
    except OSError:
        pytest.skip("this file system takes only names in UTF-8")
    run("photos", raw)
    assert len(table(tmp_path / "out")) == 12


def test_too_few_photographs_for_the_splits_are_an_error(
    run: Callable[..., PrepareReport], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"2 in 2 group\(s\).* expected at least 3"):
        run("photos", write_folder(tmp_path / "raw", 2))


def test_no_path_of_this_machine_gets_into_the_outputs(
    run: Callable[..., PrepareReport], tmp_path: Path
) -> None:
    raw = write_folder(tmp_path / "raw", 8)
    (raw / "broken.png").write_bytes(b"text")
    run("photos", raw)
    for name, content in contents(tmp_path / "out").items():
        assert os.fsencode(tmp_path) not in content, name
