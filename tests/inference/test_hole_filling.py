import numpy as np
import pytest

from rechroma.inference import hole_filling
from rechroma.inference.hole_crops import HoleCrop
from rechroma.inference.hole_filling import (
    close_color_seam,
    continue_chroma,
    fill_hole,
    make_view,
    to_levels,
)

CORE, WHOLE = np.s_[60:120, 80:150], np.s_[0:200, 0:240]


@pytest.fixture
def mask():
    lost = np.zeros((200, 240), bool)
    lost[CORE] = True
    return lost


@pytest.fixture
def ramp():
    """`(200, 240)` uint8, darker on the left."""
    return np.tile(np.linspace(20, 235, 240).round().astype(np.uint8), (200, 1))


def test_a_view_is_filled_at_one_size_and_reduced_to_the_networks(ramp, mask):
    view = make_view(np.where(mask, 0, ramp), mask, "push_pull", hole_size=120, network_size=60)
    assert view.filled.shape == (100, 120)
    assert view.luma.shape == view.mask.shape == (50, 60)
    assert view.luma.min() > 10  # nothing of the damage is left
    assert view.mask[15:30, 20:37].all()


@pytest.mark.parametrize("hole_size", [240, 48])
def test_a_network_that_changes_nothing_leaves_the_fill(ramp, mask, hole_size):
    damaged = np.where(mask, 7, ramp)
    view = make_view(damaged, mask, "telea", hole_size, network_size=40)
    gray = fill_hole(view, view.luma.astype(np.float32) / 255, damaged, mask, CORE)
    assert gray.shape == (60 * 70,)
    assert np.abs(gray.astype(int) - ramp[mask]).mean() < 20


def test_a_brighter_prediction_brightens_the_hole(ramp, mask):
    view = make_view(ramp, mask, "telea", hole_size=240, network_size=240)
    predicted = view.luma.astype(np.float32) / 255
    same, brighter = (
        fill_hole(view, predicted + change * view.mask, ramp, mask, CORE).astype(int)
        for change in (np.float32(0), np.float32(0.1))
    )
    inside = (brighter - same).reshape(60, 70)[10:-10, 10:-10]
    assert np.abs(inside - 25.5).max() < 1


def test_the_color_of_a_hole_meets_the_known_color_whatever_was_predicted(mask):
    photo = np.full((200, 240, 3), (180, 90, 40), np.uint8)
    crop = HoleCrop(CORE, WHOLE)
    chroma = [
        continue_chroma(photo, mask, np.full((2, 50, 60), value, np.float32), crop, hole_size=128)
        for value in (-0.2, 0.3)
    ]
    assert chroma[0].shape == (2, 60, 70)
    np.testing.assert_allclose(*chroma, atol=1e-5)


def test_a_color_seam_is_closed_up_to_a_size(mask, monkeypatch):
    photo = np.full((200, 240, 3), 100, np.uint8)
    photo[mask] = 140
    closed = photo.copy()
    close_color_seam(closed, mask, HoleCrop(CORE, WHOLE))
    assert np.abs(np.diff(closed.astype(int), axis=0)).max() < 30
    np.testing.assert_array_equal(closed[~mask], photo[~mask])
    monkeypatch.setattr(hole_filling, "SEAM_SIZE", 100)
    kept = photo.copy()
    close_color_seam(kept, mask, HoleCrop(CORE, WHOLE))
    np.testing.assert_array_equal(kept, photo)


def test_levels_are_rounded_and_clipped():
    assert to_levels(np.array([-1, 0.001, 0.003, 2], np.float32)).tolist() == [0, 0, 1, 255]
