import cv2
import numpy as np
import pytest

from rechroma.inference.even_tone import even_tone


@pytest.fixture
def print_luma():
    """A photograph of mild contrast, `(200, 240)` uint8, with grain."""
    rows, columns = np.mgrid[0:200, 0:240]
    grain = np.random.default_rng(0).normal(0, 3, (200, 240))
    levels = 130 + 60 * np.sin(columns / 60) + 40 * np.cos(rows / 50) + grain
    return np.clip(levels, 0, 255).astype(np.uint8)


@pytest.fixture
def stained(print_luma):
    """The photograph with a darker round stain of soft edges, and its mask."""
    rows, columns = np.mgrid[0:200, 0:240]
    inside = (np.hypot(rows - 100, columns - 120) < 40).astype(np.float32)
    soft = cv2.GaussianBlur(inside, (0, 0), 2)
    return np.clip(print_luma - 35 * soft, 0, 255).astype(np.uint8), soft > 0.3


def everything(gray):
    return np.ones(gray.shape, bool)


def test_a_stain_is_evened_and_its_grain_is_kept(print_luma, stained):
    gray, mask = stained
    evened = even_tone(gray, everything(gray), mask)
    assert evened.notes == ("1 stain evened",)

    def error(other):
        return np.abs(other[mask].astype(int) - print_luma[mask]).mean()

    assert error(evened.gray) < 0.3 * error(gray)
    change = evened.gray.astype(int) - gray
    assert np.abs(cv2.Laplacian(change.astype(np.float32), cv2.CV_32F))[95:105].max() <= 8


def test_what_is_not_stained_stays_exactly(stained):
    gray, mask = stained
    evened = even_tone(gray, everything(gray), mask)
    assert np.array_equal(evened.gray[~mask], gray[~mask])


def test_a_place_that_is_not_stained_is_left_as_it_is(print_luma):
    mask = np.zeros(print_luma.shape, bool)
    mask[60:140, 80:160] = True  # no stain is there
    evened = even_tone(print_luma, everything(print_luma), mask)
    assert evened.gray is print_luma


def test_small_stains_are_left_alone(print_luma):
    mask = np.zeros(print_luma.shape, bool)
    mask[100:103, 100:103] = True
    evened = even_tone(print_luma, everything(print_luma), mask)
    assert evened.gray is print_luma
    assert evened.notes == ()


def test_faded_grays_are_stretched(print_luma):
    faded = (85 + print_luma * 0.4).astype(np.uint8)
    evened = even_tone(faded, everything(faded), ~everything(faded))
    assert "faded" in evened.notes[0]
    low, high = np.percentile(evened.gray, (1, 99))
    assert (low < 20, high > 235) == (True, True)


@pytest.mark.parametrize("shift", [-80, 0, 80])
def test_night_mist_and_full_contrast_are_not_faded(print_luma, shift):
    gray = np.clip(print_luma * (0.4 if shift else 1.0) + max(shift, 0) * 1.9, 0, 255)
    gray = gray.astype(np.uint8)
    assert even_tone(gray, everything(gray), ~everything(gray)).gray is gray


def test_16_bits_stay_16_bits(stained):
    gray, mask = stained
    deep = gray.astype(np.uint16) * np.uint16(257)
    evened = even_tone(deep, everything(gray), mask).gray
    assert evened.dtype == np.uint16
    expected = even_tone(gray, everything(gray), mask).gray
    assert np.abs(evened / 257 - expected).max() <= 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 3)])
def test_the_smallest_photographs_pass(shape):
    gray = np.full(shape, 100, np.uint8)
    assert even_tone(gray, everything(gray), everything(gray)).gray.shape == shape
    assert even_tone(gray, ~everything(gray), ~everything(gray)).gray.shape == shape
