import cv2
import numpy as np
import pytest
import torch

from rechroma import hues
from rechroma.colors import ycbcr_from_rgb


def chroma_of(photo):
    planes = np.moveaxis(photo.astype(np.float32) / 255, -1, 0)
    return np.stack(ycbcr_from_rgb(*planes)[1:])


def test_a_histogram_counts_what_opencv_counts(photo):
    photo[:8] = photo[:8, :, :1]
    plane = cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)[..., 0]
    counted = np.bincount(plane.ravel(), minlength=180) / plane.size
    found = hues.histogram(photo)
    assert found.sum() == pytest.approx(1)
    assert found[180] == pytest.approx((photo == photo[..., :1]).all(axis=-1).mean())
    np.testing.assert_allclose(hues.folded(found), counted, atol=1e-6)


def test_folding_leaves_the_histogram_as_it_was():
    shares = torch.rand(2, 181)
    before = shares.clone()
    folded = hues.folded(shares)
    assert torch.equal(shares, before)
    assert torch.equal(folded[:, 0], shares[:, 0] + shares[:, 180])


def test_each_place_is_counted_alone(photo):
    photo[:, :20] = 90  # some grays
    found = hues.histograms(photo, 3, 4)
    assert found.shape == (181, 3, 4)
    for row in range(3):
        for column in range(4):
            place = np.ascontiguousarray(photo[32 * row :, 32 * column :][:32, :32])
            np.testing.assert_allclose(found[:, row, column], hues.histogram(place), atol=1e-6)
    np.testing.assert_allclose(
        hues.histograms(photo, 1, 1).ravel(), hues.histogram(photo), atol=1e-6
    )


def test_a_photographs_own_hues_change_nothing(photo):
    chroma = chroma_of(photo)
    turned = hues.impose(chroma, hues.histogram(photo))
    assert np.abs(turned - chroma).mean() < 0.01


def test_what_is_imposed_is_there_afterwards(photo):
    wanted = np.zeros(181, dtype=np.float32)
    wanted[10:20], wanted[100:110], wanted[180] = 0.06, 0.03, 0.1
    chroma = chroma_of(photo)
    turned = hues.impose(chroma, wanted)
    found = hues.hue_of(turned)
    colored = np.hypot(*turned) > 0
    assert colored.mean() == pytest.approx(0.9, abs=0.01)
    for first, last, share in ((9.5, 19.5, 2 / 3), (99.5, 109.5, 1 / 3)):
        inside = ((found >= first) & (found <= last))[colored].mean()
        assert inside == pytest.approx(share, abs=0.02)


def test_a_color_keeps_its_strength_but_where_its_hue_is_turned_far(photo):
    chroma = chroma_of(photo)
    wanted = np.zeros(181, dtype=np.float32)
    wanted[40:50] = 0.1
    turned = hues.impose(chroma, wanted)
    apart = np.abs((hues.hue_of(turned) - hues.hue_of(chroma) + 90) % 180 - 90)
    kept = np.hypot(*turned) / np.maximum(np.hypot(*chroma), 1e-9)
    near, far = apart < hues.FADE_BETWEEN[0] - 0.1, apart > hues.FADE_BETWEEN[1] + 0.1
    assert near.any()
    assert far.any()
    np.testing.assert_allclose(kept[near], 1, rtol=1e-3)
    faint = np.minimum(np.hypot(*chroma), hues.FAINT)
    np.testing.assert_allclose(np.hypot(*turned)[far], faint[far], rtol=1e-3, atol=1e-6)


def test_hues_are_those_of_opencv(photo):
    found = hues.hue_of(chroma_of(photo))
    plane = cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)
    colored = plane[..., 1] > 20
    apart = np.abs((found - plane[..., 0] + 90) % 180 - 90)
    assert apart[colored].max() < 1


def test_without_any_colored_share_all_becomes_gray(photo):
    wanted = np.zeros(181, dtype=np.float32)
    wanted[180] = 1
    assert not hues.impose(chroma_of(photo), wanted).any()
