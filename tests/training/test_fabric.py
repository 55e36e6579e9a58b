import logging

import pytest
import torch

from rechroma.errors import UserError
from rechroma.training import fabric
from rechroma.training.fabric import make_fabric


@pytest.fixture
def machine(monkeypatch):
    """A machine without an accelerator, where bfloat16 is emulated."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(fabric, "pays_bfloat16", lambda _: False)


@pytest.fixture
def train(make_settings):
    """The settings of a training, with some changed."""
    return lambda **changes: (
        make_settings(**{f"train.{name}": value for name, value in changes.items()}).train
    )


@pytest.mark.usefixtures("machine")
def test_auto_takes_the_cpu_where_there_is_nothing_faster(train):
    made = make_fabric(train(device="auto"))
    assert made.device == torch.device("cpu")
    assert made.world_size == 1
    assert made.is_global_zero


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_here_is_one_clear_message(train, device):
    message = f"^train.device is '{device}', but this machine has none; use auto or cpu$"
    with pytest.raises(UserError, match=message):
        make_fabric(train(device=device))


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("precision", "pays", "dtype"),
    [
        ("auto", False, torch.float32),
        ("auto", True, torch.bfloat16),
        ("32-true", True, torch.float32),
        ("bf16-mixed", False, torch.bfloat16),
    ],
)
def test_auto_computes_in_bfloat16_where_that_pays(train, monkeypatch, precision, pays, dtype):
    monkeypatch.setattr(fabric, "pays_bfloat16", lambda _: pays)
    made = make_fabric(train(device="cpu", precision=precision))
    layer = made.setup_module(torch.nn.Linear(2, 2))
    with made.autocast():
        assert (torch.ones(1, 2) @ torch.ones(2, 1)).dtype == dtype
    assert all(weight.dtype == torch.float32 for weight in layer.parameters())


@pytest.mark.usefixtures("machine")
def test_the_log_records_what_auto_chose(train, caplog):
    with caplog.at_level(logging.INFO, logger="rechroma"):
        make_fabric(train(device="auto", precision="auto"))
    assert "training on cpu in 32-true, 1 processes" in caplog.text
