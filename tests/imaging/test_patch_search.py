import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from rechroma.imaging.patch_search import REACH, nearest_patches


@pytest.fixture
def textured():
    """A plane of texture, `(48, 64)` float32, and a hole in it that touches its border."""
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[0:48, 0:64]
    plane = 40 * np.sin(columns / 2) + 40 * np.cos((rows + columns) / 3) + 120
    lost = np.zeros((48, 64), bool)
    lost[18:30, 20:40] = lost[40:, 5:12] = True
    return (plane + generator.normal(0, 3, plane.shape)).astype(np.float32), lost


def patches_at(plane, places):
    padded = np.pad(plane, REACH, mode="symmetric")
    windows = sliding_window_view(padded, (2 * REACH + 1, 2 * REACH + 1))
    return windows[tuple(places.T)].reshape(len(places), -1)


def test_matches_are_known_whole_patches(textured):
    plane, lost = textured
    places = nearest_patches(plane, lost, seed=0)
    assert places.shape == (lost.sum(), 2)
    for row, column in places:
        assert REACH <= row < 48 - REACH and REACH <= column < 64 - REACH
        assert not lost[row - REACH : row + REACH + 1, column - REACH : column + REACH + 1].any()


def test_matches_cost_little_more_than_those_of_a_search_through_all_patches(textured):
    plane, lost = textured
    side = 2 * REACH + 1
    whole = ~sliding_window_view(lost, (side, side)).any(axis=(2, 3))
    every = patches_at(plane, np.argwhere(whole) + REACH)  # (S, P)
    own = patches_at(plane, np.argwhere(lost))  # (N, P)
    costs = ((own[:, None] - every) ** 2).sum(axis=2)  # (N, S)
    least = costs.min(axis=1)
    found = ((own - patches_at(plane, nearest_patches(plane, lost, seed=0))) ** 2).sum(axis=1)
    assert (found >= least - 1e-2).all()
    assert found.mean() < 1.6 * least.mean()
    assert np.median(costs) > 10 * least.mean()  # what chance would find


def test_a_seed_gives_one_result(textured):
    first, second = (nearest_patches(*textured, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_without_a_known_patch_there_is_no_match(textured):
    plane, lost = textured
    lost[::5, ::5] = True
    assert nearest_patches(plane, lost, seed=0) is None
