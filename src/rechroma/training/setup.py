"""What a training starts with: seeded randomness, batches of samples, the network."""

from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch.utils import deterministic
from torch.utils.data import DataLoader

from rechroma.data.prepared import mean_hue_histogram
from rechroma.data.training_set import EpochSampler, TrainingSet
from rechroma.models.restoration import RestorationNetwork
from rechroma.settings import Settings


def seed_torch(seed: int, device: torch.device) -> None:
    """Make torch's random numbers start from `seed`, and the CPU compute alike in every run."""
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(device.type == "cpu", warn_only=True)
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # 7 % of a step


def make_loader(
    settings: Settings, prepared: Path, fabric: Fabric
) -> tuple[EpochSampler, DataLoader[Any]]:
    """A loader of batches on the device, and the sampler whose `epoch` decides what they hold."""
    train = settings.train
    samples = TrainingSet(prepared, settings)
    sampler = EpochSampler(len(samples))
    loader = DataLoader(
        samples,
        batch_size=train.batch,
        sampler=sampler,
        num_workers=train.workers,
        persistent_workers=train.workers > 0,
        pin_memory=fabric.device.type == "cuda",
        drop_last=len(samples) >= train.batch,
        generator=torch.Generator(),  # samples draw from generators of their own
    )
    return sampler, fabric.setup_dataloaders(loader)


def make_network(settings: Settings, prepared: Path) -> RestorationNetwork:
    """The network with its starting weights, on the CPU.

    A fresh one predicts the mean hue histogram of the training photographs, before it learns.
    """
    network = RestorationNetwork(settings.model).to(memory_format=torch.channels_last)
    if settings.model.hues and settings.model.weights in ("none", "imagenet"):
        network.start_hues(mean_hue_histogram(prepared))
    return network
