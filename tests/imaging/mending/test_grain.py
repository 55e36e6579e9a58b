import numpy as np

from rechroma.imaging.mending.grain import UNKNOWN, grain_levels


def grainy(level, shape=(120, 120)):
    noise = np.random.default_rng(3).normal(0, level, shape)
    return np.clip(np.rint(128 + noise), 0, 255).astype(np.uint8)


def test_the_level_is_the_deviation_of_the_noise():
    for level in (2, 5, 10):
        luma = grainy(level)
        measured = grain_levels(luma, np.zeros(luma.shape, bool)).mean()
        assert abs(measured / luma.std() - 1) < 0.12


def test_it_is_measured_nearby():
    luma = np.hstack([grainy(2), grainy(5)])
    levels = grain_levels(luma, np.zeros(luma.shape, bool))
    assert levels[:, :90].mean() < 0.7 * levels[:, 150:].mean()


def test_damage_does_not_count():
    luma, mask = grainy(3), np.zeros((120, 120), bool)
    mask[50:60] = True
    plain = grain_levels(luma, mask)
    np.testing.assert_array_equal(plain, grain_levels(np.where(mask, 255, luma), mask))


def test_straight_edges_are_no_grain():
    luma = np.repeat([[40, 200]], 60, axis=1).repeat(120, axis=0).astype(np.uint8)
    assert grain_levels(luma, np.zeros(luma.shape, bool)).max() < 0.5


def test_where_nothing_is_known_it_is_a_usual_one():
    luma = np.full((20, 20), 100, np.uint8)
    assert (grain_levels(luma, np.ones((20, 20), bool)) == UNKNOWN).all()
