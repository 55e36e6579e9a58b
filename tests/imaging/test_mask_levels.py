import io

import cv2
import numpy as np
import pytest
from PIL import Image

from rechroma.imaging.mask_levels import NoMaskError, has_two_levels, split_levels

LIGHT = np.zeros((80, 100), bool)
LIGHT[20:50, 30:60] = True
LIGHT[60:64, 10:90] = True


def of(dark, light, dtype=np.uint8):
    return np.where(LIGHT, light, dark).astype(dtype)


def as_jpeg(picture, quality):
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


@pytest.mark.parametrize(
    "picture",
    [
        of(0, 255),
        of(0, 1),
        of(254, 255),
        of(0, 65535, np.uint16),
        of(40000, 40001, np.uint16),
        np.where(LIGHT[..., None], [128, 0, 0], [0, 0, 0]).astype(np.uint8),
        np.where(LIGHT[..., None], [0, 0, 1], [0, 0, 0]).astype(np.uint8),
    ],
)
def test_two_levels_are_two_levels(picture):
    light, plain = split_levels(picture)
    np.testing.assert_array_equal(light, LIGHT)
    assert plain


@pytest.mark.parametrize("quality", [20, 50, 75, 95])
def test_a_jpeg_of_a_mask_is_a_mask(quality):
    light, plain = split_levels(as_jpeg(of(0, 255), quality))
    assert (light != LIGHT).mean() < 0.01
    assert not plain


@pytest.mark.parametrize("scale", [0.37, 0.5, 2.3])
def test_an_antialiased_mask_is_a_mask(scale):
    blurred = cv2.resize(of(0, 255), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    expected = cv2.resize(of(0, 1), blurred.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    assert (split_levels(blurred).light != expected).mean() < 0.06


def test_photographs_are_no_masks(luma):
    contrast = np.clip((luma.astype(int) - 128) * 4 + 128, 0, 255).astype(np.uint8)
    few = (luma // 64 * 85).astype(np.uint8)
    for picture in (luma, contrast, few, as_jpeg(luma, 10), cv2.resize(luma, (32, 24))):
        with pytest.raises(NoMaskError, match="levels and no clear edge, expected a mask of two"):
            split_levels(picture)


def test_labels_of_three_kinds_are_no_mask():
    labels = of(0, 38)
    around = cv2.dilate(LIGHT.astype(np.uint8), np.ones((5, 5))) > 0
    labels[around & ~LIGHT] = 220
    with pytest.raises(NoMaskError, match="has 3 levels"):
        split_levels(labels)


def test_one_level_is_light_or_dark():
    assert not split_levels(np.full((4, 5), 1, np.uint8)).light.any()
    assert split_levels(np.full((4, 5), 255, np.uint8)).light.all()
    assert split_levels(np.full((4, 5), 65535, np.uint16)).light.all()


def test_pixels_of_three_colors_are_more_than_two_levels():
    assert has_two_levels(np.array([[0, 0, 1], [1, 0, 0]], np.uint8))
    assert not has_two_levels(np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], np.uint8))
