"""Trained models on disk: written, checked, and found by the words that people name them with."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rechroma.errors import UserError
from rechroma.settings import Restore

if TYPE_CHECKING:
    from rechroma.models.restoration import RestorationNetwork
from rechroma.models.card import (
    CARD,
    METADATA,
    WEIGHTS,
    card_settings,
    describe_model,
    embedded_card,
    read_card,
)


class StoredModel(NamedTuple):
    """A model as it is written down: its network, and how it is used."""

    network: "RestorationNetwork"
    restore: Restore


def save_model(
    network: "RestorationNetwork",
    restore: Restore,
    folder: Path,
    half: bool = False,
    told: Mapping[str, Any] | None = None,
) -> None:
    """Write a model that `load` reads: weights as safetensors, settings and their sum as JSON.

    The settings stand in the file of weights too, so that it can be moved alone. With `half` the
    weights are rounded to half precision; what is `told` goes into the JSON too.
    """
    from safetensors.torch import save as as_bytes

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous().cpu() for name, tensor in network.state_dict().items()}
    if half:
        tensors = {
            name: tensor.half() if tensor.is_floating_point() else tensor
            for name, tensor in tensors.items()
        }
    described = {**describe_model(network.settings, restore), **(told or {})}
    metadata = {METADATA: json.dumps(described)}
    (folder / WEIGHTS).write_bytes(as_bytes(tensors, metadata))
    card = {**described, "sha256": _sha256(folder / WEIGHTS)}
    (folder / CARD).write_text(
        json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def load_network(path: Path, device: str = "cpu") -> StoredModel:
    """As `load`, the network of torch itself; `path` is a folder or a file of weights."""
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
        _check_sum(weights, card)
    network = RestorationNetwork(model)
    load_weights(network, weights)
    network.eval().to(torch.device(device)).to(memory_format=torch.channels_last)
    return StoredModel(network, restore)


def _check_sum(weights: Path, card: Mapping[str, Any]) -> None:
    if "sha256" not in card or not weights.exists():
        return
    found = _sha256(weights)
    if found != card["sha256"]:
        raise UserError(
            f"{weights} is damaged or another file: expected sha256 "
            f"{card['sha256'][:12]}…, found {found[:12]}…; get the model again"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
