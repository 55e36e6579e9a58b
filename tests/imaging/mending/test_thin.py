import cv2
import numpy as np
import pytest

from rechroma.imaging.mending.thin import SHOULDER, WIDEST, thin_part


def empty():
    return np.zeros((200, 300), np.uint8)


@pytest.mark.parametrize("width", [1, 2, 5, 9])
def test_lines_are_thin_in_any_direction(width):
    for end in ((280, 100), (150, 190), (280, 180)):
        line = cv2.line(empty(), (20, 20), end, 1, width).astype(bool)
        np.testing.assert_array_equal(thin_part(line), line)


@pytest.mark.parametrize("radius", [2, 5])
def test_small_spots_are_thin(radius):
    spot = cv2.circle(empty(), (100, 100), radius, 1, cv2.FILLED).astype(bool)
    assert thin_part(spot).sum() == spot.sum()


def test_rectangles_and_circles_are_not_thin():
    for side in (WIDEST + 2, 40, 120):
        square, disc = empty(), cv2.circle(empty(), (150, 100), side // 2 + 1, 1, cv2.FILLED)
        square[20 : 20 + side, 30 : 30 + 2 * side] = 1
        for hole in (square, disc):
            assert not thin_part(hole.astype(bool)).any()


def test_the_corners_of_a_polygon_are_not_thin():
    corners = np.array([[30, 180], [150, 20], [270, 180]])
    polygon = cv2.fillPoly(empty(), [corners], 1).astype(bool)
    assert not thin_part(polygon).any()


def test_a_crack_from_a_hole_is_thin_where_it_has_left_it():
    hole = empty()
    hole[50:150, 20:100] = 1
    crack = hole.copy()
    crack[98:101, 100:290] = 1
    thin = thin_part(crack.astype(bool))
    assert not thin[:, : 100 + SHOULDER - WIDEST].any()
    assert thin[98:101, 100 + SHOULDER + WIDEST : 290].all()


def test_a_band_along_the_border_counts_as_wider():
    band = empty()
    band[:, :10] = 1
    assert not thin_part(band.astype(bool)).any()
    band[:, 5:] = 0
    assert thin_part(band.astype(bool)).any()


def test_where_nothing_is_lost_nothing_is_thin():
    assert not thin_part(empty().astype(bool)).any()


def test_where_all_is_lost_nothing_is_thin():
    assert not thin_part(np.ones((30, 40), bool)).any()
