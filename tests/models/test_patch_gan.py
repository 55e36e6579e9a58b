import torch

from rechroma.models.patch_gan import PatchGAN


def test_each_patch_has_a_logit(make_settings):
    logits = PatchGAN(make_settings().discriminator)(
        torch.rand(2, 1, 64, 64), torch.rand(2, 3, 64, 64)
    )
    assert logits.shape == (2, 1, 6, 6)
