import copy
import math

import pytest
import torch
from torch.nn import functional

from rechroma.errors import UserError
from rechroma.training.adversarial import Adversary, discriminator_loss

LUMA, RESTORED, TARGET = (
    torch.rand((2, channels, 32, 32), generator=torch.Generator().manual_seed(channels))
    for channels in (1, 3, 3)
)
TARGET = TARGET.flip(-1)


@pytest.fixture
def make_adversary(make_settings, cpu):
    def make(**changes) -> Adversary:
        torch.manual_seed(0)
        changes = {"discriminator.channels": 4, "discriminator.lr": 0.01} | changes
        return Adversary(make_settings(**changes).discriminator, cpu)

    return make


def test_the_gradient_of_its_logits_reaches_the_photographs_alone(make_adversary):
    adversary = make_adversary()
    restored = RESTORED.clone().requires_grad_()
    adversary.logits(LUMA, restored).sum().backward()
    assert restored.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in adversary.discriminator.parameters())
    assert all(weight.requires_grad for weight in adversary.discriminator.parameters())


def test_it_learns_to_tell_targets_from_restored_photographs(make_adversary):
    adversary = make_adversary()
    losses = [float(adversary.learn(LUMA, RESTORED, TARGET)) for _ in range(20)]
    assert losses[-1] < 0.7 * losses[0]
    with torch.no_grad():
        assert adversary.logits(LUMA, TARGET).mean() > adversary.logits(LUMA, RESTORED).mean()


def test_a_loss_that_is_not_finite_changes_no_weight(make_adversary):
    adversary = make_adversary()
    before = copy.deepcopy(adversary.discriminator.state_dict())
    assert not torch.isfinite(adversary.learn(LUMA, RESTORED * float("nan"), TARGET))
    for name, tensor in adversary.discriminator.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_it_resumes_from_its_state(make_adversary):
    adversary, resumed = make_adversary(), make_adversary(**{"discriminator.lr": 0.5})
    adversary.learn(LUMA, RESTORED, TARGET)
    resumed.load_state_dict(copy.deepcopy(adversary.state_dict()))
    losses = [
        [float(each.learn(LUMA, RESTORED, TARGET)) for _ in range(3)]
        for each in (adversary, resumed)
    ]
    assert losses[0] == losses[1]


def test_an_unknown_optimizer_is_named_with_its_setting(make_adversary):
    with pytest.raises(UserError, match=r"^discriminator\.optim is 'adm', did you mean"):
        make_adversary(**{"discriminator.optim": "adm"})


def test_the_loss_is_cross_entropy_of_both():
    target, restored = torch.randn(2, 4, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    pairs = (target, torch.ones_like(target)), (restored, torch.zeros_like(restored))
    entropies = [functional.binary_cross_entropy_with_logits(*pair).item() for pair in pairs]
    expected = sum(entropies) / 2
    assert discriminator_loss(target, restored).item() == pytest.approx(expected, rel=1e-5)
    assert discriminator_loss(torch.zeros(1), torch.zeros(1)).item() == pytest.approx(math.log(2))
