"""Lightning Fabric for the chosen device, precision and processes."""

import os

import torch
from lightning_fabric import Fabric

from rechroma.errors import UserError
from rechroma.models.precision import pays_bfloat16
from rechroma.settings import Train


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
