import cv2
import numpy as np
import pytest
import skimage.metrics
import timm
import torch
from scipy.ndimage import gaussian_filter1d
from scipy.special import log_softmax

from rechroma import metrics
from rechroma.errors import UserError
from rechroma.imaging.color import to_ycbcr
from rechroma.models.patch_gan import PatchGAN
from rechroma.models.restoration import RestorationNetwork
from rechroma.training import perceptual_loss
from rechroma.training.loss_expression import parse_loss
from rechroma.training.losses import (
    HUE_BLUR,
    TERMS,
    LossInputs,
    cells,
    correlation,
    histogram,
    l1,
    masked_ssim,
    pixel_weight,
    soft_hue_histogram,
    structural_similarity,
)
from rechroma.training.perceptual_loss import ENCODER, LEVELS, load_features, perceptual_distance


def compare(network: RestorationNetwork, discriminator: PatchGAN) -> LossInputs:
    generator = torch.Generator().manual_seed(0)
    target = torch.rand((2, 3, 32, 32), generator=generator)
    mask = torch.zeros((2, 1, 32, 32), dtype=torch.bool)
    mask[..., 8:20, 8:20] = True
    luma = (to_ycbcr(target)[:, :1] * 255).byte().masked_fill(mask, 40)
    prediction = network(luma, mask)
    rgb = network.rgb(prediction.color)
    return LossInputs(
        prediction=prediction,
        color=to_ycbcr(target) if network.settings.output == "luma_chroma" else target,
        gray=to_ycbcr(target)[:, :1],
        rgb=rgb,
        target_rgb=target,
        mask=mask.float(),
        hues=torch.full((2, 181, 1, 1), 1 / 181),
        weight=pixel_weight(mask.float(), 4.0),
        logits=discriminator(luma.float() / 255, rgb),
    )


@pytest.fixture
def unpretrained(monkeypatch):
    """VGG16 with weights drawn by chance instead of the hub's."""
    made = timm.create_model(ENCODER, features_only=True, out_indices=LEVELS)
    monkeypatch.setattr(perceptual_loss, "load_features", lambda: made.eval())


@pytest.mark.usefixtures("unpretrained")
@pytest.mark.parametrize("output", ["luma_chroma", "rgb"])
@pytest.mark.parametrize("term", TERMS)
def test_the_gradient_of_every_term_reaches_the_network(make_settings, term, output):
    changes = {
        "model.encoder": "tu-test_resnet",
        "model.segmentation": True,
        "model.output": output,
    }
    settings = make_settings(**changes, **{"discriminator.channels": 4})
    torch.manual_seed(0)
    network = RestorationNetwork(settings.model)
    compared = compare(network, PatchGAN(settings.discriminator))
    TERMS[term](compared).backward()
    convolutions = [layer for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]
    # The predicted histogram leaves the encoder before the decoder.
    for layer in (
        convolutions[:1] if term in ("histogram", "cells") else (convolutions[0], convolutions[-1])
    ):
        assert layer.weight.grad.abs().sum() > 0


def test_two_stages_both_learn_from_the_pixels(make_settings):
    settings = make_settings(**{"model.encoder": "tu-test_resnet", "model.two_stage": True})
    network = RestorationNetwork(settings.model)
    l1(compare(network, PatchGAN(settings.discriminator))).backward()
    for stage in (network.gray_network, network.color_network):
        assert any(weight.grad is not None and weight.grad.any() for weight in stage.parameters())


def test_ssim_is_the_one_of_scikit_image(photo):
    other = np.roll(photo, 3, axis=1)
    expected = skimage.metrics.structural_similarity(photo, other, channel_axis=-1, data_range=255)
    first, second = (torch.from_numpy(each).permute(2, 0, 1)[None] / 255 for each in (photo, other))
    assert structural_similarity(first, second).item() == pytest.approx(expected, abs=1e-5)


def test_a_lost_pixel_counts_as_many_times_more_as_said():
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., 0, 0] = 1
    weight = pixel_weight(mask, 4.0)
    assert weight.mean().item() == pytest.approx(1)
    assert (weight[..., 0, 0] / weight[..., 1, 1]).item() == pytest.approx(4)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("mse", {"mse": 1}),
        ("bce+100*mse", {"bce": 1, "mse": 100}),
        ("0.5*l1 + mse*0.5", {"l1": 0.5, "mse": 0.5}),
        ("1e+2*mse + tv", {"mse": 100, "tv": 1}),
    ],
)
def test_an_expression_says_what_each_term_weighs(expression, expected):
    assert parse_loss(expression) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("mes", r"loss: a term is 'mes', did you mean 'mse'\?"),
        ("mse +", "expected a sum like"),
        ("mse - l1", "expected a sum like"),
        ("mse*l1", "expected a sum like"),
        ("'2'*mse", "expected a sum like"),
        ("", "expected a sum like"),
        ("mse + 2*mse", "mse stands there twice"),
        ("mse + segmentation", "needs model.segmentation: true"),
        ("mse + histogram", "'histogram', which needs model.hues: true"),
        ("mse + cells", "'cells', which needs model.hues: true"),
        ("__import__('os')", "expected a sum like"),
    ],
)
def test_a_wrong_expression_is_one_clear_message(expression, message):
    with pytest.raises(UserError, match=message):
        parse_loss(expression)


def test_a_segmenting_network_trains_its_segmentation():
    assert parse_loss("l1", segmented=True) == {"l1": 1, "segmentation": 1}
    assert parse_loss("l1 + 0.1*segmentation", segmented=True)["segmentation"] == 0.1


def hard_histogram(photo):
    """`(90,)` shares of pairs of OpenCV's hues, blurred over the circle with SciPy."""
    hue = cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)[..., 0]
    counts = np.bincount(hue.ravel() // 2, minlength=90) / hue.size
    return gaussian_filter1d(counts, HUE_BLUR / 2, mode="wrap")


def test_the_soft_hue_histogram_follows_the_one_of_opencv(photo):
    soft = soft_hue_histogram(torch.from_numpy(photo).permute(2, 0, 1)[None] / 255)[0]
    assert soft.sum().item() == pytest.approx(1, abs=1e-3)
    assert np.corrcoef(soft, hard_histogram(photo))[0, 1] > 0.97


def test_gray_counts_as_red_in_the_soft_hue_histogram():
    soft = soft_hue_histogram(torch.full((1, 3, 4, 4), 0.4))[0]
    assert soft.argmax() == 0
    assert soft.sum().item() == pytest.approx(1, abs=1e-5)


def test_correlation_is_pearsons():
    first, second = torch.rand((2, 3, 20), generator=torch.Generator().manual_seed(0))
    expected = [np.corrcoef(*rows)[0, 1] for rows in zip(first, second, strict=True)]
    np.testing.assert_allclose(correlation(first, second), expected, atol=1e-6)


def test_masked_ssim_is_the_official_one_along_the_hole(make_settings, photo):
    network = RestorationNetwork(make_settings(**{"model.encoder": "tu-test_resnet"}).model)
    compared = compare(
        network, PatchGAN(make_settings(**{"discriminator.channels": 4}).discriminator)
    )
    target = torch.from_numpy(photo).permute(2, 0, 1)[None] / 255
    blurred = cv2.GaussianBlur(photo, (0, 0), 2)
    blurred[0, 0], blurred[0, 1] = 0, 255  # the official range is then that of the loss
    mask = np.zeros(photo.shape[:2], dtype=bool)
    mask[20:40, 30:70] = True
    compared = compared._replace(
        rgb=torch.from_numpy(blurred).permute(2, 0, 1)[None] / 255,
        target_rgb=target,
        mask=torch.from_numpy(mask)[None, None].float(),
    )
    expected = 1 - metrics.masked_ssim(photo, blurred, mask)
    assert masked_ssim(compared).item() == pytest.approx(expected, abs=1e-4)
    whole = compared._replace(mask=torch.zeros(1, 1, *mask.shape))
    assert masked_ssim(whole).item() == 0


def test_the_right_hue_histogram_costs_nothing(make_settings):
    network = RestorationNetwork(make_settings(**{"model.encoder": "tu-test_resnet"}).model)
    shares = torch.rand(2, 181, generator=torch.Generator().manual_seed(0))
    shares = shares / shares.sum(dim=1, keepdim=True)
    settings = make_settings(**{"discriminator.channels": 4})
    compared = compare(network, PatchGAN(settings.discriminator))
    right = compared.prediction._replace(hues=shares.log()[..., None, None])
    assert histogram(
        compared._replace(prediction=right, hues=shares[..., None, None])
    ) == pytest.approx(0, abs=1e-5)


def test_what_each_place_has_is_compared_place_by_place(make_settings):
    settings = make_settings(**{"discriminator.channels": 4, "model.encoder": "tu-test_resnet"})
    compared = compare(RestorationNetwork(settings.model), PatchGAN(settings.discriminator))
    logits = torch.randn(2, 181, 2, 3, generator=torch.Generator().manual_seed(0))
    shares = torch.rand(2, 181, 2, 3, generator=torch.Generator().manual_seed(1))
    shares = shares / shares.sum(dim=1, keepdim=True)
    said = compared.prediction._replace(hues=logits)
    found = cells(compared._replace(prediction=said, hues=shares))
    expected = -(shares.numpy() * log_softmax(logits.numpy(), axis=1)).sum(axis=1).mean()
    assert found.item() == pytest.approx(expected, rel=1e-5)
    whole = compared.prediction._replace(hues=logits[..., :1, :1])
    found = cells(compared._replace(prediction=whole, hues=shares))
    known = shares.numpy().mean(axis=(2, 3))
    expected = -(known * log_softmax(logits.numpy()[..., 0, 0], axis=1)).sum(axis=1).mean()
    assert found.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.usefixtures("unpretrained")
def test_the_perceptual_distance_grows_with_what_is_seen(photo):
    target = torch.from_numpy(photo.transpose(2, 0, 1)[None] / np.float32(255))
    near, far = (
        perceptual_distance(target + amount * torch.randn_like(target), target)
        for amount in (0.01, 0.1)
    )
    assert perceptual_distance(target, target) == 0
    assert 0 < near < far


def test_a_hub_out_of_reach_is_one_clear_message(monkeypatch):
    def unreachable(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(timm, "create_model", unreachable)
    load_features.cache_clear()
    with pytest.raises(UserError, match=r"loss has 'perceptual'.*the hub is out of reach"):
        load_features()
