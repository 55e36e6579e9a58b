import copy

import numpy as np
import pytest
import torch

from rechroma.models.restoration import RestorationNetwork
from rechroma.training.loss_expression import parse_loss
from rechroma.training.losses import TERMS
from rechroma.training.setup import make_loader
from rechroma.training.training_step import TrainingStep


@pytest.fixture
def make_step(tiny_settings, cpu):
    """A step of a small network in float32, with a constant learning rate."""

    def make(**changes) -> TrainingStep:
        changes = {"loss": "l1", "lr": 3e-3, "schedule": "none"} | changes
        settings = tiny_settings(**changes, **{"discriminator.channels": 4})
        torch.manual_seed(0)
        model = settings.model
        weights = parse_loss(settings.loss, model.segmentation, model.hues)
        return TrainingStep(settings, weights, cpu, RestorationNetwork(model), total_updates=50)

    return make


@pytest.fixture
def sample(prepared, tiny_settings, cpu):
    """A batch of four training samples."""
    sampler, loader = make_loader(tiny_settings(augment="none"), prepared, cpu)
    sampler.epoch = 1
    return next(iter(loader))


def weights_of(step):
    return copy.deepcopy(step.network.state_dict())


def assert_same(first, second):
    for name in first:
        assert torch.equal(first[name], second[name]), name


def test_the_loss_falls_while_one_batch_is_learned_by_heart(make_step, sample):
    step = make_step()
    step.network.train()
    losses = []
    for _ in range(25):
        losses.append(float(step.backward(sample)["loss"]))
        assert step.update()
    assert np.mean(losses[-5:]) < 0.7 * losses[0]
    assert step.updates == 25


def test_the_loss_is_the_weighted_sum_of_its_terms(make_step, sample):
    parts = make_step(loss="2*l1 + 0.5*tv").backward(sample)
    assert parts.keys() == {"loss", "l1", "tv", "histogram"}
    total = 2 * parts["l1"] + 0.5 * parts["tv"] + 0.05 * parts["histogram"]
    assert parts["loss"].item() == pytest.approx(total.item())
    assert not any(part.requires_grad for part in parts.values())


def test_the_discriminator_learns_from_the_same_batch(make_step, sample):
    step = make_step(loss="bce + 10*mse")
    before = copy.deepcopy(step.adversary.discriminator.state_dict())
    assert "discriminator" in step.backward(sample)
    after = step.adversary.discriminator.state_dict()
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_a_loss_that_is_not_finite_adds_no_gradient(make_step, sample, monkeypatch):
    step = make_step()
    monkeypatch.setitem(TERMS, "l1", lambda inputs: inputs.predicted_rgb.sum() * float("inf"))
    assert step.backward(sample) is None
    assert all(weight.grad is None for weight in step.network.parameters())


def test_a_gradient_that_is_not_finite_changes_no_weight(make_step, sample):
    step = make_step()
    before = weights_of(step)
    step.backward(sample)
    next(step.network.parameters()).grad[:] = float("nan")
    assert not step.update()
    assert step.updates == 0
    assert_same(dict(step.network.named_parameters()), before)
    # Once it is discarded, training continues.
    step.discard_gradient()
    step.backward(sample)
    assert step.update()


def test_the_evaluated_network_is_the_moving_average(make_step, sample):
    step = make_step(**{"train.ema": 0.5})
    before = weights_of(step)
    for _ in range(3):
        step.backward(sample)
        step.update()
    name = next(name for name, _ in step.network.named_parameters())
    average, trained = step.evaluated_network.state_dict()[name], step.network.state_dict()[name]
    assert not torch.equal(average, trained)
    assert not torch.equal(average, before[name])


def test_the_evaluated_network_is_the_trained_one_without_an_average(make_step):
    step = make_step(**{"train.ema": 0})
    assert step.evaluated_network is step.network


def test_copied_weights_stay_while_training_continues(make_step, sample):
    step = make_step(**{"train.ema": 0})
    copied = step.copy_evaluated_weights()
    before = copy.deepcopy(copied)
    step.backward(sample)
    step.update()
    assert_same(copied, before)
    name = next(name for name, _ in step.network.named_parameters())
    assert not torch.equal(step.network.state_dict()[name], copied[name])


@pytest.mark.parametrize("changes", [{}, {"loss": "bce + l1", "schedule": "cosine"}])
def test_a_step_resumes_from_its_state(make_step, sample, changes):
    step, resumed = make_step(**changes), make_step(**changes)
    step.backward(sample)
    step.update()
    resumed.load_state_dict(copy.deepcopy(step.state_dict()))
    for each in (step, resumed):
        torch.manual_seed(1)  # of the dropout
        each.backward(sample)
        each.update()
    assert step.lr == resumed.lr
    assert step.updates == resumed.updates == 2
    assert_same(step.network.state_dict(), resumed.network.state_dict())
    assert_same(step.copy_evaluated_weights(), resumed.copy_evaluated_weights())
