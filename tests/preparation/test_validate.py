from functools import partial

import numpy as np
import pytest

from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.imaging.decode import PhotoError
from rechroma.preparation.array_writer import ArrayWriter
from rechroma.preparation.sources import LoadedPhoto, Rejected, SourcePhoto
from rechroma.preparation.validate import check_rejected, validate_photos


def texture(number, height=40, width=48):
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)


def source_photo(name, target, damaged=None, split=None):
    return SourcePhoto(name, name, partial(LoadedPhoto, target, damaged), split=split)


def validate(path, photos):
    with ArrayWriter(path / "train.npy", 32) as tiles:
        valid, rejected = validate_photos(photos, tiles)
        tiles.select_rows(range(tiles.count), len)
    return valid, rejected, np.load(path / "train.npy")


def test_photographs_without_a_split_have_a_tile(tmp_path):
    photos = [
        source_photo("a", texture(1), split="test"),
        source_photo("b", texture(2)),
        source_photo("c", texture(3)),
    ]
    valid, rejected, tiles = validate(tmp_path, photos)
    assert not rejected
    assert [(photo.source.id, photo.row) for photo in valid] == [("a", -1), ("b", 0), ("c", 1)]
    assert tiles.shape == (2, 32, 32, 3)


def test_a_photograph_below_the_size_of_a_tile_is_rejected(tmp_path):
    valid, rejected, _ = validate(tmp_path, [source_photo("small", texture(1, 31))])
    assert not valid
    assert rejected == [Rejected("small", "is 48x31 px, data.size asks for 32 px each way")]


def test_an_unreadable_photograph_is_rejected_with_its_reason(tmp_path):
    def fail():
        raise PhotoError("broken.png", "is empty")

    _, rejected, _ = validate(tmp_path, [SourcePhoto("broken", "broken.png", fail)])
    assert rejected == [Rejected("broken.png", "is empty")]


def test_damaged_photographs_have_one_size_and_others_any(tmp_path):
    inputs = [source_photo(str(n), None, to_luma(texture(n)), "unlabeled") for n in range(3)]
    odd = source_photo("odd", None, to_luma(texture(9, 50)), "unlabeled")
    plain = source_photo("plain", texture(7, 64, 64))
    valid, rejected, _ = validate(tmp_path, [*inputs, odd, plain])
    assert [photo.source.id for photo in valid] == ["0", "1", "2", "plain"]
    assert rejected == [Rejected("odd", "is 48x50 px, most are 48x40 px")]


def test_more_rejected_files_than_the_limit_are_an_error(make_settings):
    data = make_settings(**{"data.rejected_limit": 0.5}).data
    rejected = [Rejected(f"{number}.png", "is empty") for number in range(7)]
    check_rejected(rejected, 14, data)
    with pytest.raises(UserError, match=r"7 of 13 files cannot be used.*\n  0\.png: is empty"):
        check_rejected(rejected, 13, data)
