from collections.abc import Callable

import cv2
import numpy as np
import pytest
from skimage import data

from rechroma.errors import UserError
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.draw_damage import KINDS, draw_damage
from rechroma.preparation.pairs import mask_from_pair
from rechroma.settings import Damage, Settings

PHOTOS = {
    name: cv2.cvtColor(getattr(data, name)(), cv2.COLOR_RGB2GRAY)
    for name in ("astronaut", "chelsea", "coffee", "rocket")
}

LENGTHS = ("rectangle_side", "circle_diameter", "polygon_extent")

MakeDamage = Callable[..., Damage]


@pytest.fixture
def make_damage(make_settings: Callable[..., Settings]) -> MakeDamage:
    def make(only: str | None = None, **changes: object) -> Damage:
        weights = {kind: float(kind == only) for kind in KINDS} if only else {}
        return make_settings(
            **{f"damage.{name}": value for name, value in (weights | changes).items()}
        ).damage

    return make


@pytest.fixture
def luma(photo: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)


def overlap(found: np.ndarray, mask: np.ndarray) -> float:
    """Intersection over union."""
    return float((found & mask).sum() / (found | mask).sum())


def drawings(luma: np.ndarray, settings: Damage, number: int = 50) -> list[tuple[np.ndarray, ...]]:
    return [draw_damage(luma, settings, np.random.default_rng(seed)) for seed in range(number)]


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


def test_a_weight_of_zero_leaves_a_kind_out(luma: np.ndarray, make_damage: MakeDamage) -> None:
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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
def test_drawn_damage_is_found(name: str, kind: str, make_damage: MakeDamage) -> None:
    drawn = drawings(PHOTOS[name], make_damage(only=kind), 12)
    found = [overlap(find_damage(damaged), mask) for damaged, mask in drawn]
    assert np.mean(found) > 0.99
    assert min(found) > 0.95


def test_most_damage_of_nearly_the_gray_of_a_night_sky_is_found(make_damage: MakeDamage) -> None:
    drawn = drawings(PHOTOS["rocket"], make_damage(only="circle", level=[35, 65]), 20)
    found = [overlap(find_damage(damaged), mask) for damaged, mask in drawn]
    assert np.mean(found) > 0.7
    assert all(each == 0 or each > 0.85 for each in found)


@pytest.mark.parametrize("side", [64, 128])
def test_damage_is_found_in_small_photos(side: int, make_damage: MakeDamage) -> None:
    gray = cv2.resize(PHOTOS["chelsea"], (side, side), interpolation=cv2.INTER_AREA)
    drawn = drawings(gray, make_damage(only="circle"))
    assert np.mean([overlap(find_damage(damaged), mask) for damaged, mask in drawn]) > 0.98


def test_several_holes_of_several_grays_are_found() -> None:
    damaged, mask = PHOTOS["chelsea"].copy(), np.zeros(PHOTOS["chelsea"].shape, dtype=bool)
    for number, gray in enumerate((0, 64, 128, 200, 255)):
        box = np.s_[20 + 50 * number : 60 + 50 * number, 30 + 80 * number : 90 + 80 * number]
        damaged[box], mask[box] = gray, True
    assert overlap(find_damage(damaged), mask) > 0.99


def test_thin_ends_of_a_polygon_belong_to_it() -> None:
    shape = np.zeros((512, 512), dtype=np.uint8)
    cv2.fillPoly(shape, [np.array([[20, 400], [500, 30], [200, 480], [300, 300]])], 1)
    damaged = np.where(shape == 1, 33, PHOTOS["astronaut"]).astype(np.uint8)
    assert overlap(find_damage(damaged), shape.astype(bool)) > 0.995


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("side", [64, 128, 256])
def test_no_damage_is_found_in_sound_photos(name: str, side: int) -> None:
    small = cv2.resize(PHOTOS[name], (side, side), interpolation=cv2.INTER_AREA)
    assert not find_damage(small).any()
    assert not find_damage(PHOTOS[name]).any()


@pytest.mark.parametrize("light", [-400, 400])
def test_clipped_light_and_shadow_are_no_damage(light: int) -> None:
    rows, columns = np.mgrid[:200, :300]
    bell = light * np.exp(-((rows - 90) ** 2 + (columns - 140) ** 2) / 5000)
    clipped = np.clip(128 + bell, 0, 255).astype(np.uint8)
    assert (clipped == np.clip(light, 0, 255)).mean() > 0.05
    assert not find_damage(clipped).any()


@pytest.mark.parametrize("gray", [0, 40, 255])
def test_bars_and_frames_are_no_damage(gray: int) -> None:
    bars, frame = PHOTOS["coffee"].copy(), PHOTOS["coffee"].copy()
    bars[:40] = bars[-40:] = gray
    frame[:20] = frame[-20:] = gray
    frame[:, :20] = frame[:, -20:] = gray
    assert not find_damage(bars).any()
    assert not find_damage(frame).any()


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 90), (64, 64)])
def test_a_photo_of_one_gray_is_not_damaged(shape: tuple[int, int]) -> None:
    found = find_damage(np.full(shape, 77, dtype=np.uint8))
    assert found.shape == shape
    assert not found.any()


def test_damage_is_found_in_views_that_cannot_be_written(make_damage: MakeDamage) -> None:
    damaged, mask = draw_damage(PHOTOS["coffee"], make_damage(), np.random.default_rng(0))
    view = damaged.T[::-1]
    view.setflags(write=False)
    assert overlap(find_damage(view), mask.T[::-1]) > 0.99


def test_a_pair_tells_its_mask_where_the_filling_equals_the_truth() -> None:
    luma = np.tile(np.arange(100, dtype=np.uint8), (60, 1))
    mask = np.zeros(luma.shape, dtype=bool)
    mask[10:40, 20:70] = True
    damaged = np.where(mask, 50, luma).astype(np.uint8)
    assert not (damaged != luma)[mask].all()
    assert np.array_equal(mask_from_pair(damaged, luma), mask)


def test_a_hole_filled_like_its_surroundings_does_not_take_them_in() -> None:
    luma = np.zeros((80, 80), dtype=np.uint8)
    luma[:, 40:] = 90
    mask = np.zeros(luma.shape, dtype=bool)
    mask[20:60, 40:60] = True
    damaged = np.where(mask, 0, luma).astype(np.uint8)
    assert np.array_equal(mask_from_pair(damaged, luma), mask)


def test_pairs_of_drawn_damage_give_their_masks_back(make_damage: MakeDamage) -> None:
    for luma in PHOTOS.values():
        for damaged, mask in drawings(luma, make_damage(), 5):
            assert overlap(mask_from_pair(damaged, luma), mask) > 0.99


def test_equal_photos_have_no_mask(luma: np.ndarray) -> None:
    assert not mask_from_pair(luma, luma.copy()).any()


def test_photos_that_are_no_pair_are_refused(luma: np.ndarray) -> None:
    with pytest.raises(UserError, match=r"differ in many grays.*the truth of another photograph\?"):
        mask_from_pair(luma, 255 - luma)
    with pytest.raises(UserError, match=r"is 128 x 96 px and its truth 128 x 95 px, expected"):
        mask_from_pair(luma, luma[1:])
