import numpy as np
import pytest

from rechroma.imaging.chroma_bins import STEP, bin_centers, bin_shares, decode_bins, soft_bins
from rechroma.imaging.color import rgb_from_ycbcr


def sure_of(number):
    logits = np.zeros((len(bin_centers()), 1, 1), np.float32)
    logits[number] = 100
    return logits


def test_bins_are_on_a_grid_and_gray_is_the_first():
    levels = bin_centers() * 255
    np.testing.assert_allclose(levels, np.rint(levels / STEP) * STEP, atol=1e-3)
    assert len(np.unique(np.rint(levels), axis=0)) == len(levels)
    assert not bin_centers()[0].any()


def test_rgb_has_the_color_of_every_bin_at_some_luma():
    cb, cr = bin_centers().T
    channels = np.stack(rgb_from_ycbcr(np.linspace(0, 1, 256)[:, None], cb, cr))
    assert ((channels >= 0) & (channels <= 1)).all(axis=0).any(axis=0).all()


def test_the_nearest_bin_has_the_largest_weight():
    bins, weights = soft_bins()
    generator = np.random.default_rng(0)
    for cb, cr in generator.integers(-128, 128, (50, 2)):
        distances = np.hypot(*(bin_centers() * 255 - (cb, cr)).T)
        chosen = bins[cb + 128, cr + 128]
        np.testing.assert_allclose(distances[chosen], np.sort(distances)[: len(chosen)])
        assert (np.diff(weights[cb + 128, cr + 128]) <= 1e-6).all()
    np.testing.assert_allclose(weights.sum(axis=2), 1, rtol=1e-5)


def test_the_shares_of_a_photograph_are_those_of_its_pixels():
    photo = np.zeros((4, 4, 3), np.uint8)
    photo[:2] = (200, 40, 40)
    gray, red = bin_shares(np.zeros((1, 1, 3), np.uint8)), bin_shares(photo[:1, :1])
    np.testing.assert_allclose(bin_shares(photo), (gray + red) / 2, atol=1e-6)


@pytest.mark.parametrize("temperature", [0.2, 1.0, 3.0])
def test_a_sure_color_is_decoded_at_any_temperature(temperature):
    decoded = decode_bins(sure_of(30), temperature)
    np.testing.assert_allclose(decoded[:, 0, 0], bin_centers()[30], atol=1e-4)


def bins_at(*colors):
    """Logits of equally likely bins, those nearest to colors in levels."""
    logits = np.full((len(bin_centers()), 1, 1), -100, np.float32)
    for color in colors:
        logits[np.hypot(*(bin_centers() * 255 - color).T).argmin()] = 0
    return logits


def test_a_mean_of_one_hue_may_be_as_strong_as_what_it_is_of():
    logits = bins_at((20, 20), (60, 60))
    mean, vivid = (decode_bins(logits, 1.0, each)[:, 0, 0] for each in (0.0, 1.0))
    np.testing.assert_allclose(mean * 255, [40, 40], atol=1e-3)
    np.testing.assert_allclose(vivid, mean, rtol=1e-5)  # of exactly one hue: as strong already
    logits = bins_at((60, 0), (0, 60))
    mean, vivid = (decode_bins(logits, 1.0, each)[:, 0, 0] for each in (0.0, 1.0))
    assert np.hypot(*mean) < np.hypot(*vivid) < 60 / 255


def test_a_mean_of_opposite_hues_stays_quiet():
    logits = bins_at((60, -40), (-60, 40), (10, 0))
    mean, vivid = (decode_bins(logits, 1.0, each) for each in (0.0, 1.0))
    np.testing.assert_array_equal(mean, vivid)


def test_two_likely_colors_give_their_mean_and_at_low_temperature_the_likelier():
    logits = np.full((len(bin_centers()), 1, 1), -100, np.float32)
    logits[40], logits[90] = 1.0, 0.6
    shares = np.exp([1.0, 0.6]) / np.exp([1.0, 0.6]).sum()
    expected = shares @ bin_centers()[[40, 90]]
    np.testing.assert_allclose(decode_bins(logits, 1.0)[:, 0, 0], expected, atol=1e-5)
    np.testing.assert_allclose(decode_bins(logits, 0.05)[:, 0, 0], bin_centers()[40], atol=1e-3)
