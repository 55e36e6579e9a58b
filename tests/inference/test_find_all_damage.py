from itertools import pairwise

import numpy as np
import pytest

from rechroma.imaging.detect_damage import find_damage
from rechroma.inference.find_all_damage import ENOUGH, RIM, find_all_damage, look_for_damage
from rechroma.inference.find_choices import FOUND, uses_network


@pytest.fixture
def gray():
    gray = np.random.default_rng(0).integers(100, 200, (96, 128)).astype(np.uint8)
    gray[20:50, 10:50] = 50
    return gray


class Finder:
    """Takes the columns of each group for damage of some probability."""

    def __init__(self, **columns):
        self.columns = columns

    def __call__(self, lumas):
        planes = np.zeros((len(lumas), 4, *lumas.shape[1:]), np.float32)
        for group, (column, probability) in self.columns.items():
            planes[:, FOUND.index(group), :, column] = probability
        return planes


def test_the_rule_and_the_network_give_one_mask(gray):
    found = find_all_damage(gray, "lines", finder=Finder(line=(80, 0.9)))
    expected = find_damage(gray)
    assert expected.any()
    expected[:, 80 - RIM : 81 + RIM] = True
    assert np.array_equal(found.mask, expected)
    assert set(found.shares) == {"line", "flat"}
    assert found.shares["line"] == pytest.approx(1 / 128, abs=1e-6)


def test_stains_are_told_and_not_lost(gray):
    found = find_all_damage(gray, "lines", finder=Finder(stain=(80, 0.9)))
    assert np.array_equal(found.mask, find_damage(gray))
    assert (found.groups[:, 80] == 1 + FOUND.index("stain")).all()


@pytest.mark.parametrize(
    ("groups", "columns"), [(("stain",), (79, 82)), (("line", "flat"), (59, 62)), ((), (0, 0))]
)
def test_only_the_chosen_groups_are_lost(gray, groups, columns):
    finder = Finder(line=(60, 0.9), stain=(80, 0.9))
    found = find_all_damage(gray, "lines", finder=finder, groups=groups)
    expected = find_damage(gray) if "flat" in groups else np.zeros(gray.shape, bool)
    expected[:, slice(*columns)] = True
    assert np.array_equal(found.mask, expected)
    assert set(found.shares) == {"line", "stain", "flat"}


def test_a_photograph_is_weighed_again_without_the_network(gray):
    found = look_for_damage(gray, "lines", Finder(line=(60, 0.3)))
    for sensitivity in (0, 0.5, 1):
        again = find_all_damage(gray, "lines", sensitivity, Finder(line=(60, 0.3)))
        assert np.array_equal(found.weighed(sensitivity).mask, again.mask)
    assert found.weighed(1).mask[:, 60].all()
    assert not found.weighed(0).mask[:, 60].any()


def test_holes_stay_exact_where_the_network_finds_them_too(gray):
    found = find_all_damage(gray, "lines", finder=Finder(area=(slice(10, 50), 0.9)))
    assert np.array_equal(found.mask[21:49], find_damage(gray)[21:49])
    assert (found.groups[20:50, 10:50] == len(FOUND)).all()


def test_an_unknown_group_is_refused(gray):
    with pytest.raises(ValueError, match="groups has"):
        find_all_damage(gray, "flat", groups=["cats"])


def test_more_sensitivity_never_finds_less(gray):
    finder = Finder(line=(60, 0.3), spot=(80, 0.6), area=(100, 0.97))
    masks = [find_all_damage(gray, "lines", each / 10, finder).mask for each in range(11)]
    assert all((after | ~before).all() for before, after in pairwise(masks))
    assert masks[-1].sum() > masks[5].sum() > masks[0].sum()


def test_a_network_with_thresholds_of_its_own_is_weighed_by_them(gray):
    finder = Finder(line=(80, 0.3), spot=(100, 0.9))
    finder.thresholds = ENOUGH | {"line": (0.9, 0.2, 0.1), "spot": (0.98, 0.95, 0.2)}
    assert set(find_all_damage(gray, "lines", finder=finder).shares) == {"line", "flat"}


def test_flat_and_none_never_ask_the_network(gray):
    def finder(lumas):
        raise AssertionError(lumas.shape)

    assert np.array_equal(find_all_damage(gray, "flat", finder=finder).mask, find_damage(gray))
    assert not find_all_damage(gray, "none", finder=finder).mask.any()
    assert not uses_network("none")


def test_without_the_network_the_rule_works_and_says_so(gray):
    found = find_all_damage(gray, "lines", finder=None)
    assert np.array_equal(found.mask, find_damage(gray))
    assert "only flat holes were found" in found.doubts[0]


@pytest.mark.parametrize("sensitivity", [-0.1, 1.1, float("nan")])
def test_a_sensitivity_outside_0_to_1_is_refused(gray, sensitivity):
    with pytest.raises(ValueError, match="sensitivity"):
        find_all_damage(gray, "lines", sensitivity)
