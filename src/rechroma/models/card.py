"""The model card: what is written as JSON beside or inside a file of weights."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rechroma.errors import UserError
from rechroma.settings import Model, Restore

WEIGHTS, CARD = "weights.safetensors", "model.json"
METADATA = "rechroma"  # the key under which a single file of weights or ONNX carries its card


def describe_model(model: Model, restore: Restore) -> dict[str, Any]:
    """The settings that go with a network, as its card has them."""
    return {
        "model": model.model_copy(update={"weights": "none"}).model_dump(mode="json"),
        "restore": restore.model_dump(mode="json"),
    }


def read_any_card(path: Path) -> dict[str, Any]:
    """What is written beside or inside the weights of a model, a folder or a file of weights.

    Raises:
        UserError: there is nothing.
    """
    return embedded_card(path) if path.is_file() else read_card(path)


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


def card_settings(card: Mapping[str, Any], where: Path) -> tuple[Model, Restore]:
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


def parse_card(words: str | None) -> dict[str, Any] | None:
    """The card that stands in a file's metadata as JSON, or None where there is none."""
    try:
        card = json.loads(words or "null")
    except ValueError:
        return None
    return card if isinstance(card, dict) else None


def embedded_card(weights: Path) -> dict[str, Any]:
    """The card inside a file of weights."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="np") as file:
            words = (file.metadata() or {}).get(METADATA)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{weights} is no safetensors file: {error}") from None
    if words is None and (weights.parent / CARD).exists():
        return read_card(weights.parent)
    card = parse_card(words)
    if card is None:
        raise UserError(
            f"{weights} does not say which network it is of, expected a file that rechroma wrote, "
            f"or {CARD} beside it"
        )
    return card
