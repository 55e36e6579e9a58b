"""Starting weights from safetensors files, and the ones that are bundled with the package."""

from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.errors import UserError

if TYPE_CHECKING:
    from torch import nn

BUNDLED_FOLDER = Path(__file__).parents[1] / "weights"
BUNDLED = "bundled"  # in `model.weights`


def load_bundled_weights(network: "nn.Module") -> None:
    """Load the bundled weights into `network`.

    Raises:
        UserError: it is another network.
    """
    try:
        load_weights(network, BUNDLED_FOLDER / "weights.safetensors")
    except UserError as error:
        raise UserError(
            f"model.weights is '{BUNDLED}', which this network cannot start from, choose "
            f"model.weights=none: {error}"
        ) from None


def load_weights(network: "nn.Module", path: Path) -> None:
    """Load the safetensors file at `path` into `network`; the names and shapes must agree.

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
        raise UserError(f"{path} is no safetensors file: {error}") from None
    own = network.state_dict()
    for name in sorted(own.keys() | tensors.keys()):
        expected = tuple(own[name].shape) if name in own else "nothing"
        found = tuple(tensors[name].shape) if name in tensors else "nothing"
        if expected != found:
            raise UserError(
                f"{path} is of another network: expected {expected} as '{name}', found {found}"
            )
    network.load_state_dict(tensors)
