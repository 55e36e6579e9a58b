import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from rechroma.imaging.color import ycbcr_from_rgb
from rechroma.imaging.hue import cell_histograms, hue_of_chroma
from rechroma.inference.hue_transfer import (
    FADE_BETWEEN,
    FAINT,
    SHARE_BLUR,
    SHARPNESS,
    blend_histograms,
    blur_shares,
    sharpen,
    transfer_hues,
)


def chroma_of(photo):
    planes = np.moveaxis(photo.astype(np.float32) / 255, -1, 0)
    return np.stack(ycbcr_from_rgb(*planes)[1:])


def transfer_mean(chroma, histograms):
    """Hue transfer to the mean of the cells' histograms."""
    return transfer_hues(chroma, histograms.mean(axis=(1, 2)), histograms)


def hue_distance(chroma, other):
    return np.abs((hue_of_chroma(chroma) - hue_of_chroma(other) + 90) % 180 - 90)


@pytest.fixture
def chroma(photo):
    """Of a small photograph: `(2, 24, 32)` float32."""
    return chroma_of(np.ascontiguousarray(photo[::4, ::4]))


def shares_of(spans):
    """`(181, 1, 1)`: the share of each span of hues, evenly over the span."""
    shares = np.zeros((181, 1, 1), dtype=np.float32)
    for (first, last), share in spans.items():
        shares[first:last] = share / (last - first)
    return shares


def test_a_photographs_own_hues_change_nothing(photo, chroma):
    turned = transfer_mean(chroma, cell_histograms(np.ascontiguousarray(photo[::4, ::4]), 1, 1))
    assert np.abs(turned - chroma).mean() < 0.01


def test_the_result_has_the_histogram_that_was_asked_for(chroma):
    histogram = shares_of({(10, 20): 0.6, (100, 110): 0.3, (180, 181): 0.1})
    turned = transfer_mean(chroma, histogram)
    hues = hue_of_chroma(turned)
    colored = np.hypot(*turned) > 0
    assert colored.mean() == pytest.approx(0.9, abs=0.01)
    for first, last, share in ((9.5, 19.5, 2 / 3), (99.5, 109.5, 1 / 3)):
        inside = ((hues > first - 0.1) & (hues < last + 0.1))[colored].mean()
        assert inside == pytest.approx(share, abs=0.01)


def test_hues_are_assigned_to_the_cells_where_they_are_likely():
    between = np.random.default_rng(0).uniform(80, 90, (8, 16)).astype(np.float32)
    painted = np.stack([2 * between, np.ones_like(between), np.ones_like(between)], axis=-1)
    chroma = chroma_of(255 * cv2.cvtColor(painted, cv2.COLOR_HSV2RGB))
    left = shares_of({(50, 60): 1.0})
    right = shares_of({(110, 120): 1.0})
    hues = hue_of_chroma(transfer_mean(chroma, np.concatenate([left, right], axis=2)))
    green = (hues > 49) & (hues < 61)
    assert green[:, :4].all()
    assert not green[:, 12:].any()


def test_a_cell_that_is_all_gray_takes_no_part(chroma):
    cells = np.concatenate([shares_of({(40, 50): 1.0}), shares_of({(180, 181): 1.0})], axis=2)
    turned = transfer_mean(chroma, cells)
    assert np.isfinite(turned).all()
    assert (np.hypot(*turned) == 0).mean() == pytest.approx(0.5, abs=0.01)


def test_of_equally_likely_hues_each_color_gets_the_nearest(chroma):
    turned = transfer_mean(chroma, shares_of({(0, 180): 1.0}))
    sampled = (np.arange(chroma[0].size) + 0.5) / chroma[0].size * 180 - 0.5
    painted = np.sort(hue_of_chroma(chroma).ravel())
    # On a circle the cheapest assignment keeps the order, shifted by some number of hues.
    shifts = [np.roll(sampled, shift) for shift in range(sampled.size)]
    costs = [(np.abs((shifted - painted + 90) % 180 - 90) ** 2).mean() for shifted in shifts]
    cost = (hue_distance(turned, chroma) ** 2).mean()
    assert cost == pytest.approx(min(costs), rel=0.02)


def test_a_color_keeps_its_strength_unless_its_hue_is_turned_far(chroma):
    turned = transfer_mean(chroma, shares_of({(40, 50): 1.0}))
    distance = hue_distance(turned, chroma)
    kept = np.hypot(*turned) / np.maximum(np.hypot(*chroma), 1e-9)
    near, far = distance < FADE_BETWEEN[0] - 0.1, distance > FADE_BETWEEN[1] + 0.1
    assert near.any()
    assert far.any()
    np.testing.assert_allclose(kept[near], 1, rtol=1e-3)
    faint = np.minimum(np.hypot(*chroma), FAINT)
    np.testing.assert_allclose(np.hypot(*turned)[far], faint[far], rtol=1e-3, atol=1e-6)


def test_without_any_colored_share_all_becomes_gray(chroma):
    assert not transfer_mean(chroma, shares_of({(180, 181): 1.0})).any()


def test_painted_and_predicted_hues_count_half_each(photo):
    photo = np.ascontiguousarray(photo[::2, ::2])
    predicted = shares_of({(20, 30): 0.8, (180, 181): 0.2})
    chroma = chroma_of(photo)
    blended = blend_histograms(chroma, predicted)
    assert blended.sum() == pytest.approx(1)
    assert blended[180] == pytest.approx(0.2)
    strength = np.hypot(*chroma)
    colored = strength > np.quantile(strength, 0.2)
    painted = np.histogram(hue_of_chroma(chroma)[colored] % 179.5, np.arange(181) - 0.5)[0]
    expected = 0.4 * painted / painted.sum() + 0.5 * predicted[:180, 0, 0]
    assert np.corrcoef(blended[:180], expected)[0, 1] > 0.999


def test_a_histogram_of_gray_alone_has_no_painted_hues(chroma):
    predicted = shares_of({(180, 181): 1.0})
    np.testing.assert_allclose(blend_histograms(chroma, predicted), predicted[:, 0, 0])


def test_sharpened_cells_keep_their_gray_and_favor_likely_hues():
    cells = np.concatenate(
        [shares_of({(10, 11): 0.6, (90, 91): 0.3, (180, 181): 0.1}), shares_of({(180, 181): 1.0})],
        axis=2,
    )
    sharp = sharpen(cells)
    np.testing.assert_allclose(sharp.sum(axis=0), 1, rtol=1e-6)
    np.testing.assert_allclose(sharp[180], cells[180])
    assert sharp[10, 0, 0] / sharp[90, 0, 0] == pytest.approx(2**SHARPNESS)
    assert not sharp[:180, 0, 1].any()


@pytest.mark.parametrize("cells", [(1, 1), (6, 6), (2, 5)])
def test_shares_are_blurred_on_the_circle_as_scipy_does(cells):
    shares = np.random.default_rng(0).dirichlet(np.full(180, 0.1), cells).astype(np.float32)
    shares = np.moveaxis(shares, -1, 0)
    blurred = blur_shares(shares)
    assert blurred.dtype == np.float32
    expected = gaussian_filter1d(shares, SHARE_BLUR, axis=0, mode="wrap")
    np.testing.assert_allclose(blurred, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(blurred.sum(axis=0), 1, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_colors_that_are_no_numbers_are_an_error_and_not_assigned(chroma):
    chroma[0, 3, 5] = np.nan
    with pytest.raises(ValueError, match="not finite numbers"):
        transfer_hues(chroma, np.full(181, 1 / 181), np.full((181, 1, 1), 1 / 181, np.float32))


def test_one_color_gets_one_hue():
    chroma = np.array([0.1, 0.1], np.float32).reshape(2, 1, 1)
    turned = transfer_mean(chroma, shares_of({(40, 41): 1.0}))
    assert hue_of_chroma(turned).item() == pytest.approx(40, abs=0.5)
