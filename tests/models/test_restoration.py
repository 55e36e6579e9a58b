import numpy as np
import pytest
import torch

from rechroma.errors import UserError
from rechroma.models.quarter_unet import HueHead
from rechroma.models.restoration import RestorationNetwork

TINY = {"model.encoder": "tu-test_resnet"}


def predict(network: RestorationNetwork, height: int = 40, width: int = 50):
    """Two random photographs with a hole in [5:15, 5:20]: luma, mask and prediction."""
    luma = torch.randint(0, 256, (2, 1, height, width), dtype=torch.uint8)
    mask = torch.zeros((2, 1, height, width), dtype=torch.bool)
    mask[..., 5:15, 5:20] = True
    return luma, mask, network(luma, mask)


@pytest.mark.parametrize("output", ["luma_chroma", "rgb"])
@pytest.mark.parametrize("two_stage", [False, True])
@pytest.mark.parametrize("segmentation", [False, True])
@pytest.mark.parametrize("mask", [False, True])
def test_every_switch_gives_planes_of_the_photographs_size(
    make_settings, output, two_stage, segmentation, mask
):
    switches = {
        "output": output,
        "two_stage": two_stage,
        "segmentation": segmentation,
        "mask": mask,
    }
    settings = make_settings(**TINY, **{f"model.{name}": on for name, on in switches.items()})
    *_, prediction = predict(RestorationNetwork(settings.model))
    assert prediction.color.shape == (2, 3, 40, 50)
    assert (prediction.gray is not None) == two_stage
    assert (prediction.damage is not None) == segmentation
    for planes in (prediction.gray, prediction.damage):
        assert planes is None or planes.shape == (2, 1, 40, 50)
    if output == "rgb":
        assert 0 <= prediction.color.min() <= prediction.color.max() <= 1


def test_the_known_gray_is_not_predicted(make_settings):
    luma, mask, prediction = predict(RestorationNetwork(make_settings(**TINY).model))
    known = ~mask
    assert torch.equal(prediction.color[:, :1][known], (luma.float() / 255)[known])
    assert not torch.equal(prediction.color[:, :1][mask], (luma.float() / 255)[mask])


@pytest.mark.parametrize("encoder", ["tu-test_resnet", "plain"])
def test_a_fresh_network_predicts_nearly_the_fill_in_gray(make_settings, encoder):
    torch.manual_seed(0)
    luma, _, prediction = predict(
        RestorationNetwork(make_settings(**{"model.encoder": encoder}).model)
    )
    assert (prediction.color[:, :1] - luma.float() / 255).abs().max() < 0.06
    assert prediction.color[:, 1:].abs().max() < 0.03


def test_the_mask_counts_only_where_it_is_an_input(make_settings):
    for is_input in (True, False):
        settings = make_settings(**TINY, **{"model.mask": is_input, "model.output": "rgb"})
        network = RestorationNetwork(settings.model).eval()
        luma, mask, prediction = predict(network)
        same = torch.equal(network(luma, ~mask).color, prediction.color)
        assert same is not is_input


def test_an_encoder_of_one_size_only_is_one_clear_message(make_settings):
    settings = make_settings(**{"model.encoder": "swin_tiny_patch4_window7_224"})
    with pytest.raises(UserError, match=r"64x64 px.*choose another model\.encoder"):
        predict(RestorationNetwork(settings.model), 64, 64)


def test_an_encoder_whose_windows_do_not_fit_is_one_clear_message(make_settings):
    settings = make_settings(**{"model.encoder": "test_maxvit"})
    with pytest.raises(
        UserError, match=r"64x64 px.*divisible by window.*choose another model\.enc"
    ):
        predict(RestorationNetwork(settings.model), 64, 64)


@pytest.mark.parametrize("error", [TypeError, AttributeError, AssertionError])
def test_an_error_in_our_own_network_stays_what_it_is(make_settings, monkeypatch, error):
    def broken(*_):
        raise error("a typo")

    network = RestorationNetwork(make_settings(**TINY).model)
    monkeypatch.setattr(HueHead, "forward", broken)
    with pytest.raises(error, match="a typo"):
        predict(network)


@pytest.mark.parametrize(
    "changes",
    [{}, {"model.decoder": "unet"}, {"model.encoder": "plain"}, {"model.two_stage": True}],
)
def test_hues_are_predicted_beside_any_network(make_settings, changes):
    network = RestorationNetwork(make_settings(**(TINY | changes)).model).eval()
    luma, mask = (torch.zeros(2, 1, 40, 72, dtype=kind) for kind in (torch.uint8, torch.bool))
    prediction = network(luma, mask)
    assert prediction.color.shape == (2, 3, 40, 72)
    assert prediction.hues.shape[:2] == (2, 181)
    without = make_settings(**(TINY | changes | {"model.hues": False})).model
    assert RestorationNetwork(without).eval()(luma, mask).hues is None


def test_a_fresh_network_can_start_at_the_mean_hues(make_settings):
    network = RestorationNetwork(make_settings(**TINY).model).eval()
    mean = np.random.default_rng(0).dirichlet(np.ones(181)).astype(np.float32)
    network.start_hues(mean)
    luma = torch.zeros(1, 1, 64, 64, dtype=torch.uint8)
    logits = network(luma, luma.bool()).hues  # (1, 181, 2, 2)
    shares = logits.softmax(dim=1)[0].mean(dim=(1, 2)).detach().numpy()
    assert np.corrcoef(shares, mean)[0, 1] > 0.9
