"""The model card: the JSON beside or inside a file of weights."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rechroma.errors import UserError
from rechroma.outputs import write_json
from rechroma.settings import Model, Restore

WEIGHTS, CARD = "weights.safetensors", "model.json"
ONNX = "restorer.onnx"  # the same network for onnxruntime, in the folder of the weights
METADATA = "rechroma"  # key of the card in the metadata of a safetensors or ONNX file
# Keys of the checksums of `WEIGHTS` and `ONNX`; on the card in the folder alone, as no file holds
# its own.
WEIGHTS_SUM, ONNX_SUM = "sha256", "onnx_sha256"
ONNX_WEIGHTS = "onnx_weights"  # the file beside the ONNX file that its weights are read from


def describe_model(model: Model, restore: Restore) -> dict[str, Any]:
    """The settings of a trained model, as entries of its card.

    Its starting weights are not among them: a trained model is loaded without them.
    """
    return {
        "model": model.model_copy(update={"weights": "none"}).model_dump(mode="json"),
        "restore": restore.model_dump(mode="json"),
    }


def read_any_card(path: Path) -> dict[str, Any]:
    """The card of a model: that in a folder, or that inside a file of weights.

    Raises:
        UserError: there is none, or it is no JSON object.
    """
    return embedded_card(path) if path.is_file() else read_card(path)


def read_card(folder: Path) -> dict[str, Any]:
    """The card in `folder`, beside the weights.

    Raises:
        UserError: there is none, or it is no JSON object.
    """
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"{folder} holds no model, expected {CARD} and {WEIGHTS} in it, "
            "a .safetensors file that rechroma wrote, or an .onnx file"
        ) from None
    except ValueError as error:
        raise UserError(f"{folder / CARD} is no JSON: {error}") from error
    if not isinstance(card, dict):
        raise UserError(f"{folder / CARD} describes no model, expected a JSON object")
    return card


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write the card of the model in `folder`."""
    write_json(folder / CARD, dict(card))


def without_sums(card: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a card that go into the metadata of a file: all but the checksums
    and where the ONNX file's weights are.

    >>> without_sums({"license": "yours", "sha256": "3152f8872bf2"})
    {'license': 'yours'}
    """
    return {name: card[name] for name in card if name not in (WEIGHTS_SUM, ONNX_SUM, ONNX_WEIGHTS)}


def card_settings(card: Mapping[str, Any], where: Path) -> tuple[Model, Restore]:
    """The settings on a card; errors name the file `where` it is.

    Raises:
        UserError: it describes no model of this version.
    """
    from pydantic import ValidationError

    try:
        restore = _by_aim(card["restore"])
        return Model.model_validate(card["model"]), Restore.model_validate(restore)
    except (KeyError, TypeError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{where} describes no model of this version: {reason}") from error


def _by_aim(restore: Mapping[str, Any]) -> dict[str, Any]:
    """The settings `restore` of a card; older ones know no aim, no holes, no bins of chroma."""
    earlier = {"temperature": 1.0, "vividness": 0.0, "holes": "auto", **restore}
    if "aim" in restore:
        return earlier
    # Hues were transferred for the score. Where they were not, they never are.
    return {**earlier, "aim": "score", "hues": "auto" if restore["hues"] is True else False}


def parse_card(text: str | None) -> dict[str, Any] | None:
    """The card in the metadata of a file, as JSON; None where there is no card."""
    try:
        card = json.loads(text or "null")
    except ValueError:
        return None
    return card if isinstance(card, dict) else None


def embedded_card(weights: Path) -> dict[str, Any]:
    """The card inside a file of weights; older files have it beside them.

    Raises:
        UserError: it is no safetensors file, or has no card.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="np") as file:
            text = (file.metadata() or {}).get(METADATA)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{weights} is no safetensors file: {error}") from error
    if text is None and (weights.parent / CARD).exists():
        return read_card(weights.parent)
    card = parse_card(text)
    if card is None:
        raise UserError(
            f"{weights} has no model card inside, expected a file that rechroma wrote, "
            f"or {CARD} beside it"
        )
    return card
