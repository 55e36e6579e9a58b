import cv2
import numpy as np
import pytest
import skimage.metrics
import torch
from scipy.ndimage import gaussian_filter1d

from rechroma.training.similarity import (
    HUE_BLUR,
    correlation,
    soft_hue_histogram,
    structural_similarity,
)


def test_structural_similarity_is_scikit_images(photo):
    other = np.roll(photo, 3, axis=1)
    expected = skimage.metrics.structural_similarity(photo, other, channel_axis=-1, data_range=255)
    first, second = (torch.from_numpy(each).permute(2, 0, 1)[None] / 255 for each in (photo, other))
    assert structural_similarity(first, second).item() == pytest.approx(expected, abs=1e-5)


def hard_histogram(photo):
    """`(90,)` shares of pairs of OpenCV's hues, blurred around the circle with SciPy."""
    hue = cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)[..., 0]
    counts = np.bincount(hue.ravel() // 2, minlength=90) / hue.size
    return gaussian_filter1d(counts, HUE_BLUR / 2, mode="wrap")


def test_the_soft_hue_histogram_follows_opencvs_hues(photo):
    soft = soft_hue_histogram(torch.from_numpy(photo).permute(2, 0, 1)[None] / 255)[0]
    assert soft.sum().item() == pytest.approx(1, abs=1e-3)
    assert np.corrcoef(soft, hard_histogram(photo))[0, 1] > 0.97


def test_gray_counts_as_red_in_the_soft_hue_histogram():
    soft = soft_hue_histogram(torch.full((1, 3, 4, 4), 0.4))[0]
    assert soft.argmax() == 0
    assert soft.sum().item() == pytest.approx(1, abs=1e-5)


def test_correlation_is_pearsons():
    first, second = torch.rand((2, 3, 20), generator=torch.Generator().manual_seed(0))
    expected = [np.corrcoef(*rows)[0, 1] for rows in zip(first, second, strict=True)]
    np.testing.assert_allclose(correlation(first, second), expected, atol=1e-6)


def test_the_correlation_of_a_constant_row_is_0():
    assert correlation(torch.ones(1, 20), torch.arange(20.0)[None]).item() == 0
