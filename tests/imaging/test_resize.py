import cv2
import numpy as np
import pytest

from rechroma.imaging import resize
from rechroma.imaging.resize import (
    center_square,
    downscale,
    downscale_luma,
    downscale_mask,
    fit_shape,
    upscale,
    upscale_bands,
)


@pytest.mark.parametrize(
    ("small", "large"),
    [
        ((7, 5), (23, 31)),
        ((3, 128), (101, 128)),
        ((1, 1), (9, 4)),
        ((5, 1), (64, 1)),
        ((9, 9), (9, 40)),
    ],
)
@pytest.mark.parametrize("band", [1, 100, 10**6])
def test_bands_of_an_enlarged_plane_are_those_of_opencvs_bicubic(monkeypatch, small, large, band):
    monkeypatch.setattr(resize, "BAND", band)
    planes = np.random.default_rng(0).random((2, *small), dtype=np.float32)
    bands = {rows.start: values for rows, values in upscale_bands(planes, large)}
    found = np.concatenate([bands[top] for top in sorted(bands)], axis=1)
    expected = [
        cv2.resize(plane, large[::-1], interpolation=cv2.INTER_CUBIC).reshape(large)
        for plane in planes
    ]
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)
    np.testing.assert_allclose(upscale(planes, large), expected, rtol=0, atol=0)


def test_a_small_band_is_really_small(monkeypatch):
    monkeypatch.setattr(resize, "BAND", 300)
    planes = np.zeros((2, 10, 10), np.float32)
    bands = list(upscale_bands(planes, (95, 100)))
    assert max(values.shape[1] for _, values in bands) == 3
    assert [rows.start for rows, _ in bands] == list(range(0, 95, 3))
    assert bands[-1][0].stop == 95


@pytest.mark.parametrize("shape", [(3000, 4096), (16001, 1001), (1, 50_000)])
def test_a_single_lost_pixel_is_kept_however_large_the_photograph(shape):
    generator = np.random.default_rng(1)
    mask = np.zeros(shape, bool)
    for _ in range(5):
        row, column = (int(generator.integers(side)) for side in shape)
        mask[row, column] = True
        reduced = downscale_mask(mask, 128)
        y, x = (
            (at + 0.5) * r / s for at, r, s in zip((row, column), reduced.shape, shape, strict=True)
        )
        assert max(reduced.shape) == 128
        assert reduced[int(y), int(x)]
        assert reduced.sum() <= 4
        mask[row, column] = False


def test_a_mask_reduced_is_lost_wherever_a_pixel_under_it_is():
    mask = np.random.default_rng(2).random((96, 128)) < 0.05
    expected = mask.reshape(24, 4, 32, 4).any(axis=(1, 3))
    np.testing.assert_array_equal(downscale_mask(mask, 32), expected)


def test_a_photograph_reduced_has_the_means_of_its_areas(damaged):
    means = damaged.reshape(24, 4, 32, 4).mean(axis=(1, 3))
    assert np.abs(downscale_luma(damaged, 32) - means).max() <= 0.5


def test_small_photographs_are_never_enlarged_and_no_side_vanishes(damaged):
    assert downscale_luma(damaged, 500) is damaged
    assert downscale_mask(damaged > 9, 128).shape == damaged.shape
    assert fit_shape((3, 10_000), 100) == (1, 100)


def test_square_is_the_center_reduced(photo: np.ndarray) -> None:
    np.testing.assert_array_equal(center_square(photo, 96), photo[:, 16:112])
    small = center_square(photo, 32)
    means = photo[:, 16:112].reshape(32, 3, 32, 3, 3).mean(axis=(1, 3))
    assert small.shape == (32, 32, 3)
    assert np.abs(small - means).mean() < 3


def test_square_refuses_to_enlarge(photo: np.ndarray) -> None:
    with pytest.raises(ValueError, match="128x96 px, expected at least 97 px"):
        center_square(photo, 97)


def test_reducing_does_not_alias() -> None:
    checkers = (np.indices((128, 128)).sum(axis=0) % 2 * 255).astype(np.uint8)
    small = downscale(np.stack([checkers] * 3, axis=-1), 48, 48)
    assert np.abs(small[4:-4, 4:-4].astype(int) - 128).max() < 16
