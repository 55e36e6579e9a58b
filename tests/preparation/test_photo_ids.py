import unicodedata

import pytest

from rechroma.preparation.photo_ids import ID_BYTES, photo_ids

FIVE_LEVELS = "/".join(
    f"할머니 댁에서 찍은 아주 오래된 가족 사진첩 {number}권" for number in range(5)
)


def test_short_paths_are_joined_without_their_suffix() -> None:
    assert photo_ids(["a/1.png", "a/deep/2.jpg", "b.png"]) == ["a-1", "a-deep-2", "b"]


def test_ids_are_unique_in_any_case_and_form() -> None:
    names = ["1.bmp", "1.png", "A-X.png", "a-x.png", "a/x.png", "가.png", "\u1100\u1161.png"]
    ids = photo_ids(names)
    assert len({unicodedata.normalize("NFC", each).casefold() for each in ids}) == len(names)
    assert ids[:2] == ["1.bmp", "1.png"]


@pytest.mark.parametrize("folder", [FIVE_LEVELS, "사" * 85, "x" * 255, "/".join(["y" * 100] * 20)])
def test_long_paths_are_cut_and_stay_unique(folder: str) -> None:
    names = [f"{folder}/결혼식-{number}.jpg" for number in range(30)]
    ids = photo_ids(names)
    assert len(set(ids)) == 30
    for photo_id in ids:
        assert ID_BYTES - 3 <= len(photo_id.encode()) <= ID_BYTES
        assert photo_id.startswith(folder.replace("/", "-")[:50])


def test_the_id_of_a_long_path_does_not_depend_on_others() -> None:
    name = f"{FIVE_LEVELS}/1.png"
    assert photo_ids([name])[0] == photo_ids(["a.png", f"{FIVE_LEVELS}/2.png", name, "z.png"])[2]


@pytest.mark.parametrize("length", range(190, 203))
def test_ids_of_any_length_are_unique_and_short_enough(length: int) -> None:
    names = ["a/" + "b" * length + end for end in (".jpg", ".png")] + ["a-" + "b" * length + ".png"]
    ids = photo_ids(names)
    assert len(set(ids)) == 3
    assert all(len(photo_id) <= ID_BYTES for photo_id in ids)


def test_decomposed_letters_are_composed() -> None:
    composed = "할머니/가족사진"
    assert photo_ids([unicodedata.normalize("NFD", f"{composed}.png")]) == ["할머니-가족사진"]


def test_names_that_are_not_utf_8_get_ids_that_are() -> None:
    names = [b"\xbb\xe7\xc1\xf8.png", b"\xbb\xe7\xc1\xf9.png"]
    ids = photo_ids([name.decode("utf-8", "surrogateescape") for name in names])
    assert len({photo_id.encode("utf-8") for photo_id in ids}) == 2
