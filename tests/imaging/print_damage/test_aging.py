from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest

from rechroma.imaging.print_damage import age_print
from rechroma.settings import PrintDamageSettings

MakePrintDamage = Callable[..., PrintDamageSettings]
Stage = Literal["print", "scan"]
STAGES: tuple[Stage, ...] = ("print", "scan")


@pytest.mark.parametrize("stage", STAGES)
def test_the_same_generator_ages_the_same_way(
    luma: np.ndarray, make_print_damage: MakePrintDamage, stage: Stage
) -> None:
    before = luma.copy()
    first, second, other = (
        age_print(luma, make_print_damage(aging=[1, 1]), np.random.default_rng(seed), stage)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(luma, before)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 40), (40, 1), (300, 20)])
def test_a_print_is_aged_at_any_size(
    make_print_damage: MakePrintDamage, stage: Stage, shape: tuple[int, int]
) -> None:
    luma = np.full(shape, 90, np.uint8)
    for seed in range(30):
        aged = age_print(luma, make_print_damage(aging=[1, 1]), np.random.default_rng(seed), stage)
        assert (aged.shape, aged.dtype) == (shape, np.uint8)


@pytest.mark.parametrize("stage", STAGES)
def test_strong_aging_changes_more_than_weak(
    luma: np.ndarray, make_print_damage: MakePrintDamage, stage: Stage
) -> None:
    weak, strong = (
        np.mean(
            [
                np.abs(
                    age_print(
                        luma, make_print_damage(aging=[s, s]), np.random.default_rng(seed), stage
                    ).astype(float)
                    - luma
                )
                for seed in range(40)
            ]
        )
        for s in (0, 1)
    )
    assert strong > 2 * weak


def test_nothing_moves_in_a_scan(make_print_damage: MakePrintDamage) -> None:
    luma = np.zeros((64, 64), np.uint8)
    luma[20:40, 30:] = 200
    for seed in range(20):
        scanned = age_print(
            luma, make_print_damage(aging=[0.5, 0.5]), np.random.default_rng(seed), "scan"
        )
        assert scanned[23:37, 33:].min() > 130
        assert max(scanned[:17].max(), scanned[:, :27].max()) < 70
