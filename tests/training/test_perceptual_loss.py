import numpy as np
import pytest
import timm
import torch

from rechroma.errors import UserError
from rechroma.training.perceptual_loss import load_feature_network, perceptual_distance


@pytest.mark.usefixtures("random_vgg")
def test_the_perceptual_distance_grows_with_noise(photo):
    target = torch.from_numpy(photo.transpose(2, 0, 1)[None] / np.float32(255))
    torch.manual_seed(0)
    near, far = (
        perceptual_distance(target + amount * torch.randn_like(target), target)
        for amount in (0.01, 0.1)
    )
    assert perceptual_distance(target, target) == 0
    assert 0 < near < far


def load_with(monkeypatch, error):
    """Loads the network while its download raises `error`."""

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(timm, "create_model", fail)
    load_feature_network.cache_clear()
    load_feature_network()


def test_a_hub_out_of_reach_is_one_clear_message(monkeypatch):
    message = r"^loss has 'perceptual', but .*: the model hub cannot be reached\. Connect to it"
    with pytest.raises(UserError, match=message):
        load_with(monkeypatch, OSError("no route to host"))


def test_an_error_of_our_own_keeps_its_traceback(monkeypatch):
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_with(monkeypatch, RuntimeError("size mismatch"))
