import pickle

import numpy as np
import pytest
import torch

from rechroma.data.training_set import TrainingSet
from rechroma.errors import UserError
from rechroma.imaging.color import to_luma


def test_a_sample_is_the_same_whenever_it_is_drawn(prepared, tiny_settings):
    settings = tiny_settings(augment="full")
    first, second = (TrainingSet(prepared, settings)[3, 5] for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    other_epoch = TrainingSet(prepared, settings)[4, 5]
    assert not torch.equal(first.target, other_epoch.target)


def test_an_epoch_shows_every_photograph_once(prepared, tiny_settings):
    settings = tiny_settings(**{"augment": "none", "train.epoch_samples": 0})
    samples = TrainingSet(prepared, settings)
    shown = {samples[1, index].target.numpy().tobytes() for index in range(len(samples))}
    assert len(shown) == len(samples) == 8


def test_missing_data_is_an_error(tmp_path, tiny_settings):
    with pytest.raises(UserError, match=r"train\.npy is missing, run the stage prepare"):
        TrainingSet(tmp_path, tiny_settings())[0, 0]


def test_a_sample_has_its_shapes_and_its_target_outside_of_holes(prepared, tiny_settings):
    settings = tiny_settings(**{"train.size": 48, "train.crop": 64, "model.fill": "none"})
    luma, mask, target, hues = TrainingSet(prepared, settings)[1, 0]
    assert (luma.shape, mask.shape, target.shape) == ((1, 48, 48), (1, 48, 48), (3, 48, 48))
    assert (luma.dtype, mask.dtype, target.dtype) == (torch.uint8, torch.bool, torch.uint8)
    assert hues.shape == (181, 2, 2)
    gray = to_luma(target.permute(1, 2, 0).numpy())
    assert np.array_equal(luma[~mask].numpy(), gray[None][~mask.numpy()])


def test_a_copy_in_another_process_draws_the_same_samples(prepared, tiny_settings):
    samples = TrainingSet(prepared, tiny_settings())
    copy = pickle.loads(pickle.dumps(samples))
    assert "tiles" not in vars(copy)
    for one, other in zip(samples[2, 3], copy[2, 3], strict=True):
        assert torch.equal(one, other)
