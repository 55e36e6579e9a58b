import cv2
import numpy as np
import patchmatch
import pytest

from rechroma.errors import UserError
from rechroma.imaging.patch_fill import FILL_SIZE, can_fill, patch_fill


def grainy(height, width, sigma=0.8):
    noise = np.random.default_rng(1).normal(0, 1, (height, width)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), sigma)
    return np.clip(120 + 30 * soft / soft.std(), 0, 255).astype(np.uint8)


def hole_in(height, width, share=0.2):
    mask = np.zeros((height, width), bool)
    rows, columns = round(share * height), round(share * width)
    mask[height // 3 : height // 3 + rows, width // 3 : width // 3 + columns] = True
    return mask


def sharpness(picture, where):
    values = picture.astype(np.float32)
    return (values - cv2.GaussianBlur(values, (0, 0), 1))[where].std()


@pytest.mark.parametrize("shape", [(120, 160), (700, 1100)])
def test_known_pixels_stay_and_the_hole_is_as_sharp_as_the_rest_at_any_size(shape):
    assert max(shape) < FILL_SIZE or min(shape) > FILL_SIZE
    picture, mask = grainy(*shape), hole_in(*shape)
    filled = patch_fill(np.where(mask, 7, picture).astype(np.uint8), mask)
    np.testing.assert_array_equal(filled[~mask], picture[~mask])
    inside = cv2.erode(mask.astype(np.uint8), np.ones((9, 9))) > 0
    assert 0.7 < sharpness(filled, inside) / sharpness(picture, inside) < 1.3
    assert abs(filled[mask].mean() - 120) < 8


@pytest.mark.parametrize(
    "hole", [np.s_[:30, :40], np.s_[50:, 60:], np.s_[:, 60:90], np.s_[:, :105]], ids=str
)
def test_holes_at_the_border_and_holes_that_leave_little_are_filled(hole):
    picture, mask = grainy(96, 128), np.zeros((96, 128), bool)
    mask[hole] = True
    filled = patch_fill(np.where(mask, 0, picture).astype(np.uint8), mask)
    np.testing.assert_array_equal(filled[~mask], picture[~mask])
    assert abs(filled[mask].mean() - 120) < 20
    assert filled[mask].std() > 15


def test_an_edge_goes_on_through_the_hole():
    picture = np.full((100, 140), 60, np.uint8)
    picture[:, 70:] = 190
    mask = hole_in(100, 140, share=0.3)
    mask[40:70, 50:90] = True
    filled = patch_fill(np.where(mask, 7, picture).astype(np.uint8), mask)
    # In most rows of the hole it is sharp and in its place, within 4 px.
    steps = np.abs(np.diff(filled[40:70].astype(int), axis=1))
    assert np.median(steps.max(axis=1)) > 60
    assert np.median(np.abs(steps.argmax(axis=1) - 69)) <= 4


def test_color_is_filled_with_its_gray():
    colors = np.array([(200, 40, 30), (20, 60, 180)], np.uint8)
    picture = np.tile(colors[np.arange(128) // 4 % 2][None], (96, 1, 1))
    mask = hole_in(96, 128)
    filled = patch_fill(np.where(mask[..., None], 9, picture).astype(np.uint8), mask)
    assert filled.shape == picture.shape
    assert np.abs(filled.astype(int) - picture)[mask].mean() < 30  # of 120 between the stripes


def test_the_same_picture_is_filled_the_same_way():
    picture, mask = grainy(90, 110), hole_in(90, 110)
    np.testing.assert_array_equal(patch_fill(picture, mask), patch_fill(picture, mask))


@pytest.mark.parametrize("shape", [(1, 1), (5, 40), (15, 15)])
def test_a_picture_too_small_for_patches_is_returned(shape):
    picture, mask = np.full(shape, 90, np.uint8), np.zeros(shape, bool)
    mask[0, 0] = True
    assert not can_fill(mask)
    np.testing.assert_array_equal(patch_fill(picture, mask), picture)


def test_holes_that_leave_no_patch_cannot_be_filled():
    mask = np.zeros((64, 64), bool)
    mask[::5, ::5] = True
    assert not can_fill(mask)


def test_a_missing_library_is_one_line(monkeypatch):
    monkeypatch.setattr(patchmatch, "patchmatch_available", False)
    with pytest.raises(UserError, match=r"holes: is 'texture', .* choose 'smooth'"):
        patch_fill(grainy(64, 64), hole_in(64, 64))
