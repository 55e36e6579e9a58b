from collections.abc import Callable

import cv2
import numpy as np
import pytest
from drawn_damage import PHOTOS, drawings, overlap

from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.draw_damage import KINDS, draw_damage
from rechroma.settings import Damage

MakeDamage = Callable[..., Damage]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
def test_drawn_damage_is_found(name: str, kind: str, make_damage: MakeDamage) -> None:
    drawn = drawings(PHOTOS[name], make_damage(only=kind), 12)
    found = [overlap(find_damage(damaged), mask) for damaged, mask in drawn]
    assert np.mean(found) > 0.99
    assert min(found) > 0.95


def test_damage_of_nearly_the_gray_of_a_night_sky_is_found(make_damage: MakeDamage) -> None:
    drawn = drawings(PHOTOS["rocket"], make_damage(only="circle", level=[35, 65]), 20)
    found = [overlap(find_damage(damaged), mask) for damaged, mask in drawn]
    assert np.mean(found) > 0.9
    assert min(found) > 0.7


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
