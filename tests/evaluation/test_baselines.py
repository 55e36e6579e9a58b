import numpy as np

from rechroma.evaluation.baselines import BASELINES
from rechroma.imaging.color import to_luma


def test_every_baseline_is_gray_and_has_the_photographs_size(photo):
    damaged = to_luma(photo)
    mask = np.zeros(damaged.shape, bool)
    mask[20:50, 30:70] = True
    for restore in BASELINES.values():
        restored = restore(damaged, mask)
        assert restored.shape == photo.shape
        assert (restored == restored[..., :1]).all()


def test_the_baselines_keep_the_intact_pixels(photo):
    damaged = to_luma(photo)
    mask = np.zeros(damaged.shape, bool)
    mask[20:50, 30:70] = True
    for restore in BASELINES.values():
        np.testing.assert_array_equal(restore(damaged, mask)[~mask][:, 0], damaged[~mask])
