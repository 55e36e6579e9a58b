import random
from typing import get_args

import numpy as np
import pytest

from rechroma.data.augmentation import AUGMENTATIONS, Augmentation
from rechroma.settings import Settings

SIDE = 64


@pytest.fixture
def square(photo):
    return np.ascontiguousarray(photo[:SIDE, :SIDE])


def augmented(name, square, seed):
    return Augmentation(name, SIDE)(square, np.random.default_rng(seed))


def test_the_settings_allow_exactly_these_pipelines():
    assert set(get_args(Settings.model_fields["augment"].annotation)) == set(AUGMENTATIONS)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_the_same_seed_gives_the_same_photograph(name, square):
    pipeline = Augmentation(name, SIDE)
    for seed in range(8):
        first = pipeline(square, np.random.default_rng(seed))
        assert np.array_equal(first, augmented(name, square, seed))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_the_generator_is_the_only_source_of_randomness(name, square):
    random.seed(1)
    np.random.seed(1)
    first = augmented(name, square, 3)
    drawn = random.random(), np.random.rand()
    assert np.array_equal(first, augmented(name, square, 3))
    random.seed(1)
    np.random.seed(1)
    assert (random.random(), np.random.rand()) == drawn


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_shape_and_type_are_kept_and_the_input_is_unchanged(name, square):
    original = square.copy()
    for seed in range(8):
        found = augmented(name, square, seed)
        assert (found.shape, found.dtype) == ((SIDE, SIDE, 3), np.uint8)
        assert np.array_equal(square, original)


def test_none_does_not_change_the_photograph(square):
    assert all(np.array_equal(augmented("none", square, seed), square) for seed in range(8))


def test_flips_only_mirror_left_and_right(square):
    mirrored = []
    for seed in range(40):
        found = augmented("flips", square, seed)
        mirrored.append(np.array_equal(found, square[:, ::-1]))
        assert mirrored[-1] or np.array_equal(found, square)
    assert 8 <= sum(mirrored) <= 32


def test_full_gives_another_photograph_each_time(square):
    found = [augmented("full", square, seed) for seed in range(8)]
    shown = [square, square[:, ::-1], *found]
    assert len({photo.tobytes() for photo in shown}) == len(shown)


def test_full_keeps_colors_near_the_original_ones(square):
    for seed in range(20):
        found = augmented("full", np.full_like(square, (180, 120, 60)), seed)
        red, green, blue = found.reshape(-1, 3).mean(axis=0)
        assert red > green > blue
        assert np.ptp(found.reshape(-1, 3), axis=0).max() <= 2
