import numpy as np

from rechroma.imaging.mending.patches import patch_models
from rechroma.imaging.mending.solve import Observed, estimate


def step(height, width):
    """A straight edge, not along the pixels: `(H, W, 1)` float32."""
    rows, columns = np.mgrid[:height, :width]
    return (60 + 80 / (1 + np.exp(columns - 0.5 * rows - 8)))[..., None].astype(np.float32)


def band(shape):
    lost = np.zeros(shape, bool)
    lost[12:15] = True
    return lost


def test_an_edge_goes_on_below_damage():
    truth, lost = step(28, 40), band((28, 40))
    guess = np.where(lost[..., None], truth.mean(), truth)
    variances = np.where(lost, np.float32(1e4), np.float32(0))
    found = estimate(Observed(guess, variances), lost, patch_models(1), (0, 0), stride=3)
    before, after = (np.abs(each - truth[lost]).mean() for each in (guess[lost], found))
    assert after < 0.25 * before


def test_a_sure_guess_is_kept():
    truth, lost = step(28, 40), band((28, 40))
    variances = np.where(lost, np.float32(1e-2), np.float32(0))
    found = estimate(Observed(truth, variances), lost, patch_models(1), (0, 0), stride=3)
    np.testing.assert_allclose(found, truth[lost], atol=0.2)


def test_channels_are_estimated_alike():
    truth, lost = step(28, 40), band((28, 40))
    values = np.concatenate([truth, truth / 2 + 30], axis=2)
    variances = np.where(lost, np.float32(400), np.float32(0))
    found = estimate(Observed(values, variances), lost, patch_models(1), (0, 0), stride=3)
    np.testing.assert_allclose(found[:, 1], found[:, 0] / 2 + 30, atol=0.05)
