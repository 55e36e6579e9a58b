"""A trained model loaded from a folder, a file of weights or an ONNX file."""

from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.errors import unknown
from rechroma.models.store import load_network

if TYPE_CHECKING:
    from rechroma.inference.restorer import Restorer

PROJECT = Path("models/restorer")  # the model that the stage train writes, in the project's folder
DEVICES = ("cpu", "cuda", "mps")


def load_model(path: Path | str, device: str = "cpu") -> "Restorer":
    """The trained model at `path`, ready to restore photographs.

    Nothing in a model's files can run code.

    Args:
        path: a folder with `model.json` and `weights.safetensors`, such a file of weights alone, or
            a file ending in `.onnx` that `rechroma export` wrote.
        device: where a network of torch computes: 'cpu', 'cuda' (or 'cuda:1', …) or 'mps'. ONNX
            files run on the CPU.

    Raises:
        UserError: there is no model at `path`, its parts do not fit, its weights are not those that
            its card was written for, or the device is none of these.

    >>> import numpy as np
    >>> from rechroma.models.weights import BUNDLED_FOLDER
    >>> restore = load_model(BUNDLED_FOLDER)
    >>> photo = np.full((40, 60), 90, np.uint8)  # (H, W) gray
    >>> mask = np.zeros((40, 60), bool)  # True where lost
    >>> restore(photo, mask).shape
    (40, 60, 3)
    """
    from rechroma.inference.restorer import Restorer

    path = Path(path)
    if device.partition(":")[0] not in DEVICES:
        raise unknown("device", device, DEVICES)
    if path.suffix == ".onnx":
        from rechroma.deployment.onnx_backend import load_onnx

        return Restorer(*load_onnx(path))
    from rechroma.inference.backend import TorchBackend

    stored = load_network(path, device)
    return Restorer(TorchBackend(stored.network), stored.restore)
