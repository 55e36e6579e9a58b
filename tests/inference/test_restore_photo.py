import numpy as np
import pytest

from rechroma.imaging.color import to_luma
from rechroma.imaging.scan_border import Box
from rechroma.inference.restore_photo import restore_gray, restore_photo


@pytest.fixture
def scan(luma):
    return np.pad(luma, ((8, 8), (10, 10)), constant_values=250)


def nothing(picture):
    return np.zeros(picture.shape[:2], bool)


def test_the_network_sees_only_what_is_inside_the_border(echo, scan):
    restorer, box = echo(), Box(10, 8, 138, 104)
    restored = restore_gray(restorer, scan, nothing(scan), box)
    assert np.array_equal(
        restored[box.inside], restorer(scan[box.inside], nothing(scan[box.inside]))
    )
    assert np.array_equal(to_luma(restored), scan)
    assert not np.ptp(restored.astype(int), axis=2)[box.outside(scan.shape)].any()


def test_damage_on_the_border_is_filled_in_gray(echo, scan):
    mask = nothing(scan)
    mask[:20, 40:60] = True
    restored = restore_gray(echo(more=-0.2), scan, mask, Box(10, 8, 138, 104))
    assert not np.ptp(restored[:8].astype(int), axis=2).any()
    assert np.array_equal(to_luma(restored)[~mask], scan[~mask])
    assert (to_luma(restored)[:8, 45:55] != 250).any()


def test_a_color_photograph_keeps_its_color_unless_it_is_replaced(echo, photo):
    assert np.array_equal(restore_photo(echo(), photo, nothing(photo)), photo)
    replaced = restore_photo(echo(), photo, nothing(photo), color="replace")
    assert np.array_equal(to_luma(replaced), to_luma(photo))
    assert not np.array_equal(replaced, photo)


def test_a_border_is_cut_off_also_in_color(echo, photo):
    scan = np.pad(photo, ((8, 8), (10, 10), (0, 0)), constant_values=250)
    assert np.array_equal(restore_photo(echo(), scan, nothing(scan), crop=True), photo)


def test_the_tone_is_evened_on_request_and_the_border_is_not(echo, scan):
    faded = np.where(scan == 250, 250, 90 + scan * 0.4).astype(np.uint8)
    picture = np.dstack([faded] * 3)
    kept = to_luma(restore_photo(echo(), picture, nothing(scan)))
    assert np.array_equal(kept, faded)
    evened = to_luma(restore_photo(echo(), picture, nothing(scan), even="auto"))
    assert (evened[:8] == 250).all()
    assert evened[8:-8, 10:-10].std() > 1.5 * faded[8:-8, 10:-10].std()
