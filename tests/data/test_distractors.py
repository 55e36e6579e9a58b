import numpy as np
import pytest

from rechroma.data.distractors import add_distractors


@pytest.mark.parametrize("shape", [(224, 224), (64, 33)])
def test_distractors_change_a_copy_of_most_photographs(shape):
    luma = np.random.default_rng(0).integers(80, 160, shape).astype(np.uint8)
    original = luma.copy()
    drawn = [add_distractors(luma, np.random.default_rng(seed)) for seed in range(40)]
    assert np.array_equal(luma, original)
    assert all(each.shape == luma.shape and each.dtype == np.uint8 for each in drawn)
    assert sum(not np.array_equal(each, luma) for each in drawn) >= 30


def test_the_generator_decides(luma):
    one, other = (add_distractors(luma, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one, other)
