from collections.abc import Callable

import pytest
import timm
import torch
from lightning_fabric import Fabric

from rechroma.imaging.color import to_ycbcr
from rechroma.models.patch_gan import PatchGAN
from rechroma.models.restoration import RestorationNetwork
from rechroma.settings import Settings
from rechroma.training import perceptual_loss
from rechroma.training.losses import LossInputs, pixel_weight
from rechroma.training.perceptual_loss import ENCODER, LEVELS


@pytest.fixture
def cpu() -> Fabric:
    """Fabric for one process on the CPU in float32."""
    return Fabric(accelerator="cpu", devices=1)


@pytest.fixture
def random_vgg(monkeypatch) -> None:
    """VGG16 with random weights instead of downloaded ones."""
    network = timm.create_model(ENCODER, features_only=True, out_indices=LEVELS).eval()
    monkeypatch.setattr(perceptual_loss, "load_feature_network", lambda: network)


@pytest.fixture
def make_inputs() -> Callable[..., LossInputs]:
    """The inputs of the loss for two random targets of 32 px and a network's predictions."""

    def make(settings: Settings, network: RestorationNetwork | None = None) -> LossInputs:
        generator = torch.Generator().manual_seed(0)
        target = torch.rand((2, 3, 32, 32), generator=generator)
        mask = torch.zeros((2, 1, 32, 32), dtype=torch.bool)
        mask[..., 8:20, 8:20] = True
        luma = (to_ycbcr(target)[:, :1] * 255).byte().masked_fill(mask, 40)
        network = network or RestorationNetwork(settings.model)
        prediction = network(luma, mask)
        rgb = network.rgb(prediction.color)
        discriminator = PatchGAN(settings.discriminator)
        return LossInputs(
            prediction=prediction,
            target_color=to_ycbcr(target) if settings.model.output == "luma_chroma" else target,
            target_gray=to_ycbcr(target)[:, :1],
            predicted_rgb=rgb,
            target_rgb=target,
            mask=mask.float(),
            target_hues=torch.full((2, 181, 1, 1), 1 / 181),
            weight=pixel_weight(mask.float(), 4.0),
            discriminator_logits=discriminator(luma.float() / 255, rgb),
        )

    return make
