"""Masks of any shape: what holds for all of them."""

import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from rechroma.apps.batch.image_file import write_mask
from rechroma.apps.batch.mask_file import grow_mask, parse_mask, read_mask_file, widest_hole

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=24))
few = settings(
    derandomize=True,
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@few
@given(masks, st.integers(0, 9))
def test_a_grown_mask_is_that_of_a_disk(mask: np.ndarray, px: int) -> None:
    rows, columns = np.mgrid[-px : px + 1, -px : px + 1]
    disk = (rows**2 + columns**2 <= px**2).astype(np.uint8)
    expected = cv2.dilate(mask.astype(np.uint8), disk, borderValue=0)
    np.testing.assert_array_equal(grow_mask(mask, px), expected.astype(bool))


@few
@given(masks, st.integers(0, 4), st.integers(0, 4))
def test_a_mask_that_grows_more_holds_the_one_that_grows_less(
    mask: np.ndarray, px: int, more: int
) -> None:
    small, large = grow_mask(mask, px), grow_mask(mask, px + more)
    assert not (small & ~large).any()
    assert 0 <= widest_hole(small) <= widest_hole(large) + 1


@few
@given(masks)
def test_a_mask_is_read_as_it_was_written(mask: np.ndarray) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mask.png"
        write_mask(path, mask)
        read = read_mask_file(path, "white")
    np.testing.assert_array_equal(read.lost, mask)


@few
@given(masks, st.sampled_from(["white", "black"]), st.integers(0, 100), st.integers(150, 255))
def test_the_polarities_are_each_others_opposite(
    mask: np.ndarray, polarity: str, dark: int, light: int
) -> None:
    levels = np.where(mask, light, dark).astype(np.uint8)
    lost = parse_mask(levels, None, polarity, "mask.png").lost
    other = {"white": "black", "black": "white"}[polarity]
    opposite = parse_mask(levels, None, other, "mask.png").lost
    np.testing.assert_array_equal(lost, ~opposite)
    if mask.any() and not mask.all():
        np.testing.assert_array_equal(lost, mask if polarity == "white" else ~mask)


@few
@given(masks.filter(lambda mask: 0 < mask.mean() < 0.4))
def test_the_smaller_part_is_lost(mask: np.ndarray) -> None:
    for shown in (mask, ~mask):
        levels = shown.astype(np.uint8) * np.uint8(255)
        np.testing.assert_array_equal(parse_mask(levels, None, "auto", "m").lost, mask)


@pytest.mark.parametrize("value", [True, False])
def test_a_mask_of_one_level_grows_to_itself(value: bool) -> None:
    mask = np.full((3, 5), value)
    np.testing.assert_array_equal(grow_mask(mask, 9), mask)
