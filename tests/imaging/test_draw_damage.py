from collections.abc import Callable

import cv2
import numpy as np
import pytest
from drawn_damage import PHOTOS, drawings

from rechroma.imaging.draw_damage import KINDS, draw_damage
from rechroma.settings import Damage

MakeDamage = Callable[..., Damage]


LENGTHS = ("rectangle_side", "circle_diameter", "polygon_extent")


def test_damage_hides_the_mask_and_nothing_else(luma: np.ndarray, make_damage: MakeDamage) -> None:
    before = luma.copy()
    for damaged, mask in drawings(luma, make_damage()):
        assert (damaged.dtype, mask.dtype) == (np.uint8, bool)
        assert np.array_equal(damaged[~mask], luma[~mask])
        assert len(np.unique(damaged[mask])) == 1
        assert damaged[mask][0] <= 100
    assert np.array_equal(luma, before)


def test_the_same_generator_draws_the_same_damage(
    luma: np.ndarray, make_damage: MakeDamage
) -> None:
    first, second = (draw_damage(luma, make_damage(), np.random.default_rng(3)) for _ in range(2))
    other = draw_damage(luma, make_damage(), np.random.default_rng(4))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    assert not np.array_equal(first[1], other[1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [2, 9, 32])
def test_small_photos_lose_something_and_never_everything(
    side: int, kind: str, make_damage: MakeDamage
) -> None:
    gray = np.full((side, side + 3), 200, dtype=np.uint8)
    shares = [mask.mean() for _, mask in drawings(gray, make_damage(only=kind))]
    assert min(shares) > 0
    assert max(shares) < 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_and_most_shapes_leave_something_to_see(
    kind: str, make_damage: MakeDamage
) -> None:
    lengths = {name: [1, 1] for name in LENGTHS}
    settings = make_damage(only=kind, holes=[40, 40], **lengths)
    gray = np.full((20, 20), 200, dtype=np.uint8)
    assert max(mask.mean() for _, mask in drawings(gray, settings, 10)) < 1


def test_rectangles_fill_their_box_and_keep_to_their_sides(make_damage: MakeDamage) -> None:
    settings = make_damage(only="rectangle", rectangle_side=[0.1, 0.3])
    for _, mask in drawings(PHOTOS["coffee"], settings):  # 400 x 600
        _, _, width, height = cv2.boundingRect(mask.astype(np.uint8))
        assert mask.sum() == width * height
        assert all(40 <= side <= 120 for side in (width, height))


def test_circles_are_round_and_keep_to_their_diameters(make_damage: MakeDamage) -> None:
    settings = make_damage(only="circle", circle_diameter=[0.1, 0.3])
    for _, mask in drawings(PHOTOS["coffee"], settings):
        _, _, width, height = cv2.boundingRect(mask.astype(np.uint8))
        assert width == height
        assert 39 <= width <= 120
        assert mask.sum() == pytest.approx(np.pi / 4 * width**2, rel=0.08)


def test_polygons_reach_the_sides_of_their_box(make_damage: MakeDamage) -> None:
    settings = make_damage(only="polygon", polygon_extent=[0.5, 0.5])
    for _, mask in drawings(PHOTOS["coffee"], settings):
        assert cv2.boundingRect(mask.astype(np.uint8))[2:] == (200, 200)


def test_polygons_that_cross_themselves_are_filled_by_the_even_odd_rule(
    make_damage: MakeDamage,
) -> None:
    settings = make_damage(only="polygon", polygon_vertices=[6, 6], polygon_extent=[0.9, 0.9])
    drawn = [mask.astype(np.uint8) for _, mask in drawings(PHOTOS["coffee"], settings)]
    inside = [cv2.connectedComponents(1 - mask)[0] for mask in drawn]  # the void counts as one
    assert max(inside) > 2


def test_a_kind_of_weight_zero_is_not_drawn(luma: np.ndarray, make_damage: MakeDamage) -> None:
    settings = make_damage(only="circle")
    assert all(
        mask.sum() < np.prod(cv2.boundingRect(mask.astype(np.uint8))[2:])
        for _, mask in drawings(luma, settings)
    )


def test_every_hole_has_a_gray_of_its_own(make_damage: MakeDamage) -> None:
    settings = make_damage(only="rectangle", holes=[3, 3], level=[0, 255])
    grays = [
        len(np.unique(damaged[mask])) for damaged, mask in drawings(PHOTOS["coffee"], settings)
    ]
    assert max(grays) == 3
