from collections.abc import Callable

import numpy as np
import pytest

from rechroma.imaging.print_damage import KINDS, draw_print_damage
from rechroma.settings import PrintDamageSettings

MakePrintDamage = Callable[..., PrintDamageSettings]


@pytest.fixture
def gray() -> np.ndarray:
    return np.full((96, 128), 128, np.uint8)


def test_the_same_generator_draws_the_same_damage(
    gray: np.ndarray, make_print_damage: MakePrintDamage
) -> None:
    first, second = (
        draw_print_damage(gray, make_print_damage(), np.random.default_rng(3)) for _ in range(2)
    )
    np.testing.assert_array_equal(first.luma, second.luma)
    np.testing.assert_array_equal(first.groups, second.groups)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 40), (40, 1), (64, 48), (300, 20)])
def test_every_kind_is_drawn_at_any_size(
    make_print_damage: MakePrintDamage, kind: str, shape: tuple[int, int]
) -> None:
    settings = make_print_damage(only=kind)
    for seed in range(5):
        damage = draw_print_damage(
            np.full(shape, 90, np.uint8), settings, np.random.default_rng(seed)
        )
        assert damage.luma.shape == damage.groups.shape == shape
        assert damage.luma.dtype == damage.groups.dtype == np.uint8
