from collections.abc import Callable

import numpy as np
import pytest
from drawn_damage import PHOTOS, drawings, overlap

from rechroma.errors import UserError
from rechroma.preparation.pairs import mask_from_pair
from rechroma.settings import Damage

MakeDamage = Callable[..., Damage]


def test_the_mask_has_no_gaps_where_the_damage_has_the_gray_of_the_target() -> None:
    luma = np.tile(np.arange(100, dtype=np.uint8), (60, 1))
    mask = np.zeros(luma.shape, dtype=bool)
    mask[10:40, 20:70] = True
    damaged = np.where(mask, 50, luma).astype(np.uint8)
    assert not (damaged != luma)[mask].all()
    assert np.array_equal(mask_from_pair(damaged, luma), mask)


def test_a_hole_in_the_gray_of_its_surroundings_does_not_take_them_in() -> None:
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
    with pytest.raises(
        UserError, match=r"differ in many grays.*the target of another photograph\?"
    ):
        mask_from_pair(luma, 255 - luma)
    with pytest.raises(UserError, match=r"is 128 x 96 px and its target 128 x 95 px, expected"):
        mask_from_pair(luma, luma[1:])
