from collections.abc import Callable

import cv2
import numpy as np
import pytest

from rechroma.imaging.inpaint import FILLS, TELEA_RADIUS, push_pull, soft_telea, telea

Fill = Callable[[np.ndarray, np.ndarray], np.ndarray]

CLASSICAL: list[Fill] = [push_pull, telea, soft_telea]


@pytest.fixture
def mask(luma: np.ndarray) -> np.ndarray:
    circle = np.zeros(luma.shape, dtype=np.uint8)
    cv2.circle(circle, (60, 50), 20, 1, cv2.FILLED)
    return circle.astype(bool)


def error(filled: np.ndarray, target: np.ndarray, mask: np.ndarray) -> float:
    """Mean absolute difference in the hole, gray levels."""
    return float(np.abs(filled.astype(float) - target)[mask].mean())


@pytest.mark.parametrize("name", FILLS)
def test_known_pixels_are_kept(name: str, luma: np.ndarray, mask: np.ndarray) -> None:
    before = luma.copy()
    filled = FILLS[name](luma, mask)
    assert filled.dtype == np.uint8
    assert np.array_equal(filled[~mask], luma[~mask])
    assert np.array_equal(luma, before)


@pytest.mark.parametrize("name", FILLS)
def test_a_photo_without_a_hole_is_unchanged(name: str, luma: np.ndarray) -> None:
    assert np.array_equal(FILLS[name](luma, np.zeros(luma.shape, dtype=bool)), luma)


@pytest.mark.parametrize(
    ("fill", "tolerance"),
    [(push_pull, 0), (telea, 6), (soft_telea, 6)],
)
@pytest.mark.parametrize("gray", [0, 119, 255])
def test_a_hole_in_one_gray_gets_that_gray(
    fill: Fill, tolerance: int, gray: int, mask: np.ndarray
) -> None:
    flat = np.full(mask.shape, gray, dtype=np.uint8)
    filled = fill(np.where(mask, 77, flat).astype(np.uint8), mask)
    np.testing.assert_allclose(filled, flat, rtol=0, atol=tolerance)


@pytest.mark.parametrize("fill", CLASSICAL)
def test_the_gray_inside_the_hole_does_not_matter(
    fill: Fill, luma: np.ndarray, mask: np.ndarray
) -> None:
    dark, light = (np.where(mask, gray, luma).astype(np.uint8) for gray in (3, 250))
    assert np.array_equal(fill(dark, mask), fill(light, mask))


def test_push_pull_continues_a_ramp() -> None:
    ramp = np.tile(np.linspace(20, 220, 64).round().astype(np.uint8), (48, 1))
    mask = np.zeros(ramp.shape, dtype=bool)
    mask[15:30, 20:40] = True
    assert np.abs(push_pull(ramp, mask).astype(int) - ramp).max() <= 4


def test_push_pull_is_closer_to_the_target_than_the_mean(
    luma: np.ndarray, mask: np.ndarray
) -> None:
    mean = np.full_like(luma, luma[~mask].mean())
    assert error(push_pull(luma, mask), luma, mask) < 0.7 * error(mean, luma, mask)


def test_push_pull_stays_within_the_known_grays(luma: np.ndarray, mask: np.ndarray) -> None:
    narrow = 100 + luma // 10
    filled = push_pull(narrow, mask)
    assert narrow[~mask].min() <= filled[mask].min()
    assert filled[mask].max() <= narrow[~mask].max()


def test_telea_is_that_of_opencv(luma: np.ndarray, mask: np.ndarray) -> None:
    expected = cv2.inpaint(luma, mask.astype(np.uint8), TELEA_RADIUS, cv2.INPAINT_TELEA)
    assert np.array_equal(telea(luma, mask), expected)


def test_push_pull_of_a_wholly_lost_photo_is_middle_gray() -> None:
    lost = np.ones((33, 20), dtype=bool)
    assert (push_pull(np.zeros(lost.shape, dtype=np.uint8), lost) == 128).all()


def test_push_pull_spreads_a_single_known_pixel() -> None:
    luma, mask = np.zeros((37, 50), dtype=np.uint8), np.ones((37, 50), dtype=bool)
    luma[5, 44], mask[5, 44] = 201, False
    assert (push_pull(luma, mask) == 201).all()


@pytest.mark.parametrize("fill", CLASSICAL)
@pytest.mark.parametrize("shape", [(1, 40), (40, 1), (2, 2)])
def test_narrow_photos_are_filled(fill: Fill, shape: tuple[int, int]) -> None:
    luma, mask = np.full(shape, 70, dtype=np.uint8), np.zeros(shape, dtype=bool)
    luma.flat[0], mask.flat[0] = 0, True
    drift = 0 if fill is push_pull else 6  # levels; OpenCV's Telea is not exact
    assert np.abs(fill(luma, mask).astype(int) - 70).max() <= drift


def test_soft_telea_keeps_to_telea_at_the_border_and_is_smoother_deep_inside(luma, mask):
    hard, soft = (fill(luma, mask).astype(float) for fill in (telea, soft_telea))
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    border, inside = depth == 1, depth > 8
    assert np.abs(soft - hard)[border].mean() < np.abs(soft - hard)[inside].mean()
    assert (
        np.abs(cv2.Laplacian(soft, -1))[inside].mean()
        < np.abs(cv2.Laplacian(hard, -1))[inside].mean()
    )
