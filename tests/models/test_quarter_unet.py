import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import save_file

from rechroma.models.quarter_unet import HueHead, QuarterUNet
from rechroma.models.restoration import RestorationNetwork

ENCODER = "tu-test_resnet"


@pytest.fixture
def features():
    return torch.randn((2, 8, 3, 4), generator=torch.Generator().manual_seed(0))


@pytest.fixture
def started(make_settings, tmp_path):
    """A network that starts with weights of a file, in training mode."""

    def make(**changes):
        file = tmp_path / "start.safetensors"
        changes = {"model.encoder": ENCODER, "model.frozen": True} | changes
        torch.manual_seed(0)
        save_file(RestorationNetwork(make_settings(**changes).model).state_dict(), file)
        model = make_settings(**changes, **{"model.weights": str(file)}).model
        return RestorationNetwork(model).train()

    return make


def take_step(network):
    """The network's state before and after one large step of its optimizer."""
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    luma = torch.randint(0, 256, (4, 1, 64, 64), dtype=torch.uint8)
    mask = torch.rand((4, 1, 64, 64)) > 0.8
    prediction = network(luma, mask)
    loss = prediction.color.square().mean() + prediction.hues.softmax(dim=1).square().mean()
    loss.backward()
    torch.optim.SGD(network.parameters(), lr=1.0).step()
    return before, network.state_dict()


def changed(before, after):
    """The names of the tensors that differ."""
    return {name for name in after if not torch.equal(before[name], after[name])}


def test_an_encoder_that_starts_with_weights_keeps_them_and_its_running_means(started):
    network = started()
    learned = changed(*take_step(network))
    assert learned
    assert not [name for name in learned if "encoder" in name]
    assert not [
        weight
        for name, weight in network.named_parameters()
        if "encoder" in name and weight.requires_grad
    ]


def test_an_encoder_that_is_not_frozen_learns(started):
    learned = changed(*take_step(started(**{"model.frozen": False})))
    assert [name for name in learned if "encoder" in name and "running_mean" in name]
    assert [name for name in learned if "encoder" in name and name.endswith("weight")]


def test_an_encoder_from_scratch_learns_frozen_or_not(make_settings):
    changes = {"model.encoder": ENCODER, "model.frozen": True}
    network = RestorationNetwork(make_settings(**changes).model).train()
    assert [name for name in changed(*take_step(network)) if "encoder" in name]


def test_dropout_of_a_frozen_encoder_is_inactive_in_training(started):
    encoder = started().color_network.encoder
    assert not any(layer.training for layer in encoder.modules())


def test_both_stages_keep_their_encoders_weights(started):
    learned = changed(*take_step(started(**{"model.two_stage": True})))
    for network in ("gray_network", "color_network"):
        assert [name for name in learned if name.startswith(network)]
        assert not [name for name in learned if name.startswith(f"{network}.encoder")]


def test_each_cell_has_hues_of_its_own(features):
    torch.manual_seed(0)
    hues = HueHead(8, dropout=0.5).eval()
    with torch.no_grad():
        for weight in hues.parameters():
            weight += torch.randn_like(weight)
        logits = hues(features)
        assert logits.shape == (2, 181, 3, 4)
        whole = features.mean(dim=(2, 3))
        for row in range(3):
            for column in range(4):
                expected = hues.said(hues.whole(whole) + hues.place(features[:, :, row, column]))
                torch.testing.assert_close(logits[..., row, column], expected, rtol=1e-3, atol=1e-3)


def test_hues_are_predicted_for_each_cell_of_32_px(make_settings):
    network = RestorationNetwork(make_settings(**{"model.encoder": ENCODER}).model).eval()
    luma = torch.randint(0, 255, (2, 1, 64, 96), dtype=torch.uint8)
    assert network(luma, luma > 250).hues.shape == (2, 181, 2, 3)


def test_features_are_dropped_in_training_alone(features):
    hues = HueHead(8, dropout=0.5)
    assert not torch.equal(hues.train()(features), hues(features))
    assert torch.equal(hues.eval()(features), hues(features))


def test_the_decoder_gets_the_mask_that_a_frozen_encoder_ignores():
    torch.manual_seed(0)
    encoder = smp.encoders.get_encoder(ENCODER, in_channels=2, weights=None)
    network = QuarterUNet(encoder, channels=2, classes=3, hues=False).eval()
    with torch.no_grad():
        first = next(encoder.parameters())
        first[:, 1:] = 0
        planes = torch.rand(1, 2, 64, 64)
        other = planes.clone()
        other[:, 1] = 1 - planes[:, 1]
        assert torch.equal(encoder(planes)[-1], encoder(other)[-1])
        assert not torch.allclose(network(planes), network(other))
