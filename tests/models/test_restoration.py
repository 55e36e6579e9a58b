import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import save_file

from rechroma.errors import UserError
from rechroma.models.patch_gan import PatchGAN
from rechroma.models.plain_unet import PlainUNet
from rechroma.models.restoration import RestorationNetwork
from rechroma.models.weights import load_weights

TINY = {"model.encoder": "tu-test_resnet"}


def see(network: RestorationNetwork, height: int = 40, width: int = 50):
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
    *_, prediction = see(RestorationNetwork(settings.model))
    assert prediction.color.shape == (2, 3, 40, 50)
    assert (prediction.gray is not None) == two_stage
    assert (prediction.damage is not None) == segmentation
    for planes in (prediction.gray, prediction.damage):
        assert planes is None or planes.shape == (2, 1, 40, 50)
    if output == "rgb":
        assert 0 <= prediction.color.min() <= prediction.color.max() <= 1


@pytest.mark.parametrize(
    "decoder",
    sorted(smp.MODEL_ARCHITECTURES_MAPPING.keys() - {"dpt"}),  # dpt takes vits alone
)
def test_decoders_of_smp_go_by_name(make_settings, decoder):
    settings = make_settings(**{"model.encoder": "resnet18", "model.decoder": decoder})
    *_, prediction = see(RestorationNetwork(settings.model).eval(), 128, 128)
    assert prediction.color.shape == (2, 3, 128, 128)


def test_an_encoder_of_timm_goes_by_its_own_name(make_settings):
    RestorationNetwork(make_settings(**{"model.encoder": "test_resnet"}).model)


def test_the_plain_network_has_the_reference_reports_widths():
    network = PlainUNet(channels=1, classes=3)
    assert network(torch.zeros(1, 1, 32, 48)).shape == (1, 3, 32, 48)
    assert network.down[-1][-2].out_channels == 1024
    assert sum(weight.numel() for weight in network.parameters()) == pytest.approx(31.4e6, rel=0.02)


def test_the_known_gray_is_not_predicted(make_settings):
    luma, mask, prediction = see(RestorationNetwork(make_settings(**TINY).model))
    known = ~mask
    assert torch.equal(prediction.color[:, :1][known], (luma.float() / 255)[known])
    assert not torch.equal(prediction.color[:, :1][mask], (luma.float() / 255)[mask])


@pytest.mark.parametrize("encoder", ["tu-test_resnet", "plain"])
def test_a_fresh_network_says_nearly_nothing_but_the_fill_in_gray(make_settings, encoder):
    torch.manual_seed(0)
    luma, _, prediction = see(RestorationNetwork(make_settings(**{"model.encoder": encoder}).model))
    assert (prediction.color[:, :1] - luma.float() / 255).abs().max() < 0.06
    assert prediction.color[:, 1:].abs().max() < 0.03


def test_the_mask_is_seen_only_when_it_is_an_input(make_settings):
    for shown in (True, False):
        settings = make_settings(**TINY, **{"model.mask": shown, "model.output": "rgb"})
        network = RestorationNetwork(settings.model).eval()
        luma, mask, prediction = see(network)
        same = torch.equal(network(luma, ~mask).color, prediction.color)
        assert same is not shown


def test_the_patchgan_judges_patches(make_settings):
    logits = PatchGAN(make_settings().discriminator)(
        torch.rand(2, 1, 64, 64), torch.rand(2, 3, 64, 64)
    )
    assert logits.shape == (2, 1, 6, 6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model.encoder": "resnet81"}, r"model.encoder is 'resnet81', did you mean 'resnet18'\?"),
        ({"model.decoder": "unt"}, r"model.decoder is 'unt', did you mean 'unet'\?"),
        ({"model.encoder": "plain", "model.weights": "imagenet"}, "no such weights of 'plain'"),
        ({"model.weights": "nowhere.safetensors"}, "nowhere.safetensors is missing"),
    ],
)
def test_a_wrong_name_is_one_clear_message(make_settings, changes, message):
    with pytest.raises(UserError, match=message):
        RestorationNetwork(make_settings(**changes).model)


def test_an_encoder_of_one_size_only_is_one_clear_message(make_settings):
    settings = make_settings(**{"model.encoder": "swin_tiny_patch4_window7_224"})
    with pytest.raises(UserError, match=r"64x64 px.*choose another model\.encoder"):
        see(RestorationNetwork(settings.model), 64, 64)


def test_a_hub_out_of_reach_is_one_clear_message(make_settings, monkeypatch):
    def unreachable(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr("segmentation_models_pytorch.create_model", unreachable)
    with pytest.raises(UserError, match="hub is out of reach"):
        settings = {"model.encoder": "resnet18", "model.decoder": "unet"}
        RestorationNetwork(make_settings(**settings, **{"model.weights": "imagenet"}).model)


def test_starting_weights_come_from_a_file(make_settings, tmp_path):
    settings = make_settings(**TINY)
    first = RestorationNetwork(settings.model)
    save_file(first.state_dict(), tmp_path / "w.safetensors")
    again = make_settings(**TINY, **{"model.weights": str(tmp_path / "w.safetensors")})
    second = RestorationNetwork(again.model)
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def test_weights_of_another_network_are_told_apart(make_settings, tmp_path):
    file = tmp_path / "w.safetensors"
    save_file(RestorationNetwork(make_settings(**TINY).model).state_dict(), file)
    other = make_settings(**TINY, **{"model.mask": False})
    with pytest.raises(UserError, match="of another network: expected"):
        load_weights(RestorationNetwork(other.model), file)
    file.write_bytes(b"no weights")
    with pytest.raises(UserError, match="no safetensors file"):
        load_weights(RestorationNetwork(other.model), file)


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
    said = network(luma, luma.bool()).hues.softmax(dim=1)[0].mean(dim=(1, 2)).detach().numpy()
    assert np.corrcoef(said, mean)[0, 1] > 0.9
