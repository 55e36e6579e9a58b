import numpy as np
import pytest

from rechroma.errors import UserError
from rechroma.preparation.sources import LoadedPhoto, Rejected, SourcePhoto
from rechroma.preparation.split_photos import split_photos
from rechroma.preparation.validate import ValidPhoto


def valid(name, *keys, split=None, group=None, training_only=False):
    """A photograph without pixels: photographs with an equal key share pixels."""
    source = SourcePhoto(name, name, lambda: LoadedPhoto(None, None), group, split, training_only)
    return ValidPhoto(source, 64, 64, False, np.array(keys, dtype=np.uint64))


@pytest.fixture
def settings(make_settings):
    return make_settings(**{"data.validation": 0.3, "data.test": 0.3})


def split_of(photos):
    return {photo.source.id: photo.split for photo in photos}


def test_each_split_has_photographs_and_groups_are_named_after_their_first(settings):
    photos = [valid(name, number) for number, name in enumerate("abcdef")] + [valid("g", 0)]
    used, skipped = split_photos(photos, settings)
    assert not skipped
    assert set(split_of(used).values()) == {"train", "validation", "test"}
    assert {photo.source.id: photo.group for photo in used} == dict(
        zip("abcdefg", "abcdefa", strict=True)
    )
    assert split_of(used)["a"] == split_of(used)["g"]


def test_a_split_of_the_source_is_kept_and_leaks_are_skipped(settings):
    photos = [valid("t", 1, split="test"), valid("leak", 1, 2), valid("a", 3), valid("b", 4)]
    used, skipped = split_photos(photos, settings)
    assert skipped == [Rejected("leak", "shares pixels with t of test")]
    assert split_of(used)["t"] == "test"
    assert sorted(split_of(used).values()) == ["test", "train", "validation"]


def test_a_photograph_that_joins_all_others_is_skipped(settings):
    photos = [valid("bridge", 1, 2, 3), valid("a", 1), valid("b", 2), valid("c", 3)]
    used, skipped = split_photos(photos, settings)
    assert [photo.file for photo in skipped] == ["bridge"]
    assert len(set(split_of(used).values())) == 3


def test_tiles_for_training_only_are_never_held_out(settings):
    photos = [
        valid(f"{group}{number}", 9 * number + index, group=group, training_only=number > 0)
        for index, group in enumerate("abc")
        for number in range(3)
    ]
    used, _ = split_photos(photos, settings)
    assert all(photo.split == "train" for photo in used if photo.source.training_only)
    assert {photo.split for photo in used} == {"train", "validation", "test"}


def test_without_photographs_to_train_on_there_is_an_error(settings):
    with pytest.raises(UserError, match="no photographs are left to train on, add some"):
        split_photos([valid("t", 1, split="test")], settings)
