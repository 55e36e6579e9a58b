"""Trained networks that find damage, on disk: written beside their thresholds, loaded by path.

The folder of one holds `finder.safetensors`, to be bundled or trained on, and, as the package has
them, `finder.onnx` and `finder.json`.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rechroma.deployment.bundled_finder import (
    FINDER,
    FINDER_CARD,
    bundle_finder,
    keep_finder,
    load_bundled_finder,
)
from rechroma.deployment.finder_onnx import card_thresholds, load_onnx_finder
from rechroma.errors import UserError
from rechroma.imaging.types import Planes
from rechroma.inference.find_choices import Thresholds
from rechroma.inference.find_print_damage import FinderBackend
from rechroma.models.weights import BUNDLED_FOLDER, FINDER_WEIGHTS
from rechroma.outputs import whole_folder, write_json

if TYPE_CHECKING:
    from rechroma.models.damage_finder import DamageFinder

EXPECTED = f"expected {FINDER_WEIGHTS} of a training, {FINDER}, or a folder that holds one"


@dataclass(frozen=True)
class TorchFinder:
    """The network that finds damage, computed by torch.

    Attributes:
        network: in evaluation mode.
        thresholds: the probabilities that are enough; None for those of every network.
    """

    network: "DamageFinder"
    thresholds: Thresholds | None = None

    def __call__(self, lumas: NDArray[np.uint8]) -> Planes:
        """As `OnnxFinder`: `(N, H, W)` uint8 to `(N, 4, H, W)` float32."""
        import torch

        with torch.inference_mode():
            logits = self.network(torch.from_numpy(np.ascontiguousarray(lumas[:, None])))
            damage: Planes = logits.softmax(dim=1)[:, 1:].numpy()
        return damage


def load_any_finder(path: Path = BUNDLED_FOLDER, threads: int | None = None) -> FinderBackend:
    """The network in a folder or a file.

    Args:
        path: the folder of the bundled network or of a training, a .onnx or a .safetensors file.
        threads: of the CPU to compute with; None: all processors of this process. Torch has a
            number of its own.

    Raises:
        UserError: there is no such network.
    """
    if path.suffix == ".onnx":
        return load_onnx_finder(path, threads)
    bundled = load_bundled_finder(threads, path) if path.is_dir() else None
    if bundled is not None:
        return bundled
    from rechroma.models.damage_finder import load_finder

    weights = finder_weights(path)
    return TorchFinder(load_finder(weights), stated_thresholds(weights))


def write_trained_finder(weights: Path, thresholds: Thresholds, folder: Path) -> str:
    """Write trained weights with their thresholds to a folder that `load_any_finder` reads.

    Args:
        weights: the file of a training.
        thresholds: the probabilities that are enough.
        folder: is replaced as a whole.

    Returns:
        Why there is no ONNX file beside the weights; empty where there is one.
    """
    from rechroma.models.damage_finder import load_finder

    entries = {"thresholds": thresholds}
    with whole_folder(folder) as part:
        copyfile(weights, part / FINDER_WEIGHTS)
        try:
            bundle_finder(load_finder(weights), entries, part, size_limit=math.inf)
        except UserError as error:
            write_json(part / FINDER_CARD, entries)
            return str(error)
    return ""


def copy_bundled_finder(folder: Path, package: Path = BUNDLED_FOLDER) -> None:
    """Write the bundled network to a folder, which is replaced as a whole.

    Args:
        folder: of the network.
        package: the folder of the bundled weights.

    Raises:
        UserError: the package has none.
    """
    if not (package / FINDER).is_file():
        raise UserError(
            f"{package / FINDER} is missing, expected the bundled finder; install rechroma again, "
            "or train one: finder.samples=60000"
        )
    with whole_folder(folder) as part:
        keep_finder(package, part)


def finder_weights(path: Path) -> Path:
    """The weights of torch of a training.

    Args:
        path: its folder, or the file itself.

    Raises:
        UserError: they are not there.

    >>> finder_weights(Path("none"))
    Traceback (most recent call last):
    rechroma.errors.UserError: none holds no finder, expected finder.safetensors of a training, ...
    """
    weights = path / FINDER_WEIGHTS if path.is_dir() or not path.suffix else path
    if not weights.is_file():
        raise UserError(f"{path} holds no finder, {EXPECTED}")
    return weights


def stated_thresholds(weights: Path) -> Thresholds | None:
    """The thresholds on the card beside trained weights; None where there are none.

    Raises:
        UserError: the card is no JSON, or its thresholds are none.

    >>> stated_thresholds(Path("none/finder.safetensors")) is None
    True
    """
    file = weights.with_name(FINDER_CARD)
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UserError(f"{file} is no JSON: {error}") from error
    return card_thresholds(card if isinstance(card, dict) else {}, file)
