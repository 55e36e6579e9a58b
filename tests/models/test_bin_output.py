import numpy as np
import pytest
import torch

from rechroma.imaging.chroma_bins import bin_centers
from rechroma.models.bin_output import BINS
from rechroma.models.restoration import RestorationNetwork

BINNED = {"model.encoder": "tu-test_resnet", "model.output": "chroma_bins"}


@pytest.fixture
def planes():
    """Two photographs of 40x50 px, and where they are lost."""
    luma = torch.randint(0, 256, (2, 1, 40, 50), dtype=torch.uint8)
    return luma, luma > 250


@pytest.mark.parametrize("decoder", ["quarter", "context", "unet"])
@pytest.mark.parametrize("two_stage", [False, True])
def test_bins_are_at_a_quarter_of_the_resolution_with_any_decoder(
    make_settings, planes, decoder, two_stage
):
    changes = {"model.decoder": decoder, "model.two_stage": two_stage, "model.segmentation": True}
    prediction = RestorationNetwork(make_settings(**BINNED, **changes).model)(*planes)
    assert prediction.bins.shape == (2, BINS, 10, 13)
    assert prediction.color.shape == (2, 3, 40, 50)
    assert prediction.damage.shape == (2, 1, 40, 50)


def test_the_color_is_the_mean_of_the_likely_bins(make_settings, planes):
    network = RestorationNetwork(make_settings(**BINNED).model).eval()
    with torch.no_grad():
        network.color_network.head.weight.zero_()
        network.color_network.head.bias[1 + 77] = 100
        prediction = network(*planes)
    assert (prediction.bins.argmax(dim=1) == 77).all()
    expected = torch.from_numpy(bin_centers()[77].copy())[None, :, None, None]
    torch.testing.assert_close(prediction.color[:, 1:], expected.expand(2, 2, 40, 50))


def test_a_fresh_network_predicts_how_often_photographs_have_each_bin(make_settings, planes):
    network = RestorationNetwork(make_settings(**BINNED).model).eval()
    frequency = np.random.default_rng(0).dirichlet(np.ones(BINS)).astype(np.float32)
    network.start_bins(frequency, fresh=True)
    with torch.no_grad():
        shares = network(*planes).bins.softmax(dim=1).mean(dim=(0, 2, 3)).numpy()
    assert np.corrcoef(shares, frequency)[0, 1] > 0.99


def test_a_trained_network_keeps_what_it_predicts(make_settings, planes):
    network = RestorationNetwork(make_settings(**BINNED).model).eval()
    before = network(*planes).bins
    network.start_bins(np.full(BINS, 1 / BINS, np.float32), fresh=False)
    assert torch.equal(network(*planes).bins, before)


def test_no_file_of_weights_holds_the_bins(make_settings):
    names = RestorationNetwork(make_settings(**BINNED).model).state_dict()
    assert not [name for name in names if name.startswith("bins")]


def test_a_network_without_bins_has_no_frequency_of_them(make_settings):
    network = RestorationNetwork(make_settings(**{"model.encoder": "tu-test_resnet"}).model)
    with pytest.raises(ValueError, match="Expected a network that predicts bins"):
        network.start_bins(np.full(BINS, 1 / BINS, np.float32), fresh=True)


def test_the_mean_color_has_no_gradient_for_the_bins(make_settings, planes):
    network = RestorationNetwork(make_settings(**BINNED).model)
    network(*planes).color[:, :1].sum().backward()
    gradient = network.color_network.head.weight.grad
    assert gradient[0].abs().sum() > 0
    network(*planes).color[:, 1:].sum().backward()
    assert not gradient[1:].any()
