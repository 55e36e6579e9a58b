import pytest
import torch

from rechroma.errors import UserError
from rechroma.models.damage_finder import DamageFinder, finder_planes, load_finder, save_finder
from rechroma.models.precision import autocast_convolutions, has_bfloat16

LUMA = torch.randint(0, 256, (2, 1, 64, 96), generator=torch.Generator().manual_seed(0)).byte()


@pytest.fixture
def tiny(make_settings):
    return make_settings(**{"finder.channels": [4, 8, 8]}).finder


def test_each_pixel_gets_logits_of_undamaged_and_the_four_groups(tiny):
    assert DamageFinder(tiny)(LUMA).shape == (2, 5, 64, 96)


def test_a_fresh_network_takes_prints_for_undamaged(tiny):
    probabilities = DamageFinder(tiny).eval()(LUMA).softmax(dim=1)
    assert probabilities[:, 0].mean() > 0.7


def test_the_default_has_at_most_four_million_weights(make_settings):
    finder = DamageFinder(make_settings().finder)
    assert sum(weights.numel() for weights in finder.parameters()) <= 4_000_000


def test_local_contrast_vanishes_where_the_gray_is_even():
    planes = finder_planes(torch.full((1, 1, 32, 32), 200, dtype=torch.uint8))
    assert planes.shape == (1, 2, 32, 32)
    assert planes[:, 0].mean() == pytest.approx(2 * (200 / 255 - 0.5))
    assert planes[:, 1].abs().max() < 1e-5


@pytest.mark.parametrize("decoder", ["unet", "fpn"])
def test_encoders_and_decoders_of_smp_are_built_by_name(make_settings, decoder):
    changes = {"encoder": "test_resnet", "decoder": decoder, "channels": [8, 8, 8, 8, 8, 16]}
    settings = make_settings(**{f"finder.{name}": value for name, value in changes.items()})
    assert DamageFinder(settings.finder).eval()(LUMA).shape == (2, 5, 64, 96)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"finder.encoder": "compct"}, "finder.encoder is 'compct', did you mean 'compact'"),
        (
            {"finder.encoder": "resnet18", "finder.decoder": "unett"},
            "finder.decoder is 'unett', did you mean 'unet'",
        ),
    ],
)
def test_a_typo_gets_a_message(make_settings, changes, message):
    with pytest.raises(UserError, match=message):
        DamageFinder(make_settings(**changes).finder)


def test_saved_weights_give_the_same_network(tiny, tmp_path):
    finder = DamageFinder(tiny).eval()
    save_finder(finder.state_dict(), tiny, tmp_path / "finder.safetensors")
    loaded = load_finder(tmp_path / "finder.safetensors")
    assert loaded.settings == tiny
    assert torch.allclose(loaded(LUMA), finder(LUMA), atol=1e-5)


def test_other_files_of_weights_are_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(1)}, tmp_path / "other.safetensors", {"rechroma": "{}"})
    with pytest.raises(UserError, match="describes no finder of this version"):
        load_finder(tmp_path / "other.safetensors")


def test_convolutions_compute_in_bfloat16_where_the_cpu_does():
    with autocast_convolutions():
        product = torch.zeros(2, 2) @ torch.zeros(2, 2)
    assert (product.dtype == torch.bfloat16) == has_bfloat16()
