"""Which device computes, and in which precision."""

import os

import torch
from lightning_fabric import Fabric

from rechroma.errors import UserError
from rechroma.settings import Train


def pays_bfloat16(device: str) -> bool:
    """Whether bfloat16 is faster than float32 on a device: 'cpu', 'cuda' or 'mps'."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device == "cpu" and bool(torch.cpu._is_amx_tile_supported())


def autocast(device: str) -> torch.autocast:
    """Computes in bfloat16 on a device that gains by it."""
    return torch.autocast(device, torch.bfloat16, enabled=pays_bfloat16(device))


def make_fabric(settings: Train) -> Fabric:
    """One device, or all that `torchrun` started this process for.

    Raises:
        UserError: this machine has no such device.
    """
    available: dict[str, bool] = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    device: str = settings.device
    if device == "auto":
        device = next(name for name, there in available.items() if there)
    if not available[device]:
        raise UserError(f"train.device is '{device}', but this machine has none; use auto or cpu")
    precision = settings.precision
    if precision == "auto":
        precision = "bf16-mixed" if pays_bfloat16(device) else "32-true"
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    nodes = int(os.environ.get("WORLD_SIZE", "1")) // processes
    fabric = Fabric(accelerator=device, devices=processes, num_nodes=nodes, precision=precision)
    fabric.launch()
    return fabric
