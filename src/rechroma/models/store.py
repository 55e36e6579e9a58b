"""Trained models on disk: saved, checked and loaded."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rechroma.errors import UserError
from rechroma.models.card import (
    CARD,
    METADATA,
    ONNX,
    WEIGHTS,
    WEIGHTS_SUM,
    card_settings,
    describe_model,
    embedded_card,
    read_card,
    write_card,
)
from rechroma.settings import Restore

if TYPE_CHECKING:
    from rechroma.models.restoration import RestorationNetwork


class StoredModel(NamedTuple):
    """A trained model as it is stored.

    Attributes:
        network: the network of torch.
        restore: how photographs are restored with it.
    """

    network: "RestorationNetwork"
    restore: Restore


def save_model(
    network: "RestorationNetwork",
    restore: Restore,
    folder: Path,
    half: bool = False,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write a model that `load_model` reads: weights as safetensors, and its card as JSON.

    The card is inside the file of weights too, so that the file can be moved alone. An ONNX file in
    the folder is of the earlier weights, and is removed.

    Args:
        network: the network.
        restore: how photographs are restored with it.
        folder: is made where it is missing.
        half: round the weights to half precision, float16.
        extra: more entries of the card, such as its license.
    """
    from safetensors.torch import save as as_bytes

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous().cpu() for name, tensor in network.state_dict().items()}
    if half:
        tensors = {
            name: tensor.half() if tensor.is_floating_point() else tensor
            for name, tensor in tensors.items()
        }
    entries = {**describe_model(network.settings, restore), **(extra or {})}
    metadata = {METADATA: json.dumps(entries)}
    (folder / ONNX).unlink(missing_ok=True)
    (folder / WEIGHTS).write_bytes(as_bytes(tensors, metadata))
    write_card(folder, {**entries, WEIGHTS_SUM: sha256_of(folder / WEIGHTS)})


def load_network(path: Path, device: str = "cpu") -> StoredModel:
    """The network of torch that `save_model` wrote, in evaluation mode.

    Args:
        path: a model's folder, or its file of weights alone.
        device: of torch: 'cpu', 'cuda' or 'mps'.

    Raises:
        UserError: `path` holds no model, the card describes none of this version, or the weights
            are of another network or not those of the card.
    """
    import torch

    from rechroma.models.restoration import RestorationNetwork
    from rechroma.models.weights import load_weights

    if path.is_file():
        weights = path
        model, restore = card_settings(embedded_card(path), path)
    else:
        weights = path / WEIGHTS
        card = read_card(path)
        model, restore = card_settings(card, path / CARD)
        check_sum(weights, card.get(WEIGHTS_SUM))
    network = RestorationNetwork(model)
    load_weights(network, weights)
    # Channels last is the faster memory format for convolutions.
    network.eval().to(torch.device(device)).to(memory_format=torch.channels_last)
    return StoredModel(network, restore)


def check_sum(file: Path, expected: str | None) -> None:
    """Check that a model's file is the one that its card was written for.

    Args:
        file: may be missing, which is for its reader to say.
        expected: its SHA-256 on the card, None on older cards.

    Raises:
        UserError: it is another one.
    """
    if expected is None or not file.exists():
        return
    actual = sha256_of(file)
    if actual != expected:
        raise UserError(
            f"{file} is damaged or another file: expected sha256 {expected[:12]}…, "
            f"found {actual[:12]}…; get the model again"
        )


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file, 64 hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
