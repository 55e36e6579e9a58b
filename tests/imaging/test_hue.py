import cv2
import numpy as np
import pytest
import torch

from rechroma.imaging.color import ycbcr_from_rgb
from rechroma.imaging.hue import cell_histograms, fold_gray, hue_histogram, hue_of_chroma
from rechroma.inference.hue_transfer import (
    FADE_BETWEEN,
    FAINT,
    SHARPNESS,
    blend_histograms,
    sharpen,
    transfer_hues,
)


def chroma_of(photo):
    planes = np.moveaxis(photo.astype(np.float32) / 255, -1, 0)
    return np.stack(ycbcr_from_rgb(*planes)[1:])


def test_a_histogram_counts_what_opencv_counts(photo):
    photo[:8] = photo[:8, :, :1]
    plane = cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)[..., 0]
    counted = np.bincount(plane.ravel(), minlength=180) / plane.size
    found = hue_histogram(photo)
    assert found.sum() == pytest.approx(1)
    assert found[180] == pytest.approx((photo == photo[..., :1]).all(axis=-1).mean())
    np.testing.assert_allclose(fold_gray(found), counted, atol=1e-6)


def test_folding_leaves_the_histogram_as_it_was():
    shares = torch.rand(2, 181)
    before = shares.clone()
    folded = fold_gray(shares)
    assert torch.equal(shares, before)
    assert torch.equal(folded[:, 0], shares[:, 0] + shares[:, 180])


def test_each_place_is_counted_alone(photo):
    photo[:, :20] = 90  # some grays
    found = cell_histograms(photo, 3, 4)
    assert found.shape == (181, 3, 4)
    for row in range(3):
        for column in range(4):
            place = np.ascontiguousarray(photo[32 * row :, 32 * column :][:32, :32])
            np.testing.assert_allclose(found[:, row, column], hue_histogram(place), atol=1e-6)


def impose(chroma, places):
    """With what the places say together."""
    return transfer_hues(chroma, places.mean(axis=(1, 2)), places)


@pytest.fixture
def chroma(photo):
    """Of a small photograph: `(2, 24, 32)` float32."""
    return chroma_of(np.ascontiguousarray(photo[::4, ::4]))


def shares_of(spans):
    """`(181, 1, 1)`: of the hues of each span, as much as is said."""
    wanted = np.zeros((181, 1, 1), dtype=np.float32)
    for (first, last), share in spans.items():
        wanted[first:last] = share / (last - first)
    return wanted


def test_a_photographs_own_hues_change_nothing(photo, chroma):
    turned = impose(chroma, cell_histograms(np.ascontiguousarray(photo[::4, ::4]), 1, 1))
    assert np.abs(turned - chroma).mean() < 0.01


def test_what_is_imposed_is_there_afterwards(chroma):
    wanted = shares_of({(10, 20): 0.6, (100, 110): 0.3, (180, 181): 0.1})
    turned = impose(chroma, wanted)
    found = hue_of_chroma(turned)
    colored = np.hypot(*turned) > 0
    assert colored.mean() == pytest.approx(0.9, abs=0.01)
    for first, last, share in ((9.5, 19.5, 2 / 3), (99.5, 109.5, 1 / 3)):
        inside = ((found > first - 0.1) & (found < last + 0.1))[colored].mean()
        assert inside == pytest.approx(share, abs=0.01)


def test_hues_come_where_they_are_likely():
    between = np.random.default_rng(0).uniform(80, 90, (8, 16)).astype(np.float32)
    painted = np.stack([2 * between, np.ones_like(between), np.ones_like(between)], axis=-1)
    chroma = chroma_of(255 * cv2.cvtColor(painted, cv2.COLOR_HSV2RGB))
    left = shares_of({(50, 60): 1.0})
    right = shares_of({(110, 120): 1.0})
    found = hue_of_chroma(impose(chroma, np.concatenate([left, right], axis=2)))
    green = (found > 49) & (found < 61)
    assert green[:, :4].all()
    assert not green[:, 12:].any()


def test_a_place_that_is_all_gray_takes_no_part(chroma):
    places = np.concatenate([shares_of({(40, 50): 1.0}), shares_of({(180, 181): 1.0})], axis=2)
    turned = impose(chroma, places)
    assert np.isfinite(turned).all()
    assert (np.hypot(*turned) == 0).mean() == pytest.approx(0.5, abs=0.01)


def test_of_equally_likely_hues_each_color_gets_the_nearest(chroma):
    turned = impose(chroma, shares_of({(0, 180): 1.0}))
    apart = np.abs((hue_of_chroma(turned) - hue_of_chroma(chroma) + 90) % 180 - 90)
    drawn = (np.arange(chroma[0].size) + 0.5) / chroma[0].size * 180 - 0.5
    before = hue_of_chroma(chroma).ravel()
    # On a circle the cheapest way keeps the order, shifted by some number of places.
    shifts = [np.roll(drawn, shift) for shift in range(drawn.size)]
    costs = [
        (np.abs((shifted - np.sort(before) + 90) % 180 - 90) ** 2).mean() for shifted in shifts
    ]
    assert (apart**2).mean() == pytest.approx(min(costs), rel=0.02)


def test_a_color_keeps_its_strength_but_where_its_hue_is_turned_far(chroma):
    turned = impose(chroma, shares_of({(40, 50): 1.0}))
    apart = np.abs((hue_of_chroma(turned) - hue_of_chroma(chroma) + 90) % 180 - 90)
    kept = np.hypot(*turned) / np.maximum(np.hypot(*chroma), 1e-9)
    near, far = apart < FADE_BETWEEN[0] - 0.1, apart > FADE_BETWEEN[1] + 0.1
    assert near.any()
    assert far.any()
    np.testing.assert_allclose(kept[near], 1, rtol=1e-3)
    faint = np.minimum(np.hypot(*chroma), FAINT)
    np.testing.assert_allclose(np.hypot(*turned)[far], faint[far], rtol=1e-3, atol=1e-6)


def test_what_is_painted_counts_half(photo):
    photo = np.ascontiguousarray(photo[::2, ::2])
    said = shares_of({(20, 30): 0.8, (180, 181): 0.2})
    chroma = chroma_of(photo)
    found = blend_histograms(chroma, said)
    assert found.sum() == pytest.approx(1)
    assert found[180] == pytest.approx(0.2)
    strength = np.hypot(*chroma)
    colored = strength > np.quantile(strength, 0.2)
    painted = np.histogram(hue_of_chroma(chroma)[colored] % 179.5, np.arange(181) - 0.5)[0]
    expected = 0.4 * painted / painted.sum() + 0.5 * said[:180, 0, 0]
    assert np.corrcoef(found[:180], expected)[0, 1] > 0.999


def test_of_grays_alone_nothing_painted_is_asked(chroma):
    said = shares_of({(180, 181): 1.0})
    np.testing.assert_allclose(blend_histograms(chroma, said), said[:, 0, 0])


def test_sharpened_places_keep_their_grays_and_favor_what_is_likely():
    places = np.concatenate(
        [shares_of({(10, 11): 0.6, (90, 91): 0.3, (180, 181): 0.1}), shares_of({(180, 181): 1.0})],
        axis=2,
    )
    sharp = sharpen(places)
    np.testing.assert_allclose(sharp.sum(axis=0), 1, rtol=1e-6)
    np.testing.assert_allclose(sharp[180], places[180])
    assert sharp[10, 0, 0] / sharp[90, 0, 0] == pytest.approx(2**SHARPNESS)
    assert not sharp[:180, 0, 1].any()


def test_hues_are_those_of_opencv(photo):
    found = hue_of_chroma(chroma_of(photo))
    plane = cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)
    colored = plane[..., 1] > 20
    apart = np.abs((found - plane[..., 0] + 90) % 180 - 90)
    assert apart[colored].max() < 1


def test_without_any_colored_share_all_becomes_gray(chroma):
    assert not impose(chroma, shares_of({(180, 181): 1.0})).any()
