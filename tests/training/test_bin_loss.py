import numpy as np
import pytest
import torch
from torch.nn import functional

from rechroma.imaging.chroma_bins import bin_centers, soft_bins
from rechroma.training.bin_loss import bin_cross_entropy, bin_weights

BINS = len(bin_centers())
UNIFORM = torch.full((BINS,), 1 / BINS)


@pytest.fixture
def chroma():
    return torch.rand((2, 2, 3, 4), generator=torch.Generator().manual_seed(0)) * 0.6 - 0.3


@pytest.fixture
def frequency():
    return torch.from_numpy(np.random.default_rng(0).dirichlet(np.ones(BINS)).astype(np.float32))


def soft_targets(chroma):
    levels = (chroma * 255).round().long().numpy() + 128
    bins, weights = soft_bins()
    targets = torch.zeros((2, BINS, 3, 4))
    for photo, row, column in np.ndindex(2, 3, 4):
        cb, cr = levels[photo, :, row, column]
        targets[photo, bins[cb, cr].astype(int), row, column] = torch.from_numpy(
            weights[cb, cr].copy()
        )
    return targets


def test_with_equal_frequencies_it_is_the_plain_cross_entropy(chroma):
    logits = torch.randn((2, BINS, 3, 4), generator=torch.Generator().manual_seed(1))
    expected = functional.cross_entropy(logits, soft_targets(chroma))
    torch.testing.assert_close(bin_cross_entropy(logits, chroma, UNIFORM), expected)


def test_rare_bins_count_more_and_all_pixels_one_in_the_mean(frequency):
    weights = bin_weights(frequency)
    assert (weights[frequency.argsort()].diff() <= 0).all()
    torch.testing.assert_close((weights * frequency).sum(), torch.tensor(1.0))


def test_the_loss_is_least_at_the_true_probabilities_in_spite_of_the_weights():
    # Frequencies that fall with the strength of the color, and pixels of just these bins.
    frequency = torch.from_numpy(np.exp(-np.hypot(*(bin_centers() * 255).T) / 30))
    frequency = (frequency / frequency.sum()).float()
    photos = torch.from_numpy(bin_centers().copy())[:, :, None, None]  # of one pixel each
    bins, weights = soft_bins()
    true = torch.zeros(BINS)
    for share, (cb, cr) in zip(
        frequency, (bin_centers() * 255).round().astype(int) + 128, strict=True
    ):
        true[bins[cb, cr].astype(int)] += share * torch.from_numpy(weights[cb, cr].copy())

    def slope(shares):
        logits = shares.log().requires_grad_(True)
        planes = logits[None, :, None, None].expand(BINS, BINS, 1, 1)
        bin_cross_entropy(planes, photos, frequency, frequency).backward()
        return logits.grad.abs().sum()

    weighed = true * bin_weights(frequency)
    assert slope(true) < 0.15 * slope(weighed / weighed.sum())


def test_photographs_that_do_not_count_change_nothing(chroma):
    logits = torch.randn((2, BINS, 3, 4), generator=torch.Generator().manual_seed(1))
    alone = bin_cross_entropy(logits[:1], chroma[:1], UNIFORM)
    counted = bin_cross_entropy(logits, chroma, UNIFORM, torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(counted, alone)


def test_of_rare_bins_a_power_of_their_weight_stays_in_what_is_predicted(chroma, frequency):
    logits = torch.randn((2, BINS, 3, 4), generator=torch.Generator().manual_seed(1))
    favored = logits + 0.6 * bin_weights(frequency).log()[:, None, None]
    expected = bin_cross_entropy(logits, chroma, frequency)
    torch.testing.assert_close(
        bin_cross_entropy(favored, chroma, frequency, rare_bins=0.6), expected
    )
