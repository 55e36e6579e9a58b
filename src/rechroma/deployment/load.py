"""A trained model from a folder, a file of weights or an ONNX file."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rechroma.inference.restorer import Restorer
from rechroma.models.store import load_network

PROJECT = Path("models/restorer")  # where the pipeline leaves its model, seen from the project


def load_model(path: Path, device: str = "cpu") -> "Restorer":
    """The model at `path`: a folder that `save` wrote, its file of weights alone, or an ONNX file.

    Nothing in them can run code.

    Raises:
        UserError: there is none, its parts do not fit, or its weights are not the ones that its
            JSON was written for.
    """
    from rechroma.inference.backend import Backend, TorchBackend
    from rechroma.inference.restorer import Restorer

    inference: Backend
    if path.suffix == ".onnx":
        from rechroma.deployment.onnx_backend import load_onnx

        inference, restore = load_onnx(path)
        return Restorer(inference, restore)
    stored = load_network(path, device)
    return Restorer(TorchBackend(stored.network), stored.restore)
