"""The network that finds damage as an ONNX file: written with torch, run without it."""

import io
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rechroma.deployment.onnx_backend import open_session
from rechroma.errors import UserError
from rechroma.imaging.print_damage.kinds import GROUPS
from rechroma.imaging.types import Planes
from rechroma.inference.find_choices import Thresholds
from rechroma.models.card import METADATA, parse_card
from rechroma.outputs import whole_file

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from rechroma.models.damage_finder import DamageFinder

OPSET = 18
CHECK_SIZES = ((2, 64, 96), (1, 224, 160), (1, 32, 32))  # number, height, width, px
TOLERANCE = 1e-3  # of probabilities


@dataclass(frozen=True)
class OnnxFinder:
    """The network that finds damage, in an ONNX file.

    Attributes:
        session: of onnxruntime.
        card: how it was trained.
        thresholds: the probabilities that are enough, of its card; None without any.
    """

    session: "InferenceSession"
    card: Mapping[str, Any]
    thresholds: Thresholds | None = None

    def __call__(self, lumas: NDArray[np.uint8]) -> Planes:
        """The probability of each group of damage.

        Args:
            lumas: `(N, H, W)` uint8, H and W multiples of 32.

        Returns:
            `(N, 4, H, W)` float32 in [0, 1], in the order of `GROUPS`; the sum is that of damage.
        """
        damage: Planes = self.session.run(None, {"luma": lumas[:, None]})[0]
        return damage


def load_onnx_finder(file: Path, threads: int | None = None) -> OnnxFinder:
    """The network in an ONNX file that `export_finder` wrote; torch is not imported.

    Args:
        file: of ONNX.
        threads: to compute with; None: all processors of this process.

    Raises:
        UserError: the file is missing, no ONNX file or of another kind, or onnxruntime is missing.

    >>> try:
    ...     load_onnx_finder(Path("finder.onnx"))
    ... except UserError as error:
    ...     print(error)
    finder.onnx is missing, expected the network that finds damage
    """
    if not file.is_file():
        raise UserError(f"{file} is missing, expected the network that finds damage")
    session = open_session(file, threads=threads)
    card = parse_card(session.get_modelmeta().custom_metadata_map.get(METADATA))
    if card is None or "finder" not in card:
        raise UserError(f"{file} is another ONNX file, expected the network that finds damage")
    return OnnxFinder(session, card, card_thresholds(card, file))


def card_thresholds(card: Mapping[str, Any], where: Path) -> Thresholds | None:
    """The probabilities that are enough on a network's card; None where it has none.

    Args:
        card: of the network.
        where: its file, in errors.

    Raises:
        UserError: they are no three numbers from 0 to 1, from high to low, for each group.

    >>> card_thresholds({}, Path("finder.onnx")) is None
    True
    """
    stated = card.get("thresholds")
    if stated is None:
        return None
    try:
        chosen = {group: (high, middle, low) for group, (high, middle, low) in stated.items()}
        valid = all(1 >= high >= middle >= low >= 0 for high, middle, low in chosen.values())
    except (AttributeError, TypeError, ValueError):
        chosen, valid = {}, False
    if not valid or chosen.keys() != set(GROUPS):
        raise UserError(
            f"{where}: its thresholds are {stated}, expected three numbers from 1 down to 0 for "
            f"each of {', '.join(GROUPS)}; bundle the network again"
        )
    return chosen


def export_finder(
    finder: "DamageFinder", file: Path, extra: Mapping[str, Any] | None = None
) -> None:
    """Write the network as ONNX, its weights rounded to float16; it computes in float32.

    The file is compared with torch before it appears.

    Args:
        finder: of torch.
        file: a path ending in `.onnx`.
        extra: more entries of the card in the file, such as how it was trained.

    Raises:
        UserError: the network cannot be written as ONNX, or the file computes otherwise than torch.
    """
    import copy

    from rechroma.deployment.onnx_trace import store_as_half

    rounded = copy.deepcopy(finder).cpu().half().float().eval()
    try:
        model = _trace(rounded)
    except Exception as error:  # the exporter has no base class for its errors
        raise _not_exportable(rounded, " ".join(str(error).split())) from error
    store_as_half(model.graph)
    card = {**(extra or {}), "finder": describe_finder(rounded)}
    model.metadata_props.add(key=METADATA, value=json.dumps(card, ensure_ascii=False))
    with whole_file(file) as part:
        part.write_bytes(model.SerializeToString(deterministic=True))
        _check(part, rounded)


def describe_finder(finder: "DamageFinder") -> dict[str, Any]:
    """The settings of a trained network, for its card; where it started from is not among them."""
    return finder.settings.model_copy(update={"weights": "none"}).model_dump(mode="json")


def _trace(finder: "DamageFinder") -> Any:
    import onnx
    import torch
    from torch import Tensor, nn

    class Probabilities(nn.Module):
        """The finder with probabilities of the groups as its output."""

        def __init__(self) -> None:
            super().__init__()
            self.finder = finder

        def forward(self, luma: Tensor) -> Tensor:
            probabilities: Tensor = self.finder(luma).softmax(dim=1)
            return probabilities[:, 1:]

    sides = {0: "N", 2: "H", 3: "W"}
    written = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of deprecation, and of branches that a trace may miss
        torch.onnx.export(
            Probabilities().eval(),
            (torch.zeros(2, 1, 96, 160, dtype=torch.uint8),),
            written,  # type: ignore[arg-type]  # a stream is accepted too
            dynamo=False,
            opset_version=OPSET,
            input_names=["luma"],
            output_names=["damage"],
            dynamic_axes={"luma": sides, "damage": sides},
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
        )
    return onnx.load_model_from_string(written.getvalue())


def _check(file: Path, finder: "DamageFinder") -> None:
    """Raises UserError where the file differs from torch on noise of some size."""
    import torch

    session = load_onnx_finder(file)
    generator = np.random.default_rng(0)
    for shape in CHECK_SIZES:
        lumas = generator.integers(0, 256, shape).astype(np.uint8)
        with torch.inference_mode():
            expected = finder(torch.from_numpy(lumas)[:, None]).softmax(dim=1)[:, 1:].numpy()
        try:
            output = session(lumas)
        except Exception as error:  # the only common base class of onnxruntime's errors
            raise _not_exportable(finder, " ".join(str(error).split())) from error
        difference = float(np.abs(output - expected).max())
        if not difference <= TOLERANCE:  # also where it is not a number
            size = f"{shape[2]}x{shape[1]} px"
            raise UserError(f"the ONNX file would differ from torch by {difference:.2g} at {size}")


def _not_exportable(finder: "DamageFinder", reason: str) -> UserError:
    encoder, decoder = finder.settings.encoder, finder.settings.decoder
    named = encoder if encoder == "compact" else f"{encoder} with {decoder}"
    return UserError(f"the finder {named} cannot be written as ONNX: {reason}")
