import numpy as np
import pytest
import torch

from rechroma.data.prepared import mean_hue_histogram
from rechroma.errors import UserError
from rechroma.training.setup import make_loader, make_network, seed_torch


def test_a_seed_gives_the_same_numbers_again():
    draws = []
    for seed in (3, 3, 4):
        seed_torch(seed, torch.device("cpu"))
        draws.append(torch.rand(5))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert torch.are_deterministic_algorithms_enabled()


def test_the_epoch_of_the_sampler_decides_the_samples(prepared, tiny_settings, cpu):
    sampler, loader = make_loader(tiny_settings(), prepared, cpu)
    targets = []
    for epoch in (1, 1, 2):
        sampler.epoch = epoch
        targets.append(torch.cat([sample.target for sample in loader]))
    assert targets[0].shape == (8, 3, 64, 64)
    assert torch.equal(targets[0], targets[1])
    assert not torch.equal(targets[0], targets[2])


@pytest.mark.parametrize(("batch", "batches"), [(3, [3, 3]), (8, [8]), (20, [8])])
def test_an_incomplete_batch_is_dropped_unless_it_is_the_only_one(
    prepared, tiny_settings, cpu, batch, batches
):
    _, loader = make_loader(tiny_settings(**{"train.batch": batch}), prepared, cpu)
    assert [len(sample.luma) for sample in loader] == batches


def test_missing_data_are_one_clear_message(tmp_path, tiny_settings, cpu):
    with pytest.raises(UserError, match=r"train\.npy is missing, run the stage prepare first$"):
        make_loader(tiny_settings(), tmp_path, cpu)


def test_a_fresh_network_predicts_the_mean_hues_of_the_photographs(prepared, tiny_settings):
    torch.manual_seed(0)
    network = make_network(tiny_settings(), prepared).eval()
    with torch.no_grad():
        hues = network(
            torch.full((1, 1, 64, 64), 128).byte(), torch.zeros(1, 1, 64, 64).bool()
        ).hues
    predicted = hues.softmax(dim=1).mean(dim=(0, 2, 3))
    assert np.corrcoef(predicted, mean_hue_histogram(prepared))[0, 1] > 0.9
