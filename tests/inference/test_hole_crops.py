import cv2
import numpy as np
import pytest

from rechroma.inference.hole_crops import MANY, NARROWEST, find_hole_crops


def check(mask: np.ndarray) -> np.ndarray:
    """How many cores each pixel is in, once every view was looked at."""
    cores = np.zeros(mask.shape, int)
    for hole in find_hole_crops(mask):
        cores[hole.core] += 1
        for core, view, side in zip(hole.core, hole.view, mask.shape, strict=True):
            assert 0 <= view.start <= core.start < core.stop <= view.stop <= side
    return cores


def sizes(view) -> tuple[int, int]:
    return view[0].stop - view[0].start, view[1].stop - view[1].start


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
def test_every_lost_pixel_is_in_one_core_whose_view_lies_in_the_photograph(seed):
    mask = random_mask(np.random.default_rng(seed))
    assert (check(mask)[mask] == 1).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (2, 700), (129, 1)])
def test_narrow_photographs_have_their_holes(shape):
    mask = np.zeros(shape, bool)
    assert find_hole_crops(mask) == []
    mask.flat[-1] = mask.flat[0] = True
    assert (check(mask)[mask] == 1).all()


@pytest.mark.parametrize(
    ("lost", "core_px", "view_px"),
    [
        (np.s_[900:1050, 1200:1800], (150, 600), (750, 1200)),  # half its length around it
        (np.s_[900:1300, 1300:1700], (400, 400), (1180, 1180)),  # thick: its thickness around it
        (np.s_[:150, 2400:], (150, 600), (450, 900)),  # in the corner: what there is around it
    ],
)
def test_a_compact_hole_is_seen_as_a_whole_with_about_as_much_around_it(lost, core_px, view_px):
    mask = np.zeros((2000, 3000), bool)
    mask[lost] = True
    ((core, view),) = find_hole_crops(mask)
    assert np.allclose(sizes(core), core_px, atol=6)
    assert np.allclose(sizes(view), view_px, atol=24)


def test_a_speck_is_seen_with_enough_around_it():
    mask = np.zeros((2000, 3000), bool)
    mask[1000, 1000] = True
    ((_, view),) = find_hole_crops(mask)
    assert min(sizes(view)) >= NARROWEST
    assert max(sizes(view)) <= NARROWEST + 8


def test_a_long_scratch_is_seen_in_pieces_near_enough_not_to_vanish():
    mask = np.zeros((2000, 3000), np.uint8)
    cv2.line(mask, (100, 1900), (2900, 100), 1, 4)
    found = find_hole_crops(mask.astype(bool))
    assert len(found) > 10
    assert max(max(sizes(hole.view)) for hole in found) < 400


def test_holes_far_from_each_other_are_seen_apart_near_ones_together():
    mask = np.zeros((2000, 3000), bool)
    mask[100:200, 100:200] = mask[100:200, 203:300] = mask[1500:1600, 2500:2600] = True
    assert len(find_hole_crops(mask)) == 2


def test_hundreds_of_specks_are_cut_into_squares_together():
    generator = np.random.default_rng(0)
    mask = np.zeros((1500, 2000), bool)
    rows, columns = generator.integers(10, 1490, 2 * MANY), generator.integers(10, 1990, 2 * MANY)
    mask[rows, columns] = True
    cores = check(mask)
    assert (cores[mask] == 1).all()
    found = find_hole_crops(mask)
    assert 50 < len(found) <= 12 * 16
    assert max(max(sizes(hole.view)) for hole in found) <= 3 * NARROWEST
