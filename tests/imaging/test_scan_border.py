import cv2
import numpy as np
import pytest

from rechroma.imaging.scan_border import Box, find_border


@pytest.fixture
def framed(luma):
    """A photograph of 96 x 128 px in a border: `framed(level, left, top, right, bottom)`."""

    def make(level, left=12, top=9, right=12, bottom=9):
        return np.pad(luma, ((top, bottom), (left, right)), constant_values=level)

    return make


@pytest.mark.parametrize("level", [0, 20, 250, 255])
def test_the_border_of_a_scan_is_found_to_the_pixel(framed, level):
    assert find_border(framed(level)) == Box(12, 9, 140, 105)


def test_a_border_may_be_noisy_and_compressed(framed):
    scan = framed(235).astype(float) + np.random.default_rng(0).normal(0, 3, (114, 152))
    _, data = cv2.imencode(".jpg", np.clip(scan, 0, 255).astype(np.uint8))
    found = find_border(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))
    assert found is not None
    assert np.abs(np.subtract(found, (12, 9, 140, 105))).max() <= 1


def test_two_sides_are_enough_and_one_is_not(framed):
    assert find_border(framed(250, left=0, top=0)) == Box(0, 0, 128, 96)
    assert find_border(framed(250, left=0, top=0, bottom=0)) is None


def test_a_border_wider_than_a_quarter_is_none(framed):
    assert find_border(framed(250, left=60, right=60, top=50, bottom=50)) is None


def test_a_photograph_without_border_has_none(luma):
    assert find_border(luma) is None
    assert find_border(np.full((100, 100), 250, np.uint8)) is None


def test_soft_edges_are_no_border(framed):
    assert find_border(cv2.GaussianBlur(framed(250, 30, 30, 30, 30), (0, 0), 9)) is None


def test_sides_of_different_grays_are_no_border(luma):
    scan = np.pad(luma, ((0, 0), (10, 0)), constant_values=0)
    assert find_border(np.pad(scan, ((0, 0), (0, 10)), constant_values=255)) is None


def test_lost_sides_are_no_border(framed):
    scan = framed(250)
    lost = np.zeros(scan.shape, bool)
    lost[:, -12:] = True
    assert find_border(scan, lost) == Box(12, 9, 152, 105)


def test_inside_and_outside_are_the_whole():
    box = Box(2, 1, 5, 4)
    outside = box.outside((6, 7))
    assert not outside[box.inside].any()
    assert outside.sum() == 6 * 7 - 9
