import cv2
import numpy as np
import pytest
import torch

from rechroma.imaging.color import ycbcr_from_rgb
from rechroma.imaging.hue import cell_histograms, fold_gray, hue_histogram, hue_of_chroma


def chroma_of(photo):
    planes = np.moveaxis(photo.astype(np.float32) / 255, -1, 0)
    return np.stack(ycbcr_from_rgb(*planes)[1:])


def test_a_histogram_counts_what_opencv_counts(photo):
    photo[:8] = photo[:8, :, :1]
    plane = cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)[..., 0]
    counted = np.bincount(plane.ravel(), minlength=180) / plane.size
    found = hue_histogram(photo)
    assert found.sum() == pytest.approx(1)
    assert found[180] == pytest.approx((photo == photo[..., :1]).all(axis=-1).mean())
    np.testing.assert_allclose(fold_gray(found), counted, atol=1e-6)


def test_folding_does_not_change_its_input():
    shares = torch.rand(2, 181)
    before = shares.clone()
    folded = fold_gray(shares)
    assert torch.equal(shares, before)
    assert torch.equal(folded[:, 0], shares[:, 0] + shares[:, 180])


def test_each_cell_has_its_own_histogram(photo):
    photo[:, :20] = 90  # some grays
    found = cell_histograms(photo, 3, 4)
    assert found.shape == (181, 3, 4)
    for row in range(3):
        for column in range(4):
            cell = np.ascontiguousarray(photo[32 * row :, 32 * column :][:32, :32])
            np.testing.assert_allclose(found[:, row, column], hue_histogram(cell), atol=1e-6)


def test_hues_are_those_of_opencv(photo):
    found = hue_of_chroma(chroma_of(photo))
    plane = cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)
    colored = plane[..., 1] > 20
    apart = np.abs((found - plane[..., 0] + 90) % 180 - 90)
    assert apart[colored].max() < 1
