import pytest
import segmentation_models_pytorch as smp
import torch

from rechroma.errors import UserError
from rechroma.models import quarter_unet
from rechroma.models.factory import build_network

UNREACHABLE = OSError("no route to host")


@pytest.fixture
def build(make_settings):
    """`build(encoder=…, decoder=…)`: a network of 2 input and 3 output channels."""

    def make(**changes):
        changes = {"encoder": "test_resnet"} | changes
        model = make_settings(**{f"model.{name}": value for name, value in changes.items()}).model
        return build_network(model, channels=2, classes=3, hues=model.hues)

    return make


@pytest.mark.parametrize("decoder", sorted(smp.MODEL_ARCHITECTURES_MAPPING.keys() - {"dpt"}))
def test_a_decoder_of_smp_is_built_by_its_name(build, decoder):
    planes, hues = build(encoder="resnet18", decoder=decoder).eval()(torch.zeros(1, 2, 128, 128))
    assert planes.shape == (1, 3, 128, 128)
    assert hues.shape == (1, 181)


def test_an_encoder_of_timm_is_built_by_its_own_name(build):
    planes, _ = build(encoder="test_resnet").eval()(torch.zeros(1, 2, 64, 96))
    assert planes.shape == (1, 3, 64, 96)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": "resnet81"}, r"model.encoder is 'resnet81', did you mean 'resnet18'\?"),
        ({"decoder": "unt"}, r"model.decoder is 'unt', did you mean 'unet'\?"),
        ({"encoder": "plain", "weights": "imagenet"}, "no such weights of 'plain' exist"),
        (
            {"encoder": "nest_tiny", "weights": "imagenet"},
            "no such weights of 'tu-nest_tiny' exist",
        ),
        ({"encoder": "dpn92", "weights": "imagenet"}, "no such weights of 'dpn92' exist"),
    ],
)
def test_an_unknown_name_is_one_clear_message(build, changes, message):
    with pytest.raises(UserError, match=message):
        build(**changes)


@pytest.mark.parametrize(
    ("encoder", "decoder", "reason"),
    [
        ("test_vit", "quarter", "Unsupported model downsampling pattern"),
        ("test_vit", "unet", "Unsupported model downsampling pattern"),
        ("nest_tiny", "quarter", "list index out of range"),
        ("mit_b0", "linknet", "not supported for Linknet"),
        ("resnet18", "dpt", "Only Timm encoders are supported for DPT"),
        ("densenet121", "pan", "do not support dilated mode"),
        ("edgenext_xx_small", "deeplabv3plus", "unexpected keyword argument 'output_stride'"),
        ("tu-vgg11", "deeplabv3", "it cannot be dilated"),
    ],
)
def test_a_decoder_that_does_not_take_the_encoder_is_one_clear_message(
    build, encoder, decoder, reason
):
    message = rf"model\.encoder '.*{encoder}' does not go with decoder '{decoder}': .*{reason}"
    with pytest.raises(UserError, match=message):
        build(encoder=encoder, decoder=decoder)


@pytest.mark.parametrize(
    ("decoder", "function"),
    [("unet", "create_model"), ("quarter", "encoders.get_encoder")],
)
def test_a_hub_out_of_reach_is_one_clear_message(build, monkeypatch, decoder, function):
    def unreachable(*_, **__):
        raise UNREACHABLE

    monkeypatch.setattr(f"segmentation_models_pytorch.{function}", unreachable)
    with pytest.raises(UserError, match="hub is out of reach") as caught:
        build(encoder="resnet18", decoder=decoder, weights="imagenet")
    assert caught.value.__cause__ is UNREACHABLE
    with pytest.raises(OSError, match="no route to host"):
        build(encoder="resnet18", decoder=decoder)


@pytest.mark.parametrize("error", [TypeError, AttributeError, AssertionError, ValueError])
def test_an_error_in_our_own_network_stays_what_it_is(build, monkeypatch, error):
    def broken(*_, **__):
        raise error("a typo")

    monkeypatch.setattr(quarter_unet, "UnetDecoder", broken)
    with pytest.raises(error, match="a typo"):
        build(decoder="quarter")


@pytest.mark.parametrize("error", [TypeError, AttributeError, AssertionError])
def test_a_programming_error_around_a_decoder_of_smp_stays_what_it_is(build, monkeypatch, error):
    def broken(*_, **__):
        raise error("a typo")

    monkeypatch.setattr("segmentation_models_pytorch.create_model", broken)
    with pytest.raises(error, match="a typo"):
        build(decoder="unet")
