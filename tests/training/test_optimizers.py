import copy
import itertools

import pytest
import timm.optim
import torch
from timm.optim import muon
from torch import nn

from rechroma.errors import UserError
from rechroma.training import optimizers
from rechroma.training.optimizers import DECAY_TO, SCHEDULES, WARMUP_FROM, Schedule, make_optimizer

WITH_BETAS = ("adam", "adamw", "nadam", "radam", "lion", "adopt", "muon")
WITHOUT_BETAS = ("sgd", "rmsprop")
PEAK, UPDATES = 0.1, 40
SEEN = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
WANTED = SEEN.flip(-1).expand(2, 3, 8, 8)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 3, padding=1))


def optimizer_for(module, name, **changes):
    knobs = {"lr": 2e-3, "weight_decay": 0.01, "betas": (0.8, 0.95)} | changes
    return make_optimizer(module, name, **knobs)


def train(module, optimizer, steps):
    """Make `steps` steps, return the loss before each and after the last."""
    losses = []
    for _ in range(steps):
        loss = (module(SEEN) - WANTED).square().mean()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return [*losses, (module(SEEN) - WANTED).square().mean().item()]


@pytest.mark.parametrize("name", [*WITH_BETAS, *WITHOUT_BETAS, "AdamW"])
def test_its_steps_lower_a_simple_loss(name):
    module = network()
    losses = train(module, optimizer_for(module, name), 5)
    assert losses[-1] < losses[0]
    # The first step of adopt gathers the second moment alone.
    assert all(after <= before for before, after in itertools.pairwise(losses))


@pytest.mark.parametrize("name", [*WITH_BETAS, *WITHOUT_BETAS])
def test_fused_or_not_its_steps_are_the_same(name):
    apart, fused = network(), network()
    train(apart, optimizer_for(apart, name), 5)
    train(fused, optimizer_for(fused, name, fused=True), 5)
    for weight, other in zip(apart.parameters(), fused.parameters(), strict=True):
        torch.testing.assert_close(weight, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("pays", [True, False])
def test_muon_orthogonalizes_in_the_precision_that_pays(monkeypatch, pays):
    monkeypatch.setattr(optimizers, "pays_bfloat16", lambda _: pays)
    gradient = torch.randn(6, 20, generator=torch.Generator().manual_seed(1))
    turned = muon.zeropower_via_newtonschulz(gradient, 5, [(3.4445, -4.775, 2.0315)])
    assert turned.dtype == (torch.bfloat16 if pays else torch.float32)
    # Its five steps bring singular values near 1, the same directions as the polar factor.
    left, _, right = torch.linalg.svd(gradient, full_matrices=False)
    values = torch.linalg.svdvals(turned.float())
    assert values.min() > 0.6
    assert values.max() < 1.3
    likeness = torch.cosine_similarity((left @ right).ravel(), turned.float().ravel(), dim=0)
    assert likeness > 0.97


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_what_can_be_fused_is_fused_only_on_request(name):
    assert optimizer_for(network(), name, fused=True).defaults["fused"]
    assert not optimizer_for(network(), name).defaults["fused"]


@pytest.mark.parametrize("name", WITH_BETAS)
def test_betas_reach_an_optimizer_that_has_them(name):
    groups = optimizer_for(network(), name, betas=(0.7, 0.93)).param_groups
    assert {group["betas"] for group in groups} == {(0.7, 0.93)}


@pytest.mark.parametrize("name", WITHOUT_BETAS)
def test_betas_are_no_error_for_an_optimizer_without(name):
    groups = optimizer_for(network(), name, betas=(0.7, 0.93)).param_groups
    assert all("betas" not in group for group in groups)


@pytest.mark.parametrize("name", [*WITH_BETAS, *WITHOUT_BETAS])
def test_learning_rate_and_decay_reach_it_but_biases_do_not_decay(name):
    optimizer = optimizer_for(network(), name, lr=0.025, weight_decay=0.3)
    assert {group["lr"] for group in optimizer.param_groups} == {0.025}
    for group in optimizer.param_groups:
        decay = {0.3 if weight.ndim > 1 else 0.0 for weight in group["params"]}
        assert decay == {group["weight_decay"]}


def test_frozen_weights_are_left_out():
    module = network()
    module[0].requires_grad_(False)
    groups = optimizer_for(module, "adamw").param_groups
    assert sum(len(group["params"]) for group in groups) == 2


@pytest.mark.parametrize("name", [*WITH_BETAS, *WITHOUT_BETAS])
def test_an_optimizer_goes_on_from_its_state(name):
    unbroken = network()
    optimizer = optimizer_for(unbroken, name)
    train(unbroken, optimizer, 3)
    other = network()
    resumed = optimizer_for(other, name)
    other.load_state_dict(unbroken.state_dict())
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert train(unbroken, optimizer, 3) == train(other, resumed, 3)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("adm", "^optim is 'adm', did you mean 'adam'"),
        ("adamww", "^optim is 'adamww', did you mean 'adamw'"),
        ("q", "^optim is 'q', expected one of: .*, …$"),
        ("adahessian", "^optim is 'adahessian', which needs second derivatives; choose another$"),
        ("fusedadam", "^optim is 'fusedadam', which cannot be used here: "),
    ],
)
def test_an_optimizer_that_cannot_be_used_is_one_clear_message(name, message, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=message):
        optimizer_for(network(), name)


def test_the_message_names_the_setting():
    with pytest.raises(UserError, match=r"^discriminator\.optim is 'adm', did you mean"):
        optimizer_for(network(), "adm", where="discriminator.optim")


def test_every_optimizer_of_second_order_is_refused():
    second = [
        name
        for name in timm.optim.list_optimizers()
        if timm.optim.get_optimizer_info(name).second_order
    ]
    assert second
    for name in second:
        with pytest.raises(UserError, match="second derivatives"):
            optimizer_for(network(), name)


def prepared(name, updates=UPDATES, warmup=0.1):
    """An optimizer of one weight, and its schedule."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=PEAK)
    return optimizer, Schedule(optimizer, name, updates, warmup)


def rates(optimizer, schedule, updates=range(1, UPDATES + 1)):
    """The learning rate of each update: what it is before the first, then after each step."""
    found = [optimizer.param_groups[0]["lr"]]
    for update in updates:
        schedule.step(update)
        found.append(optimizer.param_groups[0]["lr"])
    return found


@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("updates", [1, 2, 7, UPDATES])
@pytest.mark.parametrize("name", SCHEDULES)
def test_the_rate_stays_above_nothing_and_below_its_peak(name, updates, warmup):
    found = rates(*prepared(name, updates, warmup), range(1, updates + 1))
    assert all(0 < rate <= PEAK * (1 + 1e-9) for rate in found)


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "none"])
def test_the_rate_climbs_while_warming_up(name):
    found = rates(*prepared(name))
    assert found[0] == pytest.approx(PEAK * WARMUP_FROM)
    assert all(before < after for before, after in itertools.pairwise(found[:5]))
    assert max(found) > 0.85 * PEAK


@pytest.mark.parametrize("name", ["cosine", "tanh", "multistep", "poly", "wsd"])
def test_a_decaying_rate_ends_near_its_floor(name):
    assert rates(*prepared(name))[-1] == pytest.approx(PEAK * DECAY_TO, rel=0.05)


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name not in ("none", "constant")])
def test_after_the_warm_up_the_rate_only_falls(name):
    found = rates(*prepared(name))[5:]
    assert found[-1] < found[0]
    assert all(after <= before for before, after in itertools.pairwise(found))


def test_a_constant_rate_is_constant_after_the_warm_up():
    assert rates(*prepared("constant"))[5:] == pytest.approx([PEAK] * 36)
    assert rates(*prepared("none")) == [PEAK] * 41


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_goes_on_from_its_state(name):
    optimizer, schedule = prepared(name)
    rates(optimizer, schedule, range(1, 21))
    other, resumed = prepared(name, updates=2 * UPDATES, warmup=0.3)
    other.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(copy.deepcopy(schedule.state_dict()))
    rest = range(21, UPDATES + 1)
    assert rates(other, resumed, rest) == rates(optimizer, schedule, rest)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cosin", "schedule is 'cosin', did you mean 'cosine'"),
        ("plateau", "schedule is 'plateau', expected one of: constant, cosine"),
    ],
)
def test_an_unknown_schedule_is_one_clear_message(name, message):
    with pytest.raises(UserError, match=message):
        prepared(name)


def test_a_warm_up_that_leaves_no_room_is_one_clear_message():
    with pytest.raises(UserError, match=r"'wsd', which cannot be used here, lower train\.warmup"):
        prepared("wsd", warmup=1.0)
