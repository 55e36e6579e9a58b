import unicodedata
from pathlib import Path

import pytest

from rechroma.apps.batch.match_pictures import mask_beside, match_pictures, stem_key
from rechroma.errors import UserError


@pytest.fixture
def matched(tmp_path):
    """Matches photographs `album/…` with pictures `masks/…`; gives the path of each, or None."""

    def match(photos, pictures):
        for name in pictures:
            file = tmp_path / "masks" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        album = {tmp_path / "album" / name: Path(name) for name in photos}
        matches = match_pictures(album, tmp_path / "masks", "mask")
        return {
            photo.relative_to(tmp_path / "album").as_posix(): (
                each.picture.relative_to(tmp_path / "masks").as_posix() if each.picture else None
            )
            for photo, each in matches.items()
        }

    return match


@pytest.mark.parametrize(
    ("photo", "picture"),
    [
        ("a.jpg", "a.png"),
        ("a.JPG", "a.PNG"),
        ("1950/a.jpg", "1950/a.png"),
        ("1950/a.jpg", "a.png"),  # by the name alone
        ("a.jpg", "1950/a.png"),
        ("a.jpg", "a_mask.png"),
        ("a.jpg", "a-mask.png"),
        ("a.jpg", "a_mask001.png"),
        ("a.tif", "a.tif.png"),
        ("a.jpg", "a.jpg"),
        ("IMG.2020.jpg", "IMG.2020.png"),
        (unicodedata.normalize("NFD", "가족 é.png"), unicodedata.normalize("NFC", "가족 é.png")),
        (unicodedata.normalize("NFC", "é/가족.png"), unicodedata.normalize("NFD", "é/가족.png")),
    ],
)
def test_a_picture_is_matched_by_its_path_without_suffix(matched, photo, picture):
    assert matched([photo], [picture, "other.png"]) == {photo: picture}


def test_a_photograph_never_gets_the_picture_of_another_folder(matched):
    photos = ["1950/a.png", "1951/a.png"]
    assert matched(photos, ["1950/a.png"]) == {photos[0]: "1950/a.png", photos[1]: None}
    assert matched(photos, ["1951/a.png"]) == {each: each for each in photos}


def test_a_name_that_several_have_is_no_match(matched):
    assert matched(["1950/a.png", "1951/a.png"], ["a.png"]) == {
        "1950/a.png": None,
        "1951/a.png": None,
    }
    assert matched(["b/c.png"], ["c.png", "x/c.png"]) == {"b/c.png": None}


def test_photographs_of_one_stem_need_pictures_of_their_own(matched):
    photos = ["a.jpg", "a.tif"]
    assert matched(photos, ["a.png"]) == {"a.jpg": None, "a.tif": None}
    both = {"a.jpg": "a.jpg.png", "a.tif": "a.tif.png"}
    assert matched(photos, ["a.tif.png", "a.jpg.png"]) == both
    assert matched(["b.jpg", "b.tif"], ["b.tif.png"]) == {"b.jpg": None, "b.tif": "b.tif.png"}


def test_pictures_may_have_exactly_the_names_of_photographs_of_one_stem(matched):
    assert matched(["a.jpg", "a.tif"], ["a.jpg", "a.tif"]) == {"a.jpg": "a.jpg", "a.tif": "a.tif"}


def test_several_masks_of_one_photograph_are_none(matched):
    assert matched(["a.jpg"], ["a_mask001.png", "a_mask002.png"]) == {"a.jpg": None}


def test_a_part_of_an_album_is_matched_with_pictures_of_all_of_it(tmp_path):
    for year in (1950, 1951):
        (tmp_path / f"masks/{year}").mkdir(parents=True)
        (tmp_path / f"masks/{year}/a.png").touch()
    photo = tmp_path / "album/1951/a.jpg"
    matches = match_pictures({photo: Path("a.jpg")}, tmp_path / "masks", "mask")
    assert matches[photo].picture == tmp_path / "masks/1951/a.png"


def test_a_match_by_name_alone_is_told(tmp_path):
    (tmp_path / "masks/x").mkdir(parents=True)
    (tmp_path / "masks/x/a.png").touch()
    photo = tmp_path / "album/y/a.png"
    matches = match_pictures({photo: Path("y/a.png")}, tmp_path / "masks", "mask")
    assert matches[photo].by_name_alone


def test_photographs_are_no_pictures_of_themselves(tmp_path):
    for name in ("a.png", "a_mask.png"):
        (tmp_path / name).touch()
    photo = tmp_path / "a.png"
    assert match_pictures({photo: Path("a.png")}, tmp_path, "mask")[photo].picture == (
        tmp_path / "a_mask.png"
    )


@pytest.mark.parametrize(("name", "message"), [("gone", "is not a folder"), (".", "no pictures")])
def test_a_folder_without_pictures_is_an_error(tmp_path, name, message):
    with pytest.raises(UserError, match=message):
        match_pictures({tmp_path / "a.png": Path("a.png")}, tmp_path / name, "mask")


@pytest.mark.parametrize(
    ("name", "is_mask"),
    [
        ("a_mask.png", True),
        ("a-mask.PNG", True),
        ("a_MASK_2.png", True),
        ("a.mask.png", True),
        ("a mask.jpg", True),
        ("amask.png", False),
        ("a_masked.png", False),
        ("b_mask.png", False),
        ("sub/a_mask.png", False),
    ],
)
def test_a_mask_beside_its_photograph_is_known_by_its_name(name, is_mask):
    photos = {stem_key(Path("a.jpg")): Path("a.jpg")}
    assert mask_beside(Path(name), photos) == (Path("a.jpg") if is_mask else None)
