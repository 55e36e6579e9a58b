from itertools import pairwise

import numpy as np
import pytest

from rechroma.errors import UserError
from rechroma.preparation.splits import (
    Keys,
    assign_splits,
    check_no_leak,
    find_bridges,
    group_photos,
    pixel_keys,
)


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def keys_of(*shared: list[int]) -> list[Keys]:
    return [np.array(sorted(each), dtype=np.uint64) for each in shared]


def chain(length: int) -> list[Keys]:
    """Photos of which each shares a key with the next one."""
    return keys_of(*([number, number + 1] for number in range(length)))


def held_out(split: list[str], name: str) -> int:
    return sum(each == name for each in split)


def test_crops_on_the_grid_share_the_keys_of_their_overlap() -> None:
    photograph = texture(256, 320)
    one, two = pixel_keys(photograph[:192, :192]), pixel_keys(photograph[64:256, 128:320])
    assert len(one) == len(two) == 1 + 9
    assert len(np.intersect1d(one, two)) == 2


def test_equal_photos_have_equal_keys_and_others_none_in_common() -> None:
    photo = texture(128, 128)
    np.testing.assert_array_equal(pixel_keys(photo), pixel_keys(photo.copy()))
    assert not np.intersect1d(pixel_keys(photo), pixel_keys(texture(128, 128, seed=1))).size


def test_flat_blocks_have_no_keys() -> None:
    sky = np.full((128, 128, 3), 250, dtype=np.uint8)
    sky[:, 64:] += np.arange(64, dtype=np.uint8)[None, :, None] // 16
    other = sky.copy()
    other[0, 0] = 0
    assert len(pixel_keys(sky)) == 1
    assert not np.intersect1d(pixel_keys(sky), pixel_keys(other)).size


def test_photos_smaller_than_a_block_have_a_key() -> None:
    photo = texture(20, 30)
    assert len(pixel_keys(photo)) == 1
    assert pixel_keys(photo) != pixel_keys(photo.transpose(1, 0, 2))


def test_groups_follow_chains_of_shared_keys() -> None:
    keys = keys_of([9], [1, 2], [5], [2, 3], [3, 4], [5, 6], [])
    assert group_photos(keys, [None] * 7).tolist() == [0, 1, 2, 1, 1, 2, 3]


def test_source_groups_join_photos_and_those_that_share_their_pixels() -> None:
    keys = keys_of([1], [2], [2], [3], [4])
    assert group_photos(keys, ["rocket", "rocket", None, "cat", None]).tolist() == [0, 0, 0, 1, 2]


def test_photos_are_grouped_at_competition_size() -> None:
    generator = np.random.default_rng(0)
    count, blocks = 29_603, 64
    of_photograph = generator.integers(0, 2**63, (count // 40 + 1, blocks // 2), dtype=np.uint64)
    own = generator.integers(0, 2**63, (count, blocks // 2), dtype=np.uint64)
    keys = [np.concatenate([own[row], of_photograph[row // 40]]) for row in range(count)]
    grouped = group_photos(keys, [None] * count)
    assert grouped.tolist() == [row // 40 for row in range(count)]


def test_each_split_gets_whole_groups_near_its_share() -> None:
    group = np.repeat(np.arange(100), 10)
    split = assign_splits(group, {"validation": 0.15, "test": 0.1}, 500, np.random.default_rng(1))
    assert (held_out(split, "validation"), held_out(split, "test")) == (150, 100)
    assert len(set(zip(group.tolist(), split, strict=True))) == 100


def test_the_limit_bounds_each_held_out_split() -> None:
    group = np.repeat(np.arange(100), 7)
    split = assign_splits(group, {"validation": 0.4, "test": 0.4}, 50, np.random.default_rng(1))
    assert held_out(split, "validation") == held_out(split, "test") == 49


def test_the_same_generator_gives_the_same_splits_and_another_gives_others() -> None:
    group = np.arange(200)
    shares = {"validation": 0.2, "test": 0.2}
    first, again, other = (
        assign_splits(group, shares, 500, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize("seed", range(20))
def test_few_large_groups_still_fill_every_split_and_the_largest_trains(seed: int) -> None:
    group = np.repeat([0, 1, 2], [5, 60, 9])
    split = assign_splits(
        group, {"validation": 0.01, "test": 0.9}, 500, np.random.default_rng(seed)
    )
    assert set(split) == {"train", "validation", "test"}
    assert split[5] == "train"


def test_a_share_of_zero_holds_nothing_out() -> None:
    split = assign_splits(
        np.zeros(4, np.intp), {"validation": 0, "test": 0}, 9, np.random.default_rng()
    )
    assert split == ["train"] * 4


def test_too_few_groups_are_an_error_that_says_what_to_do() -> None:
    with pytest.raises(UserError, match=r"5 in 2 group\(s\).* at least 3 .*data.validation or"):
        assign_splits(
            np.array([0, 0, 0, 1, 1]), {"validation": 0.2, "test": 0.2}, 9, np.random.default_rng()
        )


def test_groups_larger_than_the_limit_are_an_error() -> None:
    with pytest.raises(UserError, match=r"held_out_limit is 3, but the smallest group .* has 4"):
        assign_splits(np.repeat([0, 1], [5, 4]), {"validation": 0.2}, 3, np.random.default_rng())


def test_skipping_bridges_makes_groups() -> None:
    keys = chain(7)
    assert set(group_photos(keys, [None] * 7)) == {0}
    bridges = find_bridges(keys, [None] * 7, 3)
    kept = [each for number, each in enumerate(keys) if number not in bridges]
    assert len(bridges) == 2
    assert len(set(group_photos(kept, [None] * len(kept)))) == 3


def test_no_bridges_where_skipping_them_cannot_help() -> None:
    assert find_bridges(keys_of(*[[1]] * 6), [None] * 6, 2) == []
    assert find_bridges(keys_of([1], [2], [3]), ["one photograph"] * 3, 2) == []


def test_a_leak_names_both_files() -> None:
    keys = keys_of([1, 2], [3], [4, 1], [5])
    files = ["a.png", "b.png", "c.png", "d.png"]
    check_no_leak(keys, ["train", "test", "train", "validation"], files)
    with pytest.raises(UserError, match=r"a\.png \(train\) and c\.png \(test\) share pixels"):
        check_no_leak(keys, ["train", "test", "test", "validation"], files)


def test_drawn_splits_never_leak_but_splits_by_photo_do() -> None:
    keys = [np.unique(np.concatenate(pair)) for pair in pairwise(chain(300))]
    keys = [each for number, each in enumerate(keys) if number % 10 > 1]
    files = [str(number) for number in range(len(keys))]
    shares = {"validation": 0.2, "test": 0.2}
    grouped = group_photos(keys, [None] * len(keys))
    check_no_leak(keys, assign_splits(grouped, shares, 500, np.random.default_rng(0)), files)
    by_photo = assign_splits(np.arange(len(keys)), shares, 500, np.random.default_rng(0))
    with pytest.raises(UserError, match="share pixels"):
        check_no_leak(keys, by_photo, files)
