from pathlib import Path

import numpy as np
from command_line import HOLE, get, made, mask_of, put, rechroma
from PIL import Image

from rechroma.apps.batch.image_file import is_restored


def test_a_found_mask_is_a_picture_of_0_and_255(damaged):
    put("deep/old.bmp", damaged)
    assert rechroma("find-mask", "deep", "--out", "masks") == 0
    with Image.open("masks/old.png") as picture:
        assert (picture.format, picture.mode) == ("PNG", "L")
    assert np.array_equal(get("masks/old.png"), np.where(mask_of(HOLE), 255, 0))


def test_a_found_mask_can_be_used_as_given_mask(damaged):
    put("old.png", damaged)
    assert rechroma("find-mask", "old.png", "--out", "masks") == 0
    assert rechroma("restore", "old.png", "--out", "given", "--mask", "masks") == 0
    assert rechroma("restore", "old.png", "--out", "found") == 0
    assert np.array_equal(get("given/old.png"), get("found/old.png"))


def test_masks_inside_the_album_are_not_searched_for_damage(damaged):
    put("album/old.bmp", damaged)
    for _ in range(2):
        assert rechroma("find-mask", "album", "--out", "album/masks") == 0
        assert made("album") == ["masks/old.png", "old.bmp"]


def test_pictures_of_kinds_are_marked_as_written_by_rechroma(damaged):
    put("album/old.bmp", damaged)
    for _ in range(2):
        assert rechroma("find-mask", "album", "--out", "album/kinds", "--kinds") == 0
        assert made("album") == ["kinds/old.png", "old.bmp"]
    assert is_restored(Path("album/kinds/old.png"))
