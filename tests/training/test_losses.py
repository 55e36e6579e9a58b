import cv2
import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from segmentation_models_pytorch.losses import DiceLoss
from torch.nn import functional

from rechroma import metrics
from rechroma.models.restoration import RestorationNetwork
from rechroma.training.losses import (
    TERMS,
    bins,
    cells,
    histogram,
    hue,
    l1,
    masked_ssim,
    mse,
    pixel_weight,
    segmentation,
    tv,
)


@pytest.fixture
def small(make_settings):
    """Settings of a small network and a small discriminator."""

    def make(**changes):
        small = {"model.encoder": "tu-test_resnet", "discriminator.channels": 4}
        return make_settings(**(small | changes))

    return make


@pytest.fixture
def inputs(small, make_inputs):
    return make_inputs(small())


@pytest.mark.usefixtures("random_vgg")
@pytest.mark.parametrize("output", ["luma_chroma", "rgb", "chroma_bins"])
@pytest.mark.parametrize("term", TERMS)
def test_the_gradient_of_every_term_reaches_the_network(small, make_inputs, term, output):
    if term == "bins" and output != "chroma_bins":
        pytest.skip("no bins are predicted")
    settings = small(**{"model.segmentation": True, "model.output": output})
    torch.manual_seed(0)
    network = RestorationNetwork(settings.model)
    TERMS[term](make_inputs(settings, network)).backward()
    convolutions = [layer for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]
    # The histogram is predicted from the encoder, without the decoder.
    reached = (
        convolutions[:1]
        if term in ("histogram", "cells")
        else convolutions[:: len(convolutions) - 1]
    )
    assert all(layer.weight.grad.abs().sum() > 0 for layer in reached)


def test_both_stages_learn_from_the_pixels(small, make_inputs):
    settings = small(**{"model.two_stage": True})
    network = RestorationNetwork(settings.model)
    l1(make_inputs(settings, network)).backward()
    for stage in (network.gray_network, network.color_network):
        assert any(weight.grad is not None and weight.grad.any() for weight in stage.parameters())


def test_a_lost_pixel_weighs_as_many_times_more_as_the_setting():
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., 0, 0] = 1
    weight = pixel_weight(mask, 4.0)
    assert weight.mean().item() == pytest.approx(1)
    assert (weight[..., 0, 0] / weight[..., 1, 1]).item() == pytest.approx(4)


def test_mse_and_l1_are_torchs_with_weights(inputs):
    predicted, target, weight = inputs.prediction.color, inputs.target_color, inputs.weight
    squares = functional.mse_loss(predicted, target, reduction="none")
    assert mse(inputs).item() == pytest.approx((weight * squares).mean().item())
    distances = functional.l1_loss(predicted, target, reduction="none")
    assert l1(inputs).item() == pytest.approx((weight * distances).mean().item())


def test_masked_ssim_is_the_official_one_along_the_hole(inputs, photo):
    blurred = cv2.GaussianBlur(photo, (0, 0), 2)
    blurred[0, 0], blurred[0, 1] = 0, 255  # the official range is then that of the loss
    mask = np.zeros(photo.shape[:2], dtype=bool)
    mask[20:40, 30:70] = True
    inputs = inputs._replace(
        predicted_rgb=torch.from_numpy(blurred).permute(2, 0, 1)[None] / 255,
        target_rgb=torch.from_numpy(photo).permute(2, 0, 1)[None] / 255,
        mask=torch.from_numpy(mask)[None, None].float(),
    )
    expected = 1 - metrics.masked_ssim(photo, blurred, mask)
    assert masked_ssim(inputs).item() == pytest.approx(expected, abs=1e-4)


def test_masked_ssim_is_0_without_lost_pixels(inputs):
    assert masked_ssim(inputs._replace(mask=torch.zeros_like(inputs.mask))).item() == 0


def test_the_hue_term_is_0_for_equal_hues_and_larger_for_others(inputs):
    # Blocks of 4 px, which are the same reduced by a mean as by taking every fourth pixel.
    blocks = inputs.target_rgb[..., ::4, ::4].repeat_interleave(4, 2).repeat_interleave(4, 3)
    equal = inputs._replace(predicted_rgb=blocks, target_rgb=blocks)
    assert hue(equal).item() == pytest.approx(0, abs=1e-5)
    assert hue(equal._replace(predicted_rgb=blocks.flip(1))).item() > 0.1


def test_the_right_hue_histogram_costs_nothing(inputs):
    shares = torch.rand(2, 181, generator=torch.Generator().manual_seed(0))
    shares = (shares / shares.sum(dim=1, keepdim=True))[..., None, None]
    right = inputs.prediction._replace(hues=shares.log())
    assert histogram(inputs._replace(prediction=right, target_hues=shares)).item() == pytest.approx(
        0, abs=1e-5
    )


def random_cells(rows=2, columns=3):
    """Logits of hues and shares of hues, `(2, 181, rows, columns)` both."""
    logits = torch.randn(2, 181, rows, columns, generator=torch.Generator().manual_seed(0))
    shares = torch.rand(2, 181, rows, columns, generator=torch.Generator().manual_seed(1))
    return logits, shares / shares.sum(dim=1, keepdim=True)


def test_hues_are_compared_cell_by_cell(inputs):
    logits, shares = random_cells()
    prediction = inputs.prediction._replace(hues=logits)
    loss = cells(inputs._replace(prediction=prediction, target_hues=shares))
    expected = -(shares.numpy() * log_softmax(logits.numpy(), axis=1)).sum(axis=1).mean()
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_one_predicted_cell_is_compared_with_the_mean_of_all(inputs):
    logits, shares = random_cells()
    prediction = inputs.prediction._replace(hues=logits[..., :1, :1])
    loss = cells(inputs._replace(prediction=prediction, target_hues=shares))
    mean = shares.numpy().mean(axis=(2, 3))
    expected = -(mean * log_softmax(logits.numpy()[..., 0, 0], axis=1)).sum(axis=1).mean()
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_total_variation_is_the_mean_difference_of_neighbors(inputs):
    ramp = torch.arange(5.0).expand(1, 3, 4, 5)
    assert tv(inputs._replace(predicted_rgb=ramp)).item() == pytest.approx(1)
    assert tv(inputs._replace(predicted_rgb=torch.ones(1, 3, 4, 5))).item() == 0


def test_segmentation_is_cross_entropy_plus_smps_dice(inputs):
    logits = torch.randn(inputs.mask.shape, generator=torch.Generator().manual_seed(0))
    prediction = inputs.prediction._replace(damage=logits)
    # smp adds its smoothing to the overlap that ours counts twice.
    dice = DiceLoss("binary", from_logits=True, smooth=0.5)(logits, inputs.mask)
    expected = functional.binary_cross_entropy_with_logits(logits, inputs.mask) + dice
    loss = segmentation(inputs._replace(prediction=prediction))
    assert loss.item() == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.parametrize("term", ["histogram", "cells", "segmentation", "bce"])
def test_a_term_without_what_it_compares_is_an_error(inputs, term):
    prediction = inputs.prediction._replace(hues=None, damage=None)
    with pytest.raises(ValueError, match=r"^Expected .* But got none\.$"):
        TERMS[term](inputs._replace(prediction=prediction, discriminator_logits=None))


def test_bins_are_not_learned_from_photographs_without_color(small, make_inputs):
    inputs = make_inputs(small(**{"model.output": "chroma_bins"}))
    gray = inputs.target_color.clone()
    gray[1, 1:] = 1 / 255
    torch.manual_seed(0)
    alone = bins(inputs._replace(target_color=gray[:1], prediction=first_of(inputs.prediction)))
    torch.manual_seed(0)
    torch.testing.assert_close(bins(inputs._replace(target_color=gray)), alone)


def first_of(prediction):
    return prediction._replace(bins=prediction.bins[:1])
