"""Starting weights from safetensors files, and the bundled ones.

Imported where torch must not be: it is imported by the functions that need it.
"""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.errors import UserError

if TYPE_CHECKING:
    from torch import nn

BUNDLED_FOLDER = Path(__file__).parents[1] / "weights"
WEIGHTS_NAME = "weights.safetensors"
FINDER_WEIGHTS = "finder.safetensors"  # in the folder of a training of the finder
EYE_FOLDER = BUNDLED_FOLDER / "eye"
BUNDLED = "bundled"  # the value of `model.weights` that asks for them


def bundled_folder(aim: str | None) -> Path:
    """The folder of the bundled model for an aim: `eye`, what people prefer, or the score.

    >>> bundled_folder("eye").name, bundled_folder("score").name
    ('eye', 'weights')
    """
    return EYE_FOLDER if aim == "eye" else BUNDLED_FOLDER


def load_bundled_weights(network: "nn.Module") -> None:
    """Load the bundled weights into `network`: those of the score's model, or of the eye's.

    Raises:
        UserError: both are of another network.
    """
    try:
        load_weights(network, BUNDLED_FOLDER / WEIGHTS_NAME)
    except UserError as error:
        with suppress(UserError):
            load_weights(network, EYE_FOLDER / WEIGHTS_NAME)
            return
        raise UserError(
            f"model.weights is '{BUNDLED}', which this network cannot start from, choose "
            f"model.weights=none: {error}"
        ) from error


def load_weights(network: "nn.Module", path: Path) -> None:
    """Load the safetensors file at `path` into `network`; names and shapes must be equal.

    Raises:
        UserError: the file is missing, no safetensors file, or of another network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except FileNotFoundError:
        raise UserError(f"{path} is missing, expected the weights of a network there") from None
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is no safetensors file: {error}") from error
    # Compared here and not by torch, whose error lists hundreds of names.
    own = network.state_dict()
    for name in sorted(own.keys() | tensors.keys()):
        expected = tuple(own[name].shape) if name in own else "nothing"
        actual = tuple(tensors[name].shape) if name in tensors else "nothing"
        if expected != actual:
            raise UserError(
                f"{path} is of another network: expected {expected} as '{name}', found {actual}"
            )
    network.load_state_dict(tensors)
