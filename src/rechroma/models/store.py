"""Trained models on disk: written, checked, and found by the words that people name them with."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rechroma.errors import UserError
from rechroma.settings import Model, Restore

if TYPE_CHECKING:
    from rechroma.inference.restorer import Restorer
    from rechroma.models.restoration import RestorationNetwork

WEIGHTS, CARD = "weights.safetensors", "model.json"
METADATA = "rechroma"  # the key under which a single file of weights or ONNX carries its card
PROJECT = Path("models/restorer")  # where the pipeline leaves its model, seen from the project


class Stored(NamedTuple):
    """A model as it is written down: its network, and how it is used."""

    network: "RestorationNetwork"
    restore: Restore


def save(
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
    described = {**described_by(network.settings, restore), **(told or {})}
    metadata = {METADATA: json.dumps(described)}
    (folder / WEIGHTS).write_bytes(as_bytes(tensors, metadata))
    card = {**described, "sha256": _sha256(folder / WEIGHTS)}
    (folder / CARD).write_text(
        json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def described_by(model: Model, restore: Restore) -> dict[str, Any]:
    """The settings that go with a network, as its card has them."""
    return {
        "model": model.model_copy(update={"weights": "none"}).model_dump(mode="json"),
        "restore": restore.model_dump(mode="json"),
    }


def load(path: Path, device: str = "cpu") -> "Restorer":
    """The model at `path`: a folder that `save` wrote, its file of weights alone, or an ONNX file.

    Nothing in them can run code.

    Raises:
        UserError: there is none, its parts do not fit, or its weights are not the ones that its
            JSON was written for.
    """
    from rechroma.inference.backend import Inference, TorchInference
    from rechroma.inference.restorer import Restorer

    inference: Inference
    if path.suffix == ".onnx":
        from rechroma.deployment import onnx_backend as portable

        inference, restore = portable.load(path)
        return Restorer(inference, restore)
    stored = load_network(path, device)
    return Restorer(TorchInference(stored.network), stored.restore)


def load_network(path: Path, device: str = "cpu") -> Stored:
    """As `load`, the network of torch itself; `path` is a folder or a file of weights."""
    import torch

    from rechroma.models.restoration import RestorationNetwork, load_weights

    if path.is_file():
        weights = path
        model, restore = settings_of(_carried(path), path)
    else:
        weights = path / WEIGHTS
        card = read_card(path)
        model, restore = settings_of(card, path / CARD)
        _check_sum(weights, card)
    network = RestorationNetwork(model)
    load_weights(network, weights)
    network.eval().to(torch.device(device)).to(memory_format=torch.channels_last)
    return Stored(network, restore)


def card_of(path: Path) -> dict[str, Any]:
    """What is written beside or inside the weights of a model, a folder or a file of weights.

    Raises:
        UserError: there is nothing.
    """
    return _carried(path) if path.is_file() else read_card(path)


def read_card(folder: Path) -> dict[str, Any]:
    """What is written beside the weights in `folder`.

    Raises:
        UserError: there is nothing, or no JSON object.
    """
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"{folder} holds no model, expected {CARD} and {WEIGHTS} in it, "
            "a .safetensors file that rechroma wrote, or an .onnx file"
        ) from None
    except ValueError as error:
        raise UserError(f"{folder / CARD} is no JSON: {error}") from None
    if not isinstance(card, dict):
        raise UserError(f"{folder / CARD} describes no model, expected a JSON object")
    return card


def settings_of(card: Mapping[str, Any], where: Path) -> tuple[Model, Restore]:
    """The settings on a card; `where` it stands is named in errors.

    Raises:
        UserError: it describes no model of this version.
    """
    from pydantic import ValidationError

    try:
        return Model.model_validate(card["model"]), Restore.model_validate(card["restore"])
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{where} describes no model of this version: {reason}") from None


def card_in(words: str | None) -> dict[str, Any] | None:
    """The card that stands in a file's metadata as JSON, or None where there is none."""
    try:
        card = json.loads(words or "null")
    except ValueError:
        return None
    return card if isinstance(card, dict) else None


def _carried(weights: Path) -> dict[str, Any]:
    """The card inside a file of weights."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="np") as file:
            words = (file.metadata() or {}).get(METADATA)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{weights} is no safetensors file: {error}") from None
    if words is None and (weights.parent / CARD).exists():
        return read_card(weights.parent)
    card = card_in(words)
    if card is None:
        raise UserError(
            f"{weights} does not say which network it is of, expected a file that rechroma wrote, "
            f"or {CARD} beside it"
        )
    return card


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
