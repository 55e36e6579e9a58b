"""Photographs of any size and shape: what holds for all of them."""

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rechroma.imaging.color import to_luma

few = settings(
    derandomize=True,
    max_examples=20,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
sides = st.one_of(st.integers(1, 9), st.integers(1, 200), st.sampled_from([1, 127, 128, 129, 700]))


@pytest.fixture(scope="session")
def restorer(echo):
    return echo(more=0.1)


@few
@given(sides, sides, st.integers(0, 2**32 - 1), st.booleans())
@example(1, 1, 0, False)
@example(1, 1, 0, True)
@example(1, 3000, 1, False)
@example(3000, 1, 2, True)
@example(2, 2999, 3, False)
def test_known_gray_is_kept_at_any_size(restorer, height, width, seed, deep) -> None:
    generator = np.random.default_rng(seed)
    kind = np.uint16 if deep else np.uint8
    gray = generator.integers(0, np.iinfo(kind).max, (height, width), kind, endpoint=True)
    mask = np.zeros(gray.shape, bool)
    top, left = generator.integers(height), generator.integers(width)
    mask[top : top + 1 + height // 3, left : left + 1 + width // 3] = True
    restored = restorer(gray, mask)
    assert restored.shape == (height, width, 3)
    assert restored.dtype == kind
    np.testing.assert_array_equal(to_luma(restored)[~mask], gray[~mask])


@few
@given(sides, sides, st.sampled_from([0.0, 0.5, 1.0]))
@example(1, 2000, 1.0)
@example(2000, 1, 0.5)
def test_known_color_is_kept_at_any_size(restorer, height, width, share) -> None:
    generator = np.random.default_rng(height * 1000 + width)
    color = generator.integers(0, 256, (height, width, 3), np.uint8)
    mask = np.zeros((height, width), bool)
    mask[: round(height * share)] = True
    restored = restorer.keep_color(color, mask)
    assert restored.shape == color.shape
    np.testing.assert_array_equal(restored[~mask], color[~mask])
