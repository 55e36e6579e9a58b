import pytest
import torch

from rechroma.models.plain_unet import PlainUNet


def test_the_plain_network_has_the_reference_reports_widths():
    network = PlainUNet(channels=1, classes=3)
    assert network(torch.zeros(1, 1, 32, 48)).shape == (1, 3, 32, 48)
    assert network.down[-1][-2].out_channels == 1024
    assert sum(weight.numel() for weight in network.parameters()) == pytest.approx(31.4e6, rel=0.02)
