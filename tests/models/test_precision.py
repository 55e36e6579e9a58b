import logging

import pytest
import torch

from rechroma.models.precision import autocast, has_amx, pays_bfloat16


@pytest.fixture(autouse=True)
def asked_anew():
    """The answer of `has_amx` is kept; each test asks anew."""
    has_amx.cache_clear()
    yield
    has_amx.cache_clear()


@pytest.mark.parametrize("supported", [True, False])
def test_bfloat16_pays_on_a_cpu_with_amx(monkeypatch, supported):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: supported, raising=False)
    assert pays_bfloat16("cpu") is supported
    with autocast("cpu"):
        assert torch.is_autocast_enabled("cpu") is supported


def test_a_torch_that_does_not_know_of_amx_computes_in_float32_and_logs_it(monkeypatch, caplog):
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported", raising=False)
    with caplog.at_level(logging.INFO, logger="rechroma.models.precision"):
        assert not pays_bfloat16("cpu")
        assert not pays_bfloat16("cpu")
    assert caplog.messages == [
        "this torch has no torch.cpu._is_amx_tile_supported, the CPU uses float32"
    ]


def test_bfloat16_does_not_pay_on_other_devices():
    assert not pays_bfloat16("mps")
