from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from rechroma.deployment.onnx_export import export_onnx
from rechroma.models.restoration import RestorationNetwork
from rechroma.models.store import StoredModel
from rechroma.settings import Settings

Noise = Callable[[tuple[int, ...]], tuple[np.ndarray, np.ndarray]]


@pytest.fixture(scope="session")
def untrained() -> Callable[[Settings], StoredModel]:
    """An untrained model whose output is stronger than a fresh one's."""

    def make(settings: Settings) -> StoredModel:
        torch.manual_seed(0)
        network = RestorationNetwork(settings.model).eval()
        with torch.no_grad():
            for weight in network.parameters():
                weight *= 1.2
        return StoredModel(network, settings.restore)

    return make


@pytest.fixture(scope="session")
def exported(tmp_path_factory, tiny_settings, untrained) -> tuple[StoredModel, Path]:
    """A model and its ONNX file, written once; neither is to be changed."""
    stored = untrained(tiny_settings())
    with torch.no_grad():
        stored.network.color_network.head.weight *= 20  # colors as strong as a photograph's
    file = tmp_path_factory.mktemp("onnx") / "tiny.onnx"
    export_onnx(stored, file, {"license": "to be had"})
    return stored, file


@pytest.fixture(scope="session")
def noise() -> Noise:
    """`noise(shape)`: random gray and a random mask."""

    def make(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        generator = np.random.default_rng(0)
        return generator.integers(0, 256, shape).astype(np.uint8), generator.random(shape) < 0.3

    return make


@pytest.fixture
def hole() -> np.ndarray:
    """The mask of the photograph `damaged`, `(96, 128)` bool."""
    mask = np.zeros((96, 128), bool)
    mask[20:50, 30:70] = True
    return mask
