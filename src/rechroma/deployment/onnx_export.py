"""Networks of torch exported as ONNX files, and compared with them."""

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rechroma.deployment.onnx_backend import load_onnx
from rechroma.deployment.onnx_trace import store_as_half, trace_network, with_constant_padding
from rechroma.errors import UserError
from rechroma.imaging.types import Luma, Mask
from rechroma.inference.backend import NetworkOutput, TorchBackend
from rechroma.inference.restorer import Restorer
from rechroma.models.card import (
    METADATA,
    ONNX,
    ONNX_SUM,
    describe_model,
    read_card,
    without_sums,
    write_card,
)
from rechroma.models.restoration import RestorationNetwork
from rechroma.models.store import StoredModel, load_network, sha256_of
from rechroma.outputs import whole_file

CHECK_SIZES = ((1, 1), (33, 47), (64, 96), (130, 71))  # px at which the file is compared with torch
TOLERANCE = 1e-3  # of color in [0, 1] and of shares; float32 sums in another order differ by less


class OnnxDifference(NamedTuple):
    """The difference between an ONNX file and its network of torch on one photograph.

    Attributes:
        color: largest difference of `NetworkOutput.color`, relative to the largest beyond 1.
        hues: largest difference of `NetworkOutput.hues`; 0 where the network predicts none.
        levels: largest difference of the restored photographs, of 0…255.
        changed: share of the restored photograph's values that differ at all.

    >>> OnnxDifference(color=1e-5, hues=2e-4, levels=1, changed=0.01).tolerable
    True
    >>> OnnxDifference(color=0.1, hues=2e-4, levels=30, changed=0.5).tolerable
    False
    """

    color: float
    hues: float
    levels: int
    changed: float

    @property
    def tolerable(self) -> bool:
        """Whether the networks' outputs differ by `TOLERANCE` at most."""
        return self.color <= TOLERANCE and self.hues <= TOLERANCE


def export_onnx(stored: StoredModel, file: Path, extra: Mapping[str, Any] | None = None) -> None:
    """Write a model as one ONNX file that `load_model` reads; it appears whole or not at all.

    The same model gives the same bytes. Weights that half precision holds exactly take half the
    space, and compute the same. Before the file appears, it is compared with torch on noise of
    several sizes.

    Args:
        stored: the model.
        file: a path ending in `.onnx`.
        extra: more entries of the card in the file's metadata, such as its license.

    Raises:
        UserError: the network cannot be written as ONNX, or onnx or onnxruntime are not installed.

    >>> from tempfile import TemporaryDirectory
    >>> from rechroma.models.card import card_settings, read_card
    >>> from rechroma.models.weights import BUNDLED_FOLDER
    >>> model, restore = card_settings(read_card(BUNDLED_FOLDER), BUNDLED_FOLDER)
    >>> tiny = RestorationNetwork(model.model_copy(update={"encoder": "test_resnet"})).eval()
    >>> with TemporaryDirectory() as folder:
    ...     export_onnx(StoredModel(tiny, restore), Path(folder) / "tiny.onnx")
    ...     backend, _ = load_onnx(Path(folder) / "tiny.onnx")
    >>> backend.model.encoder
    'test_resnet'
    """
    if find_spec("onnx") is None:
        raise UserError(
            f"{file} needs onnx to be written, which is not installed: "
            "pip install 'rechroma[train]'"
        )
    # A copy whose graph is the same for all sizes, traced by torch's exporter.
    network = with_constant_padding(stored.network)
    try:
        model = trace_network(network)
    except Exception as error:  # the exporter has no base class for its errors
        raise _not_exportable(network, " ".join(str(error).split())) from error
    store_as_half(model.graph)
    # The card goes into the file's metadata.
    card = {**(extra or {}), **describe_model(network.settings, stored.restore)}
    model.metadata_props.add(key=METADATA, value=json.dumps(card, ensure_ascii=False))
    # It is compared with torch while its name is still a temporary one.
    with whole_file(file) as part:
        part.write_bytes(model.SerializeToString(deterministic=True))
        _check_sizes(part, network)


def add_onnx(folder: Path) -> Path:
    """Write the ONNX file of the model in a folder beside its weights, and its sum on the card.

    Args:
        folder: that `save_model` wrote.

    Raises:
        UserError: as `export_onnx`; the folder stays as it was.

    >>> from tempfile import TemporaryDirectory
    >>> from rechroma.models.card import card_settings
    >>> from rechroma.models.store import save_model
    >>> from rechroma.models.weights import BUNDLED_FOLDER
    >>> model, restore = card_settings(read_card(BUNDLED_FOLDER), BUNDLED_FOLDER)
    >>> tiny = RestorationNetwork(model.model_copy(update={"encoder": "test_resnet"})).eval()
    >>> with TemporaryDirectory() as folder:
    ...     save_model(tiny, restore, Path(folder))
    ...     add_onnx(Path(folder)).name
    'restorer.onnx'
    """
    file, card = folder / ONNX, read_card(folder)
    export_onnx(load_network(folder), file, without_sums(card))
    write_card(folder, {**card, ONNX_SUM: sha256_of(file)})
    return file


def compare_with_torch(
    file: Path, stored: StoredModel, damaged: Luma, mask: Mask
) -> OnnxDifference:
    """The difference between an ONNX file and `stored`, both in float32, on one photograph.

    Args:
        file: written by `export_onnx`.
        stored: the model it was written from.
        damaged: `(H, W)` uint8 gray; both networks run on it at this size, and restore it.
        mask: `(H, W)` bool, True where lost.

    >>> from tempfile import TemporaryDirectory
    >>> from rechroma.models.card import card_settings, read_card
    >>> from rechroma.models.weights import BUNDLED_FOLDER
    >>> model, restore = card_settings(read_card(BUNDLED_FOLDER), BUNDLED_FOLDER)
    >>> tiny = RestorationNetwork(model.model_copy(update={"encoder": "test_resnet"})).eval()
    >>> stored = StoredModel(tiny, restore)
    >>> with TemporaryDirectory() as folder:
    ...     export_onnx(stored, Path(folder) / "tiny.onnx")
    ...     luma, mask = np.full((40, 60), 90, np.uint8), np.zeros((40, 60), bool)
    ...     compare_with_torch(Path(folder) / "tiny.onnx", stored, luma, mask).tolerable
    True
    """
    backend, restore = load_onnx(file)
    reference = TorchBackend(stored.network, exact=True)
    color, hues = _largest_differences(backend(damaged, mask), reference(damaged, mask))
    ours, theirs = (
        Restorer(each, restore)(damaged, mask).astype(int) for each in (backend, reference)
    )
    difference = np.abs(ours - theirs)  # (H, W, 3)
    return OnnxDifference(color, hues, int(difference.max()), float((difference > 0).mean()))


def _check_sizes(file: Path, network: RestorationNetwork) -> None:
    """Raises UserError where the file fails on noise of some size, or differs from torch."""
    backend, _ = load_onnx(file)
    reference = TorchBackend(network, exact=True)
    generator = np.random.default_rng(0)
    for shape in CHECK_SIZES:
        luma = generator.integers(0, 256, shape).astype(np.uint8)
        mask = generator.random(shape) < 0.5
        size = f"at {shape[1]}x{shape[0]} px"
        try:
            output = backend(luma, mask)
        except Exception as error:  # the only common base class of onnxruntime's errors
            raise _not_exportable(network, f"{size} {' '.join(str(error).split())}") from error
        differences = _largest_differences(output, reference(luma, mask))
        if not all(each <= TOLERANCE for each in differences):  # also where one is not a number
            raise _not_exportable(
                network, f"{size} it would differ from torch by {max(differences):.2g}"
            )


def _largest_differences(one: NetworkOutput, other: NetworkOutput) -> tuple[float, float]:
    """The largest difference of color, and that of hues.

    They are absolute; that of colors beyond 1, as of a network that has learned little, is relative
    to the largest.
    """
    scale = max(1.0, float(np.abs(other.color).max()))
    color = float(np.abs(one.color - other.color).max()) / scale
    if one.hues is None or other.hues is None:
        return color, 0.0
    return color, float(np.abs(one.hues - other.hues).max())


def _not_exportable(network: RestorationNetwork, reason: str) -> UserError:
    settings = network.settings
    return UserError(
        f"model.encoder '{settings.encoder}' with decoder '{settings.decoder}' cannot be written "
        f"as ONNX for any size: {reason}"
    )
