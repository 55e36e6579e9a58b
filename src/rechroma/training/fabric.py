"""Lightning Fabric: the device, precision and processes of a training."""

import logging
import os

import torch
from lightning_fabric import Fabric

from rechroma.errors import UserError
from rechroma.models.precision import pays_bfloat16
from rechroma.settings import Train

logger = logging.getLogger(__name__)


def make_fabric(settings: Train) -> Fabric:
    """A launched Fabric for one device, or for all that `torchrun` started this process for.

    `auto` takes the first device of CUDA, MPS and CPU that this machine has, and bfloat16 where
    that is faster than float32.

    Raises:
        UserError: this machine does not have the device of `train.device`.
    """
    # Device: the first available one, in order of speed, unless it is named.
    available: dict[str, bool] = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    device: str = settings.device
    if device == "auto":
        device = next(name for name, here in available.items() if here)
    if not available[device]:
        raise UserError(f"train.device is '{device}', but this machine has none; use auto or cpu")
    # Precision.
    precision = settings.precision
    if precision == "auto":
        precision = "bf16-mixed" if pays_bfloat16(device) else "32-true"
    # Processes: torchrun names their number in the environment.
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    nodes = int(os.environ.get("WORLD_SIZE", "1")) // processes
    logger.info("training on %s in %s, %d processes", device, precision, nodes * processes)
    fabric = Fabric(accelerator=device, devices=processes, num_nodes=nodes, precision=precision)
    fabric.launch()
    return fabric
