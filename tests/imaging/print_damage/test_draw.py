from collections.abc import Callable

import numpy as np
import pytest

from rechroma.imaging.print_damage import (
    GROUPS,
    KINDS,
    NOTICED,
    PrintDamage,
    draw_print_damage,
)
from rechroma.settings import PrintDamageSettings

MakePrintDamage = Callable[..., PrintDamageSettings]

# What is masked as a whole, or where nothing is left, whatever the change.
WHOLE = {"tear", "missing", "tape", "fingerprint"}


@pytest.fixture
def gray() -> np.ndarray:
    """A print of one gray that no kind draws in."""
    return np.full((96, 128), 128, np.uint8)


def drawings(luma: np.ndarray, settings: PrintDamageSettings, count: int = 12) -> list[PrintDamage]:
    return [draw_print_damage(luma, settings, np.random.default_rng(seed)) for seed in range(count)]


def test_the_same_generator_draws_the_same_damage(
    luma: np.ndarray, make_print_damage: MakePrintDamage
) -> None:
    before = luma.copy()
    (first, other), (second, _) = (drawings(luma, make_print_damage(), 2) for _ in range(2))
    np.testing.assert_array_equal(first.luma, second.luma)
    np.testing.assert_array_equal(first.groups, second.groups)
    assert not np.array_equal(first.groups, other.groups)
    np.testing.assert_array_equal(luma, before)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_masked_as_its_group(
    gray: np.ndarray, make_print_damage: MakePrintDamage, kind: str
) -> None:
    drawn = drawings(gray, make_print_damage(only=kind))
    groups = {int(group) for each in drawn for group in np.unique(each.groups)}
    assert groups == {0, GROUPS.index(KINDS[kind].group) + 1}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].group != "stain"])
def test_the_mask_of_what_is_lost_is_where_the_print_changed(
    gray: np.ndarray, make_print_damage: MakePrintDamage, kind: str
) -> None:
    settings = make_print_damage(only=kind, damages=[1, 1])
    for each in drawings(gray, settings):
        change = np.abs(each.luma.astype(float) - gray)
        mask = each.groups > 0
        # A level is lost to rounding; beside a fold lies its soft shading.
        assert kind == "fold" or change[~mask].max(initial=0) <= NOTICED + 0.5
        assert kind in WHOLE or kind == "fold" or change[mask].min(initial=255) >= NOTICED - 0.5


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].group == "stain"])
def test_a_stain_is_masked_as_a_whole(
    gray: np.ndarray, make_print_damage: MakePrintDamage, kind: str
) -> None:
    settings = make_print_damage(only=kind, damages=[1, 1], strength=[1, 1])
    for each in drawings(gray, settings):
        change = np.abs(each.luma.astype(float) - gray)
        mask = each.groups > 0
        assert change[~mask].mean() < 3
        assert not mask.any() or change[mask].mean() > NOTICED


def test_the_shading_beside_a_fold_is_soft_and_stays_outside_of_the_mask(
    make_print_damage: MakePrintDamage,
) -> None:
    settings = make_print_damage(only="fold", damages=[1, 1], strength=[1, 1])
    gray = np.full((256, 256), 128, np.uint8)
    shaded = 0
    for each in drawings(gray, settings):
        change = np.where(each.groups > 0, 0.0, each.luma.astype(float) - gray)
        shaded += bool((np.abs(change) > NOTICED).mean() > 0.02)
        assert np.abs(change).max() < 40
    assert shaded > 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 40), (40, 1), (64, 48), (300, 20)])
def test_every_kind_is_drawn_at_any_size(
    make_print_damage: MakePrintDamage, kind: str, shape: tuple[int, int]
) -> None:
    for each in drawings(np.full(shape, 90, np.uint8), make_print_damage(only=kind), 5):
        assert each.luma.shape == each.groups.shape == shape
        assert each.luma.dtype == each.groups.dtype == np.uint8


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(96, 128), (700, 900)])
def test_every_kind_is_noticed_when_strong(
    make_print_damage: MakePrintDamage, kind: str, shape: tuple[int, int]
) -> None:
    settings = make_print_damage(only=kind, strength=[1, 1], damages=[4, 4])
    drawn = drawings(np.full(shape, 128, np.uint8), settings, 4)
    # One may be a stain larger than a small photograph, which is all within it.
    assert sum((each.groups > 0).any() for each in drawn) >= 3


def test_strong_damage_is_seen_more_than_weak(
    gray: np.ndarray, make_print_damage: MakePrintDamage
) -> None:
    weak, strong = (
        np.mean(
            [each.groups > 0 for each in drawings(gray, make_print_damage(strength=[s, s]), 60)]
        )
        for s in (0.1, 0.9)
    )
    assert strong > 1.5 * weak


def test_a_part_of_the_photograph_is_always_left(
    gray: np.ndarray, make_print_damage: MakePrintDamage
) -> None:
    settings = make_print_damage(damages=[60, 60], strength=[1, 1])
    assert all((each.groups == 0).mean() >= 0.25 for each in drawings(gray, settings))


def test_a_share_of_the_photographs_stays_undamaged(
    gray: np.ndarray, make_print_damage: MakePrintDamage
) -> None:
    drawn = drawings(gray, make_print_damage(undamaged=0.5, damages=[8, 8]), 100)
    whole = [np.array_equal(each.luma, gray) and not each.groups.any() for each in drawn]
    assert 30 <= sum(whole) <= 70


def test_what_is_lost_stays_lost_under_a_stain(
    gray: np.ndarray, make_print_damage: MakePrintDamage
) -> None:
    weights = {kind: float(kind in ("tape", "scribble")) for kind in KINDS}
    drawn = list(drawings(gray, make_print_damage(**weights, damages=[12, 12], strength=[1, 1])))
    both = [{1, 4} <= set(np.unique(each.groups).tolist()) for each in drawn]
    assert sum(both) >= len(drawn) - 1  # large tape may leave no place outside of it


@pytest.mark.parametrize(
    "photograph",
    [np.zeros((0, 5), np.uint8), np.zeros((5, 5, 3), np.uint8), np.zeros((5, 5), np.float32)],
)
def test_what_is_no_gray_photograph_is_refused(
    make_print_damage: MakePrintDamage, photograph: np.ndarray
) -> None:
    with pytest.raises(ValueError, match=r"expected \(H, W\) uint8 with at least 1 px each way"):
        draw_print_damage(photograph, make_print_damage(), np.random.default_rng(0))
