import csv
import json

import numpy as np
import pytest
from PIL import Image

from rechroma.data.prepared import read_description, read_held_out, submission_inputs
from rechroma.errors import UserError
from rechroma.imaging.io import write_png
from rechroma.preparation.prepare import prepare


@pytest.fixture
def five(tmp_path):
    """A split of five photographs whose masks are one level around the threshold."""
    for number in (3, 0, 4, 1, 2):
        target = np.full((6, 8, 3), (number, 100, 200), np.uint8)
        mask = np.full((6, 8), 127, np.uint8)
        mask[number] = 128
        for kind, picture in (("truth", target), ("damaged", mask // 2), ("masks", mask)):
            write_png(tmp_path / "test" / kind / f"photo-{number}.png", picture)
    return tmp_path


def write_table(prepared, rows):
    with (prepared / "photos.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["id", "split", "group", "source", "height", "width"])
        table.writerows([name, split, name, f"{name}.jpg", 900, 700] for name, split in rows)


def test_held_out_photographs_are_sorted_and_paired(five):
    found = list(read_held_out(five, "test"))
    assert [photo.id for photo in found] == [f"photo-{number}" for number in range(5)]
    for number, photo in enumerate(found):
        assert photo.target.shape == (6, 8, 3)
        assert (photo.target == (number, 100, 200)).all()
        assert photo.mask.dtype == bool
        assert photo.mask.any(axis=1).tolist() == [row == number for row in range(6)]
        assert np.array_equal(photo.damaged, np.where(photo.mask, 64, 63))


@pytest.mark.parametrize(
    ("limit", "numbers"),
    [(0, [0, 1, 2, 3, 4]), (1, [0]), (2, [0, 4]), (3, [0, 2, 4]), (9, [0, 1, 2, 3, 4])],
)
def test_a_limit_spreads_photographs_over_the_split(five, limit, numbers):
    found = [photo.id for photo in read_held_out(five, "test", limit)]
    assert found == [f"photo-{number}" for number in numbers]


def test_a_split_without_photographs_gives_none(five):
    assert list(read_held_out(five, "validation")) == []


def test_a_missing_mask_is_an_error(five):
    (five / "test/masks/photo-2.png").unlink()
    with pytest.raises(UserError, match=r"masks/photo-2\.png: is missing"):
        list(read_held_out(five, "test"))


def test_submission_inputs_are_those_without_a_target(tmp_path):
    sizes = {"b": (5, 9), "a": (7, 4)}
    for name, size in sizes.items():
        write_png(tmp_path / f"unlabeled/damaged/{name}.png", np.zeros(size, np.uint8))
    write_table(tmp_path, [("a", "unlabeled"), ("b", "unlabeled"), ("c", "test"), ("d", "train")])
    folder, found = submission_inputs(tmp_path)
    assert folder == tmp_path / "unlabeled/damaged"
    assert list(found.items()) == [("a.png", (7, 4)), ("b.png", (5, 9))]


def test_without_unlabeled_inputs_the_test_split_is_submitted(prepared):
    write_table(prepared, [("test-0", "test"), ("test-1", "test"), ("validation-0", "validation")])
    folder, found = submission_inputs(prepared)
    assert folder == prepared / "test/damaged"
    assert list(found) == ["test-0.png", "test-1.png"]


def test_sizes_of_inputs_are_those_of_the_pictures_to_restore(make_settings, tmp_path):
    generator = np.random.default_rng(0)
    for number in range(12):
        noise = generator.integers(0, 256, (40 + number, 70, 3), dtype=np.uint8)
        write_png(tmp_path / f"raw/{number}.png", noise)
    settings = make_settings(**{"data.source": "photos", "data.size": 32})
    prepare(settings, tmp_path / "raw", tmp_path / "prepared", tmp_path / "prepare.json")
    folder, found = submission_inputs(tmp_path / "prepared")
    assert found
    for name, (height, width) in found.items():
        with Image.open(folder / name) as picture:
            assert picture.size == (width, height)


def test_the_description_is_the_content_of_dataset_json(prepared):
    written = json.loads((prepared / "dataset.json").read_text(encoding="utf-8"))
    assert read_description(prepared) == written
    assert written["size"] == 64


@pytest.mark.parametrize("read", [read_description, submission_inputs])
def test_missing_data_is_an_error(tmp_path, read):
    with pytest.raises(UserError, match="run the stage prepare first"):
        read(tmp_path / "prepared")
