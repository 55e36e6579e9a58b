from collections import Counter

import pytest

from rechroma.apps.blind.pairs import draw_pairs, key_pairs, read_key, write_key
from rechroma.errors import UserError

PHOTOS = [f"{number}" for number in range(20)]


def test_every_two_models_of_every_photograph_are_a_pair_once():
    pairs = draw_pairs(PHOTOS, ["a", "b", "c"], seed=1)
    shown = Counter((pair.photo, frozenset((pair.left, pair.right))) for pair in pairs)
    assert len(pairs) == len(shown) == 3 * len(PHOTOS)
    assert len({pair.id for pair in pairs}) == len(pairs)


def test_a_model_is_on_each_side_as_often_and_not_in_turns():
    pairs = draw_pairs(PHOTOS, ["a", "b"], seed=1)
    lefts = [pair.left for pair in pairs]
    assert lefts.count(0) == lefts.count(1)
    assert len({tuple(lefts[start : start + 2]) for start in range(19)}) == 4
    assert [pair.photo for pair in pairs] != sorted(pair.photo for pair in pairs)


def test_the_seed_photographs_and_models_determine_the_pairs():
    pairs = draw_pairs(PHOTOS, ["a", "b"], seed=1)
    assert draw_pairs(PHOTOS, ["a", "b"], seed=1) == pairs
    others = [
        draw_pairs(PHOTOS, ["a", "b"], seed=2),
        draw_pairs(PHOTOS, ["a", "c"], seed=1),
        draw_pairs(PHOTOS[::-1], ["a", "b"], seed=1),
    ]
    assert all(
        {pair.id for pair in other}.isdisjoint(pair.id for pair in pairs) for other in others
    )


def test_a_key_is_read_as_it_was_written(tmp_path, key):
    write_key(key, tmp_path / "blind.key.json")
    assert read_key(tmp_path / "blind.key.json") == key
    assert [pair.number for pair in key.pairs] == [1, 2, 3]


def test_a_key_names_what_was_shown():
    pairs = draw_pairs(PHOTOS, ["a", "b"], seed=1)
    for pair, named in zip(pairs, key_pairs(pairs, PHOTOS, ["a", "b"]), strict=True):
        assert (named.photo, named.left) == (PHOTOS[pair.photo], "ab"[pair.left])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is missing, expected the key"),
        ("no JSON", "is no key of a blind comparison"),
        ('{"page": "0a"}', r"is no key of a blind comparison \(photos: Field required"),
    ],
)
def test_a_key_that_is_none_is_a_user_error(tmp_path, content, message):
    file = tmp_path / "blind.key.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UserError, match=message):
        read_key(file)
