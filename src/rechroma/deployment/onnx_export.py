"""Networks of torch exported as ONNX files, and compared with them."""

import copy
import io
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from timm.layers import Conv2dSame
from timm.layers.padding import get_same_padding
from torch import Tensor, nn

from rechroma.deployment.onnx_backend import INSTALL, load_onnx
from rechroma.errors import UserError
from rechroma.imaging.types import Luma, Mask
from rechroma.inference.backend import NetworkOutput, TorchBackend
from rechroma.inference.restorer import Restorer
from rechroma.models.card import METADATA, describe_model
from rechroma.models.restoration import RestorationNetwork
from rechroma.models.store import StoredModel
from rechroma.outputs import whole_file
from rechroma.settings import STRIDE

OPSET = 18
TRACE_SIZE = (75, 101)  # px of the traced input; no multiples of the encoder's stride
CHECK_SIZES = ((1, 1), (33, 47), (64, 96), (130, 71))  # px at which the file is compared with torch
TOLERANCE = 1e-3  # of color in [0, 1] and of shares; float32 sums in another order differ by less


class OnnxDifference(NamedTuple):
    """The difference between an ONNX file and its network of torch on one photograph.

    Attributes:
        color: largest absolute difference of `NetworkOutput.color`.
        hues: likewise of `NetworkOutput.hues`; 0 where the network predicts none.
        levels: likewise of the restored photographs, of 0…255.
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

    The same model gives the same bytes. Before the file appears, it is compared with torch on noise
    of several sizes.

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
    try:
        import onnx
    except ImportError:
        raise UserError(f"{file} needs onnx to be written, which is missing; {INSTALL}") from None
    # A copy whose graph is the same for all sizes, traced by torch's exporter.
    network = _with_constant_padding(stored.network)
    try:
        graph = onnx.load_model_from_string(_trace(network))
    except Exception as error:  # the exporter has no base class for its errors
        raise _not_exportable(network, " ".join(str(error).split())) from error
    # The card goes into the file's metadata.
    card = {**(extra or {}), **describe_model(network.settings, stored.restore)}
    graph.metadata_props.add(key=METADATA, value=json.dumps(card, ensure_ascii=False))
    # It is compared with torch while its name is still a temporary one.
    with whole_file(file) as part:
        part.write_bytes(graph.SerializeToString(deterministic=True))
        _check_sizes(part, network)


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


class _RestoringOutputs(nn.Module):
    """A network with the outputs that restoring needs: color, and hues as shares."""

    def __init__(self, network: RestorationNetwork):
        super().__init__()
        self.network = network

    def forward(self, luma: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        prediction = self.network(luma, mask)
        if prediction.hues is None:
            return (prediction.color,)
        return prediction.color, prediction.hues.softmax(dim=1)


def _trace(network: RestorationNetwork) -> bytes:
    """The network as ONNX.

    By torch's older exporter, which is deprecated: the newer one takes minutes for inputs of any
    size, and does not end for some encoders.
    """
    sides, cells = {0: "N", 2: "H", 3: "W"}, {0: "N", 2: "h", 3: "w"}
    luma = torch.zeros(2, 1, *TRACE_SIZE, dtype=torch.uint8)
    mask = torch.zeros(2, 1, *TRACE_SIZE, dtype=torch.bool)
    names = ["color", "hues"] if network.settings.hues else ["color"]
    written = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of deprecation, and of branches that a trace may miss
        torch.onnx.export(
            _RestoringOutputs(network).eval(),
            (luma, mask),
            written,  # type: ignore[arg-type]  # a stream is accepted too
            dynamo=False,
            opset_version=OPSET,
            input_names=["luma", "mask"],
            output_names=names,
            dynamic_axes={"luma": sides, "mask": sides, "color": sides, "hues": cells},
        )
    return written.getvalue()


def _with_constant_padding(network: RestorationNetwork) -> RestorationNetwork:
    """A copy in float32 on the CPU, each `Conv2dSame` replaced by `constant_padding` of it."""
    copied = copy.deepcopy(network).float().cpu().eval()
    for name, layer in list(copied.named_modules()):
        if isinstance(layer, Conv2dSame):
            copied.set_submodule(name, constant_padding(layer))
    return copied


def constant_padding(layer: nn.Conv2d) -> nn.Module:
    """A layer equal to timm's `Conv2dSame` on planes whose sides are multiples of its stride.

    TensorFlow's "same" padding depends on the planes' size, which a trace takes as a constant. In a
    network whose input is padded to multiples of 32 px it is constant.

    Args:
        layer: of timm.

    >>> same = Conv2dSame(1, 1, kernel_size=3, stride=2)
    >>> planes = torch.rand(1, 1, 64, 96)
    >>> torch.equal(constant_padding(same)(planes), same(planes))
    True
    """
    steps = zip(layer.kernel_size, layer.stride, layer.dilation, strict=True)
    rows, columns = (get_same_padding(STRIDE, *step) for step in steps)
    plain = nn.Conv2d(
        layer.in_channels,
        layer.out_channels,
        layer.kernel_size,  # type: ignore[arg-type]
        layer.stride,  # type: ignore[arg-type]
        dilation=layer.dilation,  # type: ignore[arg-type]
        groups=layer.groups,
        bias=layer.bias is not None,
    )
    plain.load_state_dict(layer.state_dict())
    around = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
    return nn.Sequential(nn.ZeroPad2d(around), plain)


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
    """The largest absolute difference of color, and that of hues."""
    color = float(np.abs(one.color - other.color).max())
    if one.hues is None or other.hues is None:
        return color, 0.0
    return color, float(np.abs(one.hues - other.hues).max())


def _not_exportable(network: RestorationNetwork, reason: str) -> UserError:
    settings = network.settings
    return UserError(
        f"model.encoder '{settings.encoder}' with decoder '{settings.decoder}' cannot be written "
        f"as ONNX for any size: {reason}"
    )
