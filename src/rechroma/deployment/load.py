"""A trained model loaded from a folder, a file of weights or an ONNX file."""

import logging
from importlib.util import find_spec
from pathlib import Path

from rechroma.deployment.onnx_backend import PROVIDERS, load_onnx
from rechroma.errors import UserError, unknown
from rechroma.inference.restorer import Restorer
from rechroma.models.card import (
    CARD,
    ONNX,
    ONNX_SUM,
    ONNX_WEIGHTS,
    WEIGHTS,
    WEIGHTS_SUM,
    card_settings,
    read_card,
)
from rechroma.models.store import check_sum, load_network
from rechroma.models.weights import BUNDLED_FOLDER, bundled_folder
from rechroma.settings import Aim

PROJECT = Path("models/restorer")  # the model that the stage train writes, in the project's folder
AUTO, TORCH = "auto", "torch"
# The devices on which each backend computes.
DEVICES = {"onnx": (*PROVIDERS,), TORCH: ("cpu", "cuda", "mps")}

logger = logging.getLogger(__name__)


def load_model(
    path: Path | str, backend: str = AUTO, device: str = AUTO, aim: Aim | None = None
) -> Restorer:
    """The trained model at `path`, ready to restore photographs.

    Nothing in a model's files can run code. Where a device is not available, the model computes on
    the CPU, with a warning in the log; `Restorer.backend` has `engine` and `device`.

    Args:
        path: a folder with `model.json`, `weights.safetensors` and mostly `restorer.onnx`, such a
            file of weights alone, or a file ending in `.onnx` that `rechroma export` wrote.
        backend: 'onnx' runs the ONNX file with onnxruntime, and imports no torch; 'torch' runs the
            weights with torch. 'auto' is ONNX where there is such a file, unless the device asks
            for torch.
        device: 'cpu'; 'cuda' (or 'cuda:1', …), of torch, or without such a torch of onnxruntime;
            'mps', of torch; 'coreml' or 'directml', of onnxruntime. 'auto' is the CPU for ONNX, and
            CUDA for torch if it has it.
        aim: 'eye' or 'score', what photographs are restored for; None: as the model's card says.
            Of the bundled models, `BUNDLED_FOLDER`, it takes the one for this aim.

    Raises:
        UserError: there is no model at `path`, its parts do not fit, a file is not the one that its
            card was written for, what the backend needs is missing, or the backend, device or aim
            is none of these.

    >>> import numpy as np
    >>> from rechroma.models.weights import BUNDLED_FOLDER
    >>> restore = load_model(BUNDLED_FOLDER)
    >>> photo = np.full((40, 60), 90, np.uint8)  # (H, W) gray
    >>> mask = np.zeros((40, 60), bool)  # True where lost
    >>> restore(photo, mask).shape
    (40, 60, 3)
    """
    path = Path(path)
    if path.resolve() == BUNDLED_FOLDER.resolve():
        path = bundled_folder(aim)
    if backend != AUTO and backend not in DEVICES:
        raise unknown("backend", backend, (AUTO, *DEVICES))
    kind, _, number = device.partition(":")
    known = any(kind in (AUTO, *devices) for devices in DEVICES.values())
    if not known or (":" in device and not (kind == "cuda" and number.isdecimal())):
        raise unknown("device", device, {AUTO, *DEVICES["onnx"], *DEVICES[TORCH]})
    if backend != AUTO and kind not in (AUTO, *DEVICES[backend]):
        raise UserError(
            f"device '{device}' is none of the backend '{backend}', expected auto, "
            f"{', '.join(DEVICES[backend])}, or the backend auto"
        )
    if backend == AUTO:
        backend = _choose_backend(path, device)
    loaded = _load_torch(path, device) if backend == TORCH else _load_onnx(path, device)
    return loaded if aim is None else loaded.with_aim(aim)


def _choose_backend(path: Path, device: str) -> str:
    """'onnx' where there is an ONNX file for it, unless torch has the device and ONNX not."""
    if path.suffix == ".onnx":
        return "onnx"
    if not (path / ONNX).is_file():
        return TORCH
    if find_spec(TORCH) is None:
        return "onnx"
    if find_spec("onnxruntime") is None:
        return TORCH
    # Only these need the import of torch, which takes seconds.
    if device.startswith(("cuda", "mps")) and _torch_has(device):
        return TORCH
    return "onnx"


def _load_onnx(path: Path, device: str) -> Restorer:
    """The model in an ONNX file, or in the one in a folder."""
    device = "cpu" if device == AUTO else device
    if device == "mps":
        logger.warning("torch cannot compute on 'mps' here, the CPU is used instead")
        device = "cpu"
    if path.suffix == ".onnx":
        return Restorer(*load_onnx(path, device))
    if path.is_file():
        raise UserError(
            f"{path} holds weights for torch, expected an ONNX file for the backend 'onnx'; "
            f"write it: rechroma export --onnx {path.with_suffix('.onnx')} --model {path}"
        )
    # The folder's card has the settings, as it has for torch.
    card = read_card(path)
    model, restore = card_settings(card, path / CARD)
    file = path / ONNX
    if not file.is_file():
        raise UserError(
            f"{path} holds no {ONNX}, which the backend 'onnx' needs; "
            f"write it: rechroma export --onnx {file} --model {path}"
        )
    check_sum(file, card.get(ONNX_SUM))
    if card.get(ONNX_WEIGHTS):  # the ONNX file reads its weights there
        check_sum(path / WEIGHTS, card.get(WEIGHTS_SUM))
    network, _ = load_onnx(file, device)
    if network.model != model:
        raise UserError(
            f"{file} is of another network than {CARD} beside it; "
            f"write it again: rechroma export --onnx {file} --model {path}"
        )
    return Restorer(network, restore)


def _load_torch(path: Path, device: str) -> Restorer:
    """The model of the weights in a folder or file."""
    if path.suffix == ".onnx":
        raise UserError(f"{path} is an ONNX file, expected a model's folder for the backend torch")
    if not path.is_file():
        read_card(path)  # where there is no model at all, torch would not help
    if find_spec(TORCH) is None:
        reason = "" if (path / ONNX).is_file() or path.is_file() else f"has no {ONNX} and "
        raise UserError(
            f"{path} {reason}needs torch, which is not installed: pip install 'rechroma[train]'"
        )
    if device == AUTO:
        device = "cuda" if _torch_has("cuda") else "cpu"
    elif not _torch_has(device):
        logger.warning("torch cannot compute on '%s' here, the CPU is used instead", device)
        device = "cpu"
    from rechroma.inference.backend import TorchBackend

    stored = load_network(path, device)
    return Restorer(TorchBackend(stored.network), stored.restore)


def _torch_has(device: str) -> bool:
    """Whether the installed torch can compute on a device: 'cpu', 'cuda', 'cuda:1', 'mps', …"""
    import torch

    kind, _, number = device.partition(":")
    if kind == "cuda":
        return torch.cuda.is_available() and int(number or 0) < torch.cuda.device_count()
    return kind == "cpu" or (kind == "mps" and torch.backends.mps.is_available())
