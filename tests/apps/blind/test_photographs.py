import zlib
from pathlib import Path

import numpy as np
import pytest
from command_line import HOLE, mask_of, put

from rechroma.apps.blind.photographs import choose_photos, list_folder, read_photo
from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.draw_damage import draw_damage


@pytest.fixture(autouse=True)
def at_desk(desk):
    """In an empty folder."""


def only(folder="album"):
    (listed,) = list_folder(Path(folder))
    return listed


def test_photographs_are_listed_with_the_masks_beside_them(photo):
    for name in ("a.png", "1950/b.png"):
        put(f"album/{name}", photo)
    put("album/1950/b_mask.png", mask_of(HOLE))
    first, second = list_folder(Path("album"))
    assert (first.id, first.name.as_posix(), len(first.masks)) == ("1950-b", "1950/b.png", 1)
    assert (second.id, second.masks) == ("a", ())


def test_ready_pictures_inside_the_folder_are_no_photographs(photo):
    put("album/a.png", photo)
    put("album/ready/a.png", photo)
    assert [listed.id for listed in list_folder(Path("album"), [Path("album/ready")])] == ["a"]


@pytest.mark.parametrize(
    ("folder", "message"), [("none", "none is not a folder"), (".", "holds no photographs")]
)
def test_a_folder_without_photographs_is_a_user_error(folder, message):
    with pytest.raises(UserError, match=message):
        list_folder(Path(folder))


def test_some_of_the_photographs_are_drawn_by_the_seed(photo):
    for number in range(9):
        put(f"album/{number}.png", photo)
    listed = list_folder(Path("album"))
    chosen = [choose_photos(listed, 4, seed) for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]
    assert chosen[0] == sorted(chosen[0], key=lambda photo: photo.id)
    assert choose_photos(listed, 9, 1) == choose_photos(listed, None, 1) == listed


@pytest.mark.parametrize(
    ("draw", "color", "is_drawn"),
    [
        *(("color", True, True), ("color", False, False), ("all", False, True)),
        *(("none", True, False), ("none", False, False)),
    ],
)
def test_holes_are_drawn_as_asked_and_as_evaluate_draws_them(
    photo, make_settings, draw, color, is_drawn
):
    settings = make_settings()
    luma = to_luma(photo)
    put("album/a.png", photo if color else luma)
    read = read_photo(only(), draw, settings)
    generator = np.random.default_rng([settings.seed, zlib.crc32(b"a")])
    expected = draw_damage(luma, settings.damage, generator)[0] if is_drawn else luma
    assert np.array_equal(read.damaged, expected)
    assert np.array_equal(read.mask, find_damage(expected))


def test_a_mask_beside_a_photograph_in_color_is_used_and_nothing_is_drawn(photo, make_settings):
    put("album/a.png", photo)
    put("album/a_mask.png", mask_of(HOLE))
    read = read_photo(only(), "all", make_settings())
    assert np.array_equal(read.damaged, to_luma(photo))
    assert np.array_equal(read.mask, mask_of(HOLE))


def write_two_masks(photo):
    put("album/a.png", photo)
    put("album/a_mask.png", mask_of(HOLE))
    put("album/a-mask.png", mask_of(HOLE))


def write_small(photo):
    put("album/a.png", photo[:9])


def write_broken(photo):  # noqa: ARG001
    put("album/b.png", np.zeros((9, 9), np.uint8))
    Path("album/b.png").rename("album/a.png")
    Path("album/a.png").write_bytes(b"no picture")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (write_two_masks, r"a\.png: .* lie beside it, expected one mask"),
        (write_small, r"a\.png: is 128x9 px, expected at least 16 px each way"),
        (write_broken, r"a\.png: is no picture"),
    ],
)
def test_what_cannot_be_used_is_a_user_error(photo, make_settings, write, message):
    write(photo)
    with pytest.raises(UserError, match=message):
        read_photo(only(), "none", make_settings())
