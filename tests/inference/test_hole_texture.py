import numpy as np
import pytest

from rechroma.inference.hole_crops import HoleCrop, find_hole_crops
from rechroma.inference.hole_texture import TextureFill, find_thick_holes


@pytest.fixture
def grain():
    return np.random.default_rng(0).normal(120, 30, (160, 300)).clip(0, 255).astype(np.uint8)


def lost_at(*boxes):
    mask = np.zeros((160, 300), bool)
    for box in boxes:
        mask[box] = True
    return mask


def fill_all(picture, mask, level=90):
    fill, filled = TextureFill(np.where(mask, 0, picture).astype(np.uint8), mask), picture.copy()
    for crop in find_hole_crops(mask):
        lost = mask[crop.core]
        filled[crop.core][lost] = fill(crop, np.full(lost.sum(), level, np.uint8))
    return filled


def test_thin_holes_keep_their_smooth_fill(grain):
    line, hole = np.s_[20:30, 10:290], np.s_[80:120, 100:150]
    filled = fill_all(grain, lost_at(line, hole))
    assert (filled[line] == 90).all()
    assert filled[hole].std() > 20


def test_every_piece_of_a_long_hole_is_textured(grain):
    band = np.s_[60:80, 5:295]
    mask = lost_at(band)
    assert len(find_hole_crops(mask)) > 1
    filled = fill_all(grain, mask)
    assert min(piece.std() for piece in np.array_split(filled[band], 10, axis=1)) > 15


def test_a_photograph_without_a_patch_keeps_its_smooth_fill():
    mask = np.ones((20, 20), bool)
    mask[0, 0] = False
    everything = HoleCrop(np.s_[0:20, 0:20], np.s_[0:20, 0:20])
    filled = TextureFill(np.zeros((20, 20), np.uint8), mask)(everything, np.full(399, 90, np.uint8))
    assert (filled == 90).all()


def test_the_picture_that_is_given_is_not_changed(grain):
    mask = lost_at(np.s_[80:120, 100:150])
    picture, before = grain.copy(), mask.copy()
    fill_all(picture, mask)
    np.testing.assert_array_equal(picture, grain)
    np.testing.assert_array_equal(mask, before)


@pytest.mark.parametrize(("side", "thick"), [(12, False), (15, True)])
def test_a_hole_is_thick_where_a_circle_of_more_than_6_px_radius_fits(side, thick):
    mask = lost_at(np.s_[50 : 50 + side, 50:120], np.s_[0:side, 200:250])  # one at the border
    assert find_thick_holes(mask).any() == thick
    assert not thick or (find_thick_holes(mask) == mask).all()
