import contextlib
import copy
import functools
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
INPUT = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
TARGET = INPUT.flip(-1).expand(2, 3, 8, 8)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 3, padding=1))


def wide_network():
    """One matrix that is large enough for Muon; it leaves small ones to AdamW."""
    torch.manual_seed(0)
    layers = nn.Flatten(), nn.Linear(64, 192, bias=False), nn.Unflatten(1, (3, 8, 8))
    return nn.Sequential(*layers)


def optimizer_for(module, name, **changes):
    options = {"lr": 2e-3, "weight_decay": 0.01, "betas": (0.8, 0.95)} | changes
    return make_optimizer(module, name, **options)


def train(module, optimizer, steps):
    """Make `steps` steps, return the loss before each and after the last."""
    losses = []
    for _ in range(steps):
        loss = (module(INPUT) - TARGET).square().mean()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return [*losses, (module(INPUT) - TARGET).square().mean().item()]


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


@pytest.fixture
def iteration(monkeypatch):
    """timm's own Newton-Schulz iteration, put back after the test; notes the dtypes it is given."""
    original = muon.zeropower_via_newtonschulz
    if isinstance(original, functools.partial):  # an earlier test made a Muon
        (original,) = original.args
    dtypes = []

    @functools.wraps(original)
    def note_dtype(*arguments, **options):
        dtypes.append(options.get("dtype"))
        return original(*arguments, **options)

    monkeypatch.setattr(muon, "zeropower_via_newtonschulz", note_dtype)
    return dtypes


@pytest.mark.parametrize(("pays", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
@pytest.mark.parametrize("name", ["muon", "adamuon"])
def test_muon_computes_in_the_precision_that_pays(monkeypatch, iteration, name, pays, dtype):
    monkeypatch.setattr(optimizers, "pays_bfloat16", lambda _: pays)
    module = wide_network()
    train(module, optimizer_for(module, name), 3)
    assert iteration == [dtype] * 3


def test_a_second_muon_changes_nothing_more(iteration):
    optimizer_for(network(), "muon")
    chosen = muon.zeropower_via_newtonschulz
    module = wide_network()
    train(module, optimizer_for(module, "muon"), 1)
    assert muon.zeropower_via_newtonschulz is chosen
    assert len(iteration) == 1


@pytest.mark.usefixtures("iteration")
def test_other_optimizers_leave_timms_muon_alone():
    before = muon.zeropower_via_newtonschulz
    optimizer_for(network(), "adamw")
    assert muon.zeropower_via_newtonschulz is before


@pytest.mark.usefixtures("iteration")
def test_muon_orthogonalizes_gradients(monkeypatch):
    monkeypatch.setattr(optimizers, "pays_bfloat16", lambda _: False)
    optimizer_for(network(), "muon")
    gradient = torch.randn(6, 20, generator=torch.Generator().manual_seed(1))
    turned = muon.zeropower_via_newtonschulz(gradient, 5, [(3.4445, -4.775, 2.0315)])
    # Five steps bring singular values near 1, in the directions of the polar factor.
    left, _, right = torch.linalg.svd(gradient, full_matrices=False)
    values = torch.linalg.svdvals(turned)
    assert values.min() > 0.6
    assert values.max() < 1.3
    assert torch.cosine_similarity((left @ right).ravel(), turned.ravel(), dim=0) > 0.97


def without_dtype(gradient, *_):
    """An iteration of a timm that offers no choice of precision."""
    return gradient


@pytest.mark.parametrize("vanished", [True, False])
def test_a_timm_without_the_patched_function_gives_its_own_muon(monkeypatch, caplog, vanished):
    if vanished:
        monkeypatch.delattr(muon, "zeropower_via_newtonschulz")
    else:
        monkeypatch.setattr(muon, "zeropower_via_newtonschulz", without_dtype)
    assert isinstance(optimizer_for(network(), "muon"), timm.optim.Muon)
    assert getattr(muon, "zeropower_via_newtonschulz", without_dtype) is without_dtype
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "Muon computes in bfloat16, slowly where that is emulated" in record.message


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
def test_learning_rate_and_decay_reach_the_optimizer_but_biases_do_not_decay(name):
    optimizer = optimizer_for(network(), name, lr=0.025, weight_decay=0.3)
    assert {group["lr"] for group in optimizer.param_groups} == {0.025}
    for group in optimizer.param_groups:
        decay = {0.3 if weight.ndim > 1 else 0.0 for weight in group["params"]}
        assert decay == {group["weight_decay"]}


def test_frozen_weights_are_not_optimized():
    module = network()
    module[0].requires_grad_(False)
    groups = optimizer_for(module, "adamw").param_groups
    assert sum(len(group["params"]) for group in groups) == 2


@pytest.mark.parametrize("name", [*WITH_BETAS, *WITHOUT_BETAS])
def test_an_optimizer_resumes_from_its_state(name):
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
        ("Fusedadam", "^optim is 'Fusedadam', which needs an NVIDIA GPU; choose another$"),
        ("bnbadam", "^optim is 'bnbadam', which needs an NVIDIA GPU; choose another$"),
    ],
)
@pytest.mark.parametrize("fused", [True, False])
def test_an_optimizer_that_cannot_be_used_is_one_clear_message(name, message, monkeypatch, fused):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=message):
        optimizer_for(network(), name, fused=fused)


def test_a_missing_package_is_one_clear_message(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(optimizers, "find_spec", lambda _: None)
    message = "^optim is 'bnbadam', which needs the package bitsandbytes; install it or choose"
    with pytest.raises(UserError, match=message):
        optimizer_for(network(), "bnbadam")


def test_a_broken_package_is_one_clear_message(monkeypatch, tmp_path):
    (tmp_path / "apex").mkdir()
    (tmp_path / "apex/__init__.py").write_text("raise ImportError('libcudart.so is missing')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    message = r"package apex cannot be imported \(libcudart.so is missing\); repair it or choose"
    with pytest.raises(UserError, match=message):
        optimizer_for(network(), "fusedadam")


def test_an_error_of_our_own_keeps_its_traceback():
    with pytest.raises(ValueError, match="Invalid learning rate: -1"):
        optimizer_for(network(), "adamw", lr=-1)


def test_the_message_names_the_setting():
    with pytest.raises(UserError, match=r"^discriminator\.optim is 'adm', did you mean"):
        optimizer_for(network(), "adm", where="discriminator.optim")


def test_every_optimizer_of_second_order_is_refused():
    refused = [
        name
        for name in timm.optim.list_optimizers()
        if timm.optim.get_optimizer_info(name).second_order
    ]
    assert refused
    for name in refused:
        with pytest.raises(UserError, match="second derivatives"):
            optimizer_for(network(), name)


def make_schedule(name, updates=UPDATES, warmup=0.1):
    """An optimizer of one weight, and its schedule."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=PEAK)
    return optimizer, Schedule(optimizer, name, updates, warmup)


def rates(optimizer, schedule, updates=range(1, UPDATES + 1)):
    """The learning rate before the first update, and after each."""
    lrs = [optimizer.param_groups[0]["lr"]]
    for update in updates:
        schedule.step(update)
        lrs.append(optimizer.param_groups[0]["lr"])
    return lrs


@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("updates", [1, 2, 7, UPDATES])
@pytest.mark.parametrize("name", SCHEDULES)
def test_the_rate_stays_above_0_and_below_its_peak(name, updates, warmup):
    lrs = rates(*make_schedule(name, updates, warmup), range(1, updates + 1))
    assert all(0 < rate <= PEAK * (1 + 1e-9) for rate in lrs)


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "none"])
def test_the_rate_climbs_while_warming_up(name):
    lrs = rates(*make_schedule(name))
    assert lrs[0] == pytest.approx(PEAK * WARMUP_FROM)
    assert all(before < after for before, after in itertools.pairwise(lrs[:5]))
    assert max(lrs) > 0.85 * PEAK


@pytest.mark.parametrize("name", ["cosine", "tanh", "multistep", "poly", "wsd"])
def test_a_decaying_rate_ends_near_its_floor(name):
    assert rates(*make_schedule(name))[-1] == pytest.approx(PEAK * DECAY_TO, rel=0.05)


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name not in ("none", "constant")])
def test_after_the_warm_up_the_rate_only_falls(name):
    lrs = rates(*make_schedule(name))[5:]
    assert lrs[-1] < lrs[0]
    assert all(after <= before for before, after in itertools.pairwise(lrs))


def test_a_constant_rate_is_constant_after_the_warm_up():
    assert rates(*make_schedule("constant"))[5:] == pytest.approx([PEAK] * 36)
    assert rates(*make_schedule("none")) == [PEAK] * 41


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_resumes_from_its_state(name):
    optimizer, schedule = make_schedule(name)
    rates(optimizer, schedule, range(1, 21))
    other, resumed = make_schedule(name, updates=2 * UPDATES, warmup=0.3)
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
        make_schedule(name)


def test_a_warm_up_that_leaves_no_room_is_one_clear_message():
    message = (
        r"^schedule is 'wsd', which decays in 12 of 40 updates, but train\.warmup of 0\.8 takes "
        r"32; lower train\.warmup$"
    )
    with pytest.raises(UserError, match=message):
        make_schedule("wsd", warmup=0.8)


@pytest.mark.parametrize("warmup", [0.69, 0.7, 0.71, 0.72, 1.0])
def test_every_warm_up_that_timm_refuses_is_refused_before(warmup):
    with contextlib.suppress(UserError):  # and no ValueError
        make_schedule("wsd", warmup=warmup)
