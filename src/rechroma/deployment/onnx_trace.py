"""A network of torch as a graph of ONNX."""

import copy
import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch
from timm.layers import Conv2dSame
from timm.layers.padding import get_same_padding
from torch import Tensor, nn

from rechroma.models.restoration import RestorationNetwork
from rechroma.settings import STRIDE

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

OPSET = 18
TRACE_SIZE = (75, 101)  # px of the traced input; no multiples of the encoder's stride


def trace_network(network: RestorationNetwork) -> "ModelProto":
    """The network as a graph of ONNX, for inputs of any size.

    By torch's older exporter, which is deprecated: the newer one takes minutes for inputs of any
    size, and does not end for some encoders.

    Args:
        network: of `with_constant_padding`, with the same graph for all sizes.

    >>> from rechroma.models.card import card_settings, read_card
    >>> from rechroma.models.weights import BUNDLED_FOLDER
    >>> model, _ = card_settings(read_card(BUNDLED_FOLDER), BUNDLED_FOLDER)
    >>> tiny = RestorationNetwork(model.model_copy(update={"encoder": "test_resnet"}))
    >>> [output.name for output in trace_network(with_constant_padding(tiny)).graph.output]
    ['color', 'hues']
    """
    import onnx

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
            # In evaluation mode, its layers unchanged: the weights in the file are those of the
            # network, and not products of them. onnxruntime joins layers when it loads the file.
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
        )
    return onnx.load_model_from_string(written.getvalue())


def store_as_half(graph: "GraphProto") -> None:
    """Store weights that half precision holds exactly as float16, cast to float32 in the graph.

    The network computes the same; onnxruntime casts once, when it loads the graph.

    Args:
        graph: is changed in place.

    >>> from onnx import helper, numpy_helper
    >>> weights = numpy_helper.from_array(np.array([0.5, 2], np.float32), "weights")
    >>> graph = helper.make_graph([], "graph", [], [], [weights])
    >>> store_as_half(graph)
    >>> graph.initializer[0].name, graph.node[0].op_type
    ('weights.half', 'Cast')
    """
    from onnx import TensorProto, helper, numpy_helper

    stored, casts = [], []
    for weights in graph.initializer:
        values = numpy_helper.to_array(weights)
        if values.dtype == np.float32 and values.size > 1:
            with np.errstate(over="ignore"):
                half = values.astype(np.float16)
            if (half.astype(np.float32) == values).all():
                name = f"{weights.name}.half"
                casts.append(helper.make_node("Cast", [name], [weights.name], to=TensorProto.FLOAT))
                weights = numpy_helper.from_array(half, name)
        stored.append(weights)
    nodes = [*casts, *graph.node]  # a node stands behind those that it takes its input from
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(stored)
    graph.node.extend(nodes)


def with_constant_padding(network: RestorationNetwork) -> RestorationNetwork:
    """A copy in float32 on the CPU, each `Conv2dSame` replaced by `constant_padding` of it.

    >>> from rechroma.models.card import card_settings, read_card
    >>> from rechroma.models.weights import BUNDLED_FOLDER
    >>> model, _ = card_settings(read_card(BUNDLED_FOLDER), BUNDLED_FOLDER)
    >>> network = with_constant_padding(RestorationNetwork(model))
    >>> any(isinstance(layer, Conv2dSame) for layer in network.modules())
    False
    """
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
