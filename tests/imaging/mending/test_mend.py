import cv2
import numpy as np
import pytest
from skimage import data

from rechroma.imaging.inpaint import telea
from rechroma.imaging.mending import mend as mending
from rechroma.imaging.mending.grain import KERNEL
from rechroma.imaging.mending.mend import mend


@pytest.fixture(scope="module")
def photograph():
    reduced = cv2.resize(data.astronaut(), (256, 256), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(reduced, cv2.COLOR_RGB2GRAY)


def scratches(shape, width, number=6, seed=0):
    """Straight lines from side to side: `(H, W)` bool."""
    generator = np.random.default_rng(seed)
    drawn = np.zeros(shape, np.uint8)
    for _ in range(number):
        first, last = generator.integers(0, shape[0], 2).tolist()
        ends = ((0, first), (shape[1] - 1, last))
        if generator.random() < 0.5:
            ends = ((first, 0), (last, shape[0] - 1))
        cv2.line(drawn, *ends, 1, width)
    return drawn.astype(bool)


def damaged(photograph, mask):
    return np.where(mask, 240, photograph).astype(np.uint8)


def distance(one, other, mask):
    return np.abs(one.astype(float) - other)[mask].mean()


def deviation(gray, mask):
    """Of the grain of these pixels."""
    return np.median(np.abs(cv2.filter2D(gray, cv2.CV_32F, KERNEL)[mask])) / 0.6745


@pytest.mark.parametrize("width", [1, 3, 7, 11])
def test_scratches_are_nearer_to_the_truth_than_by_opencv(photograph, width):
    mask = scratches(photograph.shape, width)
    picture = damaged(photograph, mask)
    ours, theirs = mend(picture, mask, mask), telea(picture, mask)
    assert distance(ours, photograph, mask) < 0.97 * distance(theirs, photograph, mask)


def test_known_pixels_and_other_holes_are_kept(photograph):
    lost = scratches(photograph.shape, 3)
    thin = lost.copy()
    thin[:, 128:] = False
    picture = damaged(photograph, lost)
    mended = mend(picture, thin, lost)
    np.testing.assert_array_equal(mended[~thin], picture[~thin])
    assert distance(mended, photograph, thin) < 0.3 * distance(picture, photograph, thin)


def test_damage_beside_another_hole_is_mended_from_what_is_known(photograph):
    lost = np.zeros(photograph.shape, bool)
    lost[60:160, 60:100] = lost[110:113, 100:200] = True
    thin = lost.copy()
    thin[:, :100] = False
    mended = mend(damaged(photograph, lost), thin, lost)
    other = mend(np.where(lost, 3, photograph).astype(np.uint8), thin, lost)
    assert distance(mended, photograph, thin) < 15
    assert distance(mended, other, thin) < 6  # the gray of the damage says nothing


def test_grain_goes_on():
    noise = np.random.default_rng(1).normal(0, 6, (160, 160))
    ramp = np.add.outer(np.arange(160), np.arange(160)) / 4 + 80
    grainy = np.clip(np.rint(ramp + noise), 0, 255).astype(np.uint8)
    mask = np.zeros(grainy.shape, bool)
    mask[40:49] = mask[100:109] = True
    inside = cv2.erode(mask.astype(np.uint8), np.ones((5, 5))) > 0
    levels = [deviation(each, inside) for each in (mend(damaged(grainy, mask), mask, mask), grainy)]
    assert 0.75 < levels[0] / levels[1] < 1.25


def test_a_smooth_picture_gets_no_grain():
    ramp = np.tile(np.arange(20, 220, dtype=np.uint8), (100, 1))
    mask = np.zeros(ramp.shape, bool)
    mask[:, 90:97] = True
    mended = mend(damaged(ramp, mask), mask, mask)
    assert np.abs(mended.astype(int) - ramp).max() <= 5
    assert np.ptp(mended[20:80].astype(int), axis=0).max() <= 1


def test_the_same_photograph_gives_the_same_result_with_any_number_of_threads(photograph):
    mask = scratches(photograph.shape, 5)
    picture = damaged(photograph, mask)
    first = mend(picture, mask, mask, threads=1)
    np.testing.assert_array_equal(first, mend(picture, mask, mask, threads=3))
    np.random.default_rng(7).random()
    np.testing.assert_array_equal(first, mend(picture, mask, mask))


def test_tiles_leave_no_seam(photograph, monkeypatch):
    monkeypatch.setattr(mending, "GRAIN", 0)
    mask = scratches(photograph.shape, 5)
    picture = damaged(photograph, mask)
    tiled = mend(picture, mask, mask)
    monkeypatch.setattr(mending, "TILE", 256)
    whole = mend(picture, mask, mask)
    assert distance(tiled, whole, mask) < 1.5


def test_nothing_lost_is_a_copy(photograph):
    nothing = np.zeros(photograph.shape, bool)
    mended = mend(photograph, nothing, nothing)
    np.testing.assert_array_equal(mended, photograph)
    assert mended is not photograph


@pytest.mark.parametrize("border", [np.s_[:3], np.s_[-3:], np.s_[:, :3], np.s_[:, -3:]])
def test_damage_at_the_border_is_mended(photograph, border):
    mask = np.zeros(photograph.shape, bool)
    mask[border] = True
    picture = damaged(photograph, mask)
    ours, theirs = mend(picture, mask, mask), telea(picture, mask)
    assert distance(ours, photograph, mask) < 1.05 * distance(theirs, photograph, mask)


@pytest.mark.parametrize("shape", [(1, 30), (2, 2), (5, 40), (9, 8), (129, 9)])
def test_small_pictures_are_mended(shape):
    picture = np.full(shape, 90, np.uint8)
    mask = np.zeros(shape, bool)
    mask[shape[0] // 2, shape[1] // 2] = True
    mended = mend(np.where(mask, 0, picture).astype(np.uint8), mask, mask)
    assert np.abs(mended.astype(int) - 90).max() <= 2


def test_a_gray_picture_in_three_channels_stays_gray(photograph):
    mask = scratches(photograph.shape, 3)
    picture = damaged(photograph, mask)
    mended = mend(np.dstack([picture] * 3), mask, mask)
    assert np.ptp(mended.astype(int), axis=2).max() == 0
    assert distance(mended[..., 0], mend(picture, mask, mask), mask) < 4  # grain differs
