import cv2
import numpy as np
import pytest

from rechroma.inference.hole_crops import MANY_HOLES, NARROWEST, find_hole_crops


def count_cores(mask: np.ndarray) -> np.ndarray:
    """The number of cores that each pixel is in; every core is checked to lie in its context."""
    cores = np.zeros(mask.shape, int)
    for hole in find_hole_crops(mask):
        cores[hole.core] += 1
        for core, context, side in zip(hole.core, hole.context, mask.shape, strict=True):
            assert 0 <= context.start <= core.start < core.stop <= context.stop <= side
    return cores


def sizes(box) -> tuple[int, int]:
    return box[0].stop - box[0].start, box[1].stop - box[1].start


def random_mask(generator: np.random.Generator) -> np.ndarray:
    """Spots, discs and lines on a photograph of any proportions."""
    shape = tuple(int(side) for side in np.exp(generator.uniform(0, 7.5, 2)).astype(int))
    mask = (generator.random(shape) < generator.choice([0, 1e-4, 1e-2])).astype(np.uint8)
    for _ in range(generator.integers(4)):
        (y, x), (v, u) = (generator.integers(np.array(shape)) for _ in range(2))
        cv2.circle(mask, (int(x), int(y)), int(generator.integers(1, 60)), 1, cv2.FILLED)
        cv2.line(mask, (int(x), int(y)), (int(u), int(v)), 1, int(generator.integers(1, 6)))
    return mask.astype(bool)


@pytest.mark.parametrize("seed", range(60))
def test_every_lost_pixel_is_in_one_core_whose_context_lies_in_the_photograph(seed):
    mask = random_mask(np.random.default_rng(seed))
    assert (count_cores(mask)[mask] == 1).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (2, 700), (129, 1)])
def test_holes_of_narrow_photographs_are_found(shape):
    mask = np.zeros(shape, bool)
    assert find_hole_crops(mask) == []
    mask.flat[-1] = mask.flat[0] = True
    assert (count_cores(mask)[mask] == 1).all()


@pytest.mark.parametrize(
    ("lost", "core_px", "context_px"),
    [
        (np.s_[900:1050, 1200:1800], (150, 600), (750, 1200)),  # half its length around it
        (np.s_[900:1300, 1300:1700], (400, 400), (1180, 1180)),  # thick: its thickness around it
        (np.s_[:150, 2400:], (150, 600), (450, 900)),  # in the corner: its surroundings there
    ],
)
def test_a_compact_hole_is_one_crop_with_its_surroundings(lost, core_px, context_px):
    mask = np.zeros((2000, 3000), bool)
    mask[lost] = True
    ((core, context),) = find_hole_crops(mask)
    assert np.allclose(sizes(core), core_px, atol=6)
    assert np.allclose(sizes(context), context_px, atol=24)


def test_a_speck_has_a_context_of_the_narrowest_size():
    mask = np.zeros((2000, 3000), bool)
    mask[1000, 1000] = True
    ((_, context),) = find_hole_crops(mask)
    assert min(sizes(context)) >= NARROWEST
    assert max(sizes(context)) <= NARROWEST + 8


def test_a_long_scratch_is_cut_into_small_pieces():
    mask = np.zeros((2000, 3000), np.uint8)
    cv2.line(mask, (100, 1900), (2900, 100), 1, 4)
    crops = find_hole_crops(mask.astype(bool))
    assert len(crops) > 10
    assert max(max(sizes(crop.context)) for crop in crops) < 400


def test_near_holes_are_one_crop_and_far_ones_are_two():
    mask = np.zeros((2000, 3000), bool)
    mask[100:200, 100:200] = mask[100:200, 203:300] = mask[1500:1600, 2500:2600] = True
    assert len(find_hole_crops(mask)) == 2


def test_hundreds_of_specks_are_cut_into_squares_together():
    generator = np.random.default_rng(0)
    mask = np.zeros((1500, 2000), bool)
    rows, columns = (
        generator.integers(10, 1490, 2 * MANY_HOLES),
        generator.integers(10, 1990, 2 * MANY_HOLES),
    )
    mask[rows, columns] = True
    cores = count_cores(mask)
    assert (cores[mask] == 1).all()
    crops = find_hole_crops(mask)
    assert 50 < len(crops) <= 12 * 16
    assert max(max(sizes(crop.context)) for crop in crops) <= 3 * NARROWEST
