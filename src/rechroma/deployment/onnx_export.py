"""Networks of torch written as ONNX files, and compared with them."""

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
TRACED = (75, 101)  # px; any size that is no multiple of the encoder's stride
TRIED = ((1, 1), (33, 47), (64, 96), (130, 71))  # px; what a trace may have got wrong shows there
TOLERANCE = 1e-3  # of color in [0, 1] and of shares: float32 sums in another order stay below


class OnnxDifference(NamedTuple):
    """How far an ONNX file is from its network of torch on one photograph, or at most on several.

    Attributes:
        color: largest absolute difference of `inference.Said.color`.
        hues: likewise of the shares; 0 where the network does not predict them.
        levels: likewise of the restored photographs, of 0…255.
        moved: share of the restored photograph's values that differ at all.
    """

    color: float
    hues: float
    levels: int
    moved: float

    @property
    def tolerable(self) -> bool:
        """Whether what the networks say is within `TOLERANCE`."""
        return self.color <= TOLERANCE and self.hues <= TOLERANCE


def export_onnx(stored: StoredModel, file: Path, told: Mapping[str, Any] | None = None) -> None:
    """Write a model as one ONNX file that `portable.load` reads; it appears whole or not at all.

    The same model gives the same bytes. The settings go into the file's metadata, and what is
    `told` beside them. Before the file appears, it is compared with torch on noise of many sizes.

    Raises:
        UserError: the network cannot be written as ONNX, or what that needs is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise UserError(f"{file} needs onnx to be written, which is missing; {INSTALL}") from None
    network = _of_constant_padding(stored.network)
    try:
        graph = onnx.load_model_from_string(_trace(network))
    except Exception as error:  # torch's exporter raises nearly anything
        raise _unfit(network, " ".join(str(error).split())) from None
    card = {**(told or {}), **describe_model(network.settings, stored.restore)}
    graph.metadata_props.add(key=METADATA, value=json.dumps(card, ensure_ascii=False))
    with whole_file(file) as part:
        part.write_bytes(graph.SerializeToString(deterministic=True))
        _try(part, network)


def compare_with_torch(
    file: Path, stored: StoredModel, damaged: Luma, mask: Mask
) -> OnnxDifference:
    """How far the ONNX file is from `stored`, both in float32, on a photograph in gray.

    Args:
        file: what `export` wrote.
        stored: the model it was written from.
        damaged: `(H, W)` uint8; both networks see it at this size, and restore it.
        mask: `(H, W)` bool, True where lost.
    """
    inference, restore = load_onnx(file)
    reference = TorchBackend(stored.network, exact=True)
    color, hues = _differences(inference(damaged, mask), reference(damaged, mask))
    ours, theirs = (
        Restorer(each, restore)(damaged, mask).astype(int) for each in (inference, reference)
    )
    apart = np.abs(ours - theirs)
    return OnnxDifference(color, hues, int(apart.max()), float((apart > 0).mean()))


class _RestoringOutputs(nn.Module):
    """A network reduced to what restoring asks of it, as the outputs of a graph."""

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

    By torch's older exporter, which is deprecated: the newer one takes minutes for sizes that are
    not known, and does not come to an end for some encoders.
    """
    sides, places = {0: "N", 2: "H", 3: "W"}, {0: "N", 2: "h", 3: "w"}
    luma = torch.zeros(2, 1, *TRACED, dtype=torch.uint8)
    mask = torch.zeros(2, 1, *TRACED, dtype=torch.bool)
    names = ["color", "hues"] if network.settings.hues else ["color"]
    written = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is deprecated, and on what a trace may miss
        torch.onnx.export(
            _RestoringOutputs(network).eval(),
            (luma, mask),
            written,  # type: ignore[arg-type]  # which it takes too
            dynamo=False,
            opset_version=OPSET,
            input_names=["luma", "mask"],
            output_names=names,
            dynamic_axes={"luma": sides, "mask": sides, "color": sides, "hues": places},
        )
    return written.getvalue()


def _of_constant_padding(network: RestorationNetwork) -> RestorationNetwork:
    """A copy in float32 on the CPU, its TensorFlow-like convolutions by `constant_padding`."""
    copied = copy.deepcopy(network).float().cpu().eval()
    for name, layer in list(copied.named_modules()):
        if isinstance(layer, Conv2dSame):
            copied.set_submodule(name, constant_padding(layer))
    return copied


def constant_padding(layer: nn.Conv2d) -> nn.Module:
    """The same as timm's `Conv2dSame`, for planes whose sides are multiples of the stride.

    TensorFlow's "same" padding depends on the planes' size, which a trace gets wrong. But inside a
    network that is shown multiples of 32 px it is the same everywhere.
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


def _try(file: Path, network: RestorationNetwork) -> None:
    """Raises UserError where the written network says something else than torch on noise."""
    inference, _ = load_onnx(file)
    reference = TorchBackend(network, exact=True)
    generator = np.random.default_rng(0)
    for shape in TRIED:
        luma = generator.integers(0, 256, shape).astype(np.uint8)
        mask = generator.random(shape) < 0.5
        size = f"at {shape[1]}x{shape[0]} px"
        try:
            said = inference(luma, mask)
        except Exception as error:  # onnxruntime's own have no base class but this
            raise _unfit(network, f"{size} {' '.join(str(error).split())}") from None
        apart = _differences(said, reference(luma, mask))
        if not all(each <= TOLERANCE for each in apart):
            raise _unfit(network, f"{size} it would differ from torch by {max(apart):.2g}")


def _differences(one: NetworkOutput, other: NetworkOutput) -> tuple[float, float]:
    """The largest differences of color and of hues."""
    color = float(np.abs(one.color - other.color).max())
    if one.hues is None or other.hues is None:
        return color, 0.0
    return color, float(np.abs(one.hues - other.hues).max())


def _unfit(network: RestorationNetwork, reason: str) -> UserError:
    settings = network.settings
    return UserError(
        f"model.encoder '{settings.encoder}' with decoder '{settings.decoder}' cannot be written "
        f"as ONNX for any size: {reason}"
    )
