import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from timm.layers import Conv2dSame

from rechroma.deployment.onnx_backend import load_onnx
from rechroma.deployment.onnx_export import export_onnx
from rechroma.deployment.onnx_trace import constant_padding, store_as_half
from rechroma.models.store import load_network, save_model


@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 2, 1), (5, 2, 1), (4, 1, 1)])
def test_same_padding_is_constant_inside_the_network(kernel, stride, dilation):
    torch.manual_seed(0)
    same = Conv2dSame(2, 2, kernel, stride, dilation=dilation)
    constant = constant_padding(same)
    planes = torch.rand(1, 2, 64, 96)
    assert torch.equal(constant(planes), same(planes))


def initializers(file):
    return {each.name: numpy_helper.to_array(each) for each in onnx.load(file).graph.initializer}


def test_the_weights_in_a_file_are_those_of_the_network(exported):
    stored, file = exported
    weights = [tensor.numpy() for tensor in stored.network.state_dict().values()]
    known = {(each.shape, each.tobytes()) for each in weights}
    of_layers = [each for each in initializers(file).values() if each.ndim == 4]
    assert len(of_layers) > 10
    assert all((each.shape, each.tobytes()) in known for each in of_layers)
    # Of batch normalization, whose products with other weights half precision would not hold.
    assert any(node.op_type == "BatchNormalization" for node in onnx.load(file).graph.node)


def test_weights_in_half_precision_take_half_the_space_and_compute_the_same(exported, tmp_path):
    stored, file = exported
    save_model(stored.network, stored.restore, tmp_path, half=True)
    export_onnx(load_network(tmp_path), tmp_path / "half.onnx")
    large = [each for each in initializers(tmp_path / "half.onnx").values() if each.size > 1000]
    assert {each.dtype for each in large} == {np.dtype(np.float16)}
    assert (tmp_path / "half.onnx").stat().st_size < 0.6 * file.stat().st_size


def test_only_weights_that_half_precision_holds_exactly_become_half():
    values = {
        "exact": [0.5, -2.0, 0.0],
        "inexact": [0.5, 0.1, 0.0],
        "large": [1.0, 1e6, 0.0],
        "nan": [1.0, np.nan, 0.0],
    }
    weights = [
        numpy_helper.from_array(np.array(row, np.float32), name) for name, row in values.items()
    ]
    counts = numpy_helper.from_array(np.array([1, 2]), "counts")
    node = helper.make_node("Identity", ["exact"], ["y"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [3])
    graph = helper.make_graph([node], "graph", [], [y], [*weights, counts])
    store_as_half(graph)
    assert [each.name for each in graph.initializer] == [
        "exact.half",
        "inexact",
        "large",
        "nan",
        "counts",
    ]
    assert [(each.op_type, each.output[0]) for each in graph.node] == [
        ("Cast", "exact"),
        ("Identity", "y"),
    ]
    onnx.checker.check_model(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), full_check=True
    )


def test_a_file_in_half_precision_gives_bit_for_bit_what_the_same_values_in_single_give(
    exported, noise, tmp_path, monkeypatch
):
    stored, _ = exported
    save_model(stored.network, stored.restore, tmp_path, half=True)
    rounded = load_network(tmp_path)
    export_onnx(rounded, tmp_path / "half.onnx")
    monkeypatch.setattr("rechroma.deployment.onnx_export.store_as_half", lambda _: None)
    export_onnx(rounded, tmp_path / "single.onnx")
    half, single = (load_onnx(tmp_path / f"{name}.onnx")[0] for name in ("half", "single"))
    for one, other in zip(half(*noise((70, 45))), single(*noise((70, 45))), strict=True):
        np.testing.assert_array_equal(one, other)
