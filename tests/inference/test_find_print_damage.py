import numpy as np
import pytest

from rechroma.inference.find_print_damage import TILE, find_print_damage


class Stub:
    """Takes bright pixels for a group; `sizes` lists the sizes of its inputs."""

    def __init__(self, group: int = 1):
        self.group, self.sizes = group, []

    def __call__(self, lumas):
        self.sizes.append(lumas.shape)
        planes = np.zeros((len(lumas), 4, *lumas.shape[1:]), np.float32)
        planes[:, self.group - 1] = lumas / 255
        return planes


@pytest.mark.parametrize("shape", [(1, 1), (40, 70), (33, 600), (1100, 530), (700, 1500)])
def test_tiles_are_blended_without_a_seam(shape):
    luma = np.full(shape, 120, np.uint8)
    luma[shape[0] // 2 :] = 121
    found = find_print_damage(luma, Stub())
    assert found.probability.shape == shape
    assert abs(found.probability.astype(int) - luma).max() <= 1
    assert (found.groups == 1).all()


def test_the_network_sees_multiples_of_32_no_larger_than_a_tile():
    stub = Stub()
    find_print_damage(np.zeros((700, 1500), np.uint8), stub)
    assert all(height % 32 == width % 32 == 0 for _, height, width in stub.sizes)
    assert max(max(size[1:]) for size in stub.sizes) == TILE


def test_a_line_is_found_in_its_place_across_tiles():
    luma = np.zeros((900, 1300), np.uint8)
    luma[300:302, :] = 255
    found = find_print_damage(luma, Stub())
    assert np.array_equal(found.mask(0.5), luma == 255)


def sees_at(*heights):
    """A stub that takes everything for damage where its input is of some heights, else nothing."""

    def finder(lumas):
        return Stub(3)(np.full_like(lumas, 255)) * (lumas.shape[1] in heights)

    return finder


@pytest.mark.parametrize(
    ("width", "heights", "expected"),
    [
        (384, (384, 192, 96), 255),
        (384, (192, 96), 170),
        (384, (96,), 85),
        (3600, (192, 96, 64), 255),  # of four looks the last three
        (3600, (96,), 85),
    ],
)
def test_the_mean_of_three_neighboring_scales_counts(width, heights, expected):
    found = find_print_damage(np.zeros((384, width), np.uint8), sees_at(*heights))
    assert (abs(found.probability.astype(int) - expected) <= 1).all()


def test_groups_are_switched_off():
    found = find_print_damage(np.full((40, 40), 255, np.uint8), Stub(group=4))
    assert found.mask(0.5, ["stain"]).all()
    assert not found.mask(0.5, ["line", "spot", "area"]).any()
