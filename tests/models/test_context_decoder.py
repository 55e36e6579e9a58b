import pytest
import segmentation_models_pytorch as smp
import torch

from rechroma.models.context_decoder import ContextNetwork

ENCODER = "tu-test_resnet"


@pytest.fixture
def make():
    def make(**changes):
        torch.manual_seed(0)
        encoder = smp.encoders.get_encoder(ENCODER, in_channels=2, weights=None)
        arguments = {"channels": 2, "classes": 5, "hues": False} | changes
        return ContextNetwork(encoder, **arguments).eval()

    return make


@pytest.fixture
def planes():
    return torch.rand((1, 2, 96, 64), generator=torch.Generator().manual_seed(0))


def test_the_output_is_at_a_quarter_and_enlarged_on_demand(make, planes):
    assert make(enlarge=False)(planes).shape == (1, 5, 24, 16)
    assert make()(planes).shape == (1, 5, 96, 64)


def test_hues_are_predicted_by_cells(make, planes):
    output, hues = make(hues=True)(planes)
    assert output.shape == (1, 5, 96, 64)
    assert hues.shape == (1, 181, 3, 2)


def test_every_pixel_of_the_input_reaches_the_output(make, planes):
    planes.requires_grad_(True)
    make()(planes).sum().backward()
    assert (planes.grad != 0).all()


def test_every_cell_sees_the_whole_photograph(make, planes):
    network = make(enlarge=False)
    other = planes.clone()
    other[..., :32, :32] = 1 - other[..., :32, :32]
    with torch.no_grad():
        change = (network(planes) - network(other)).abs()
    assert (change > 0).all()


def test_the_decoder_alone_learns_behind_a_frozen_encoder(make, planes):
    network = make().train()
    network.encoder.requires_grad_(False)
    network(planes.repeat(2, 1, 1, 1)).square().mean().backward()
    without = [name for name, each in network.named_parameters() if each.grad is None]
    assert without
    assert all(name.startswith("encoder.") for name in without)


def test_features_are_dropped_in_training_alone(make, planes):
    network = make()
    assert torch.equal(network(planes), network(planes))
    network.decoder.training = True  # without its layers, whose statistics would change too
    assert not torch.equal(network(planes), network(planes))
