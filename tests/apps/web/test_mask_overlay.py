import numpy as np
import pytest

from rechroma.apps.web.mask_overlay import (
    ALPHA,
    ALPHA_THRESHOLD,
    PreviewSize,
    merge_masks,
    paint_mask,
)


@pytest.fixture
def found():
    mask = np.zeros((3001, 4003), bool)
    mask[1000:1403, 2000:2207] = True
    mask[5, 5] = True
    return mask


@pytest.mark.parametrize(
    ("shape", "preview"),
    [((3000, 4000), (900, 1200)), ((600, 800), (600, 800)), ((1, 5000), (1, 1200))],
)
def test_a_preview_is_never_larger_than_the_photograph(shape, preview):
    assert PreviewSize.of(shape, 1200) == preview


def test_a_single_lost_pixel_is_shown(found):
    shown = PreviewSize.of(found.shape, 1200).downscale_mask(found)
    assert shown[1, 1]
    assert shown.shape == (900, 1200)


def test_an_unchanged_preview_gives_the_detected_mask_exactly(found):
    size = PreviewSize.of(found.shape, 1200)
    shown = size.downscale_mask(found)
    painted = size.mask_from_layers([paint_mask(shown)])
    assert np.array_equal(painted, shown)
    assert np.array_equal(merge_masks(found, shown, painted), found)


def test_painting_adds_damage_and_keeps_the_rest(found):
    shown = PreviewSize.of(found.shape, 1200).downscale_mask(found)
    painted = shown.copy()
    painted[600:700, 100:200] = True
    merged = merge_masks(found, shown, painted)
    added = merged & ~found
    rows, columns = np.nonzero(added)
    assert (rows.min(), columns.min()) == pytest.approx((2000, 333), abs=4)
    assert (rows.max(), columns.max()) == pytest.approx((2334, 667), abs=4)
    assert np.array_equal(merged[~added], found[~added])


def test_erasing_removes_damage(found):
    shown = PreviewSize.of(found.shape, 1200).downscale_mask(found)
    painted = shown.copy()
    painted[:350] = False
    merged = merge_masks(found, shown, painted)
    assert not merged[:1160].any()
    assert np.array_equal(merged[1170:], found[1170:])


def test_only_opaque_strokes_count():
    layer = np.zeros((4, 6, 4), np.uint8)
    layer[1, 1, 3] = ALPHA
    layer[2, 2, 3] = ALPHA_THRESHOLD - 1
    assert np.argwhere(PreviewSize(4, 6).mask_from_layers([layer])).tolist() == [[1, 1]]


def test_layers_are_united_and_no_layer_is_no_damage():
    layers = [paint_mask(np.eye(4, 6, k, dtype=bool)) for k in (0, 2)]
    assert PreviewSize(4, 6).mask_from_layers(layers).sum() == 8
    assert not PreviewSize(4, 6).mask_from_layers([]).any()


def test_layers_of_a_larger_size_are_resized():
    mask = np.zeros((40, 60), bool)
    mask[:20] = True
    assert np.array_equal(PreviewSize(20, 30).mask_from_layers([paint_mask(mask)]), mask[::2, ::2])
