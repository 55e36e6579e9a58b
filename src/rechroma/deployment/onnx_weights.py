"""ONNX files that read their weights from the file of weights beside them.

A file of safetensors is a header and the tensors' bytes. ONNX may keep a tensor in another file, at
an offset. A model's folder so holds its weights once, for torch and for onnxruntime.
"""

import json
from pathlib import Path

from rechroma.models.card import ONNX_SUM, ONNX_WEIGHTS, WEIGHTS, read_card, write_card
from rechroma.models.store import sha256_of
from rechroma.outputs import whole_file

LENGTH = 8  # bytes at the start of a file of safetensors: the length of its header
SMALLEST = 64  # bytes; smaller tensors stay in the graph


def share_weights(file: Path) -> None:
    """Let an ONNX file read its weights from the safetensors file beside it.

    Tensors that the safetensors file does not hold stay inside. The card's sum is that of the new
    file.

    Args:
        file: of ONNX, in a model's folder.
    """
    import onnx
    from onnx import TensorProto

    offsets = _tensors(file.with_name(WEIGHTS))
    model = onnx.load(file)
    for tensor in model.graph.initializer:
        content = tensor.raw_data
        if len(content) < SMALLEST or content not in offsets:
            continue
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        place = {"location": WEIGHTS, "offset": offsets[content], "length": len(content)}
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))
    with whole_file(file) as part:
        part.write_bytes(model.SerializeToString(deterministic=True))
    entries = {ONNX_SUM: sha256_of(file), ONNX_WEIGHTS: WEIGHTS}
    write_card(file.parent, {**read_card(file.parent), **entries})


def _tensors(file: Path) -> dict[bytes, int]:
    """The content of each tensor of a file of safetensors, and where it starts in the file."""
    content = file.read_bytes()
    start = LENGTH + int.from_bytes(content[:LENGTH], "little")
    header = json.loads(content[LENGTH:start])
    header.pop("__metadata__", None)
    places = [[start + offset for offset in each["data_offsets"]] for each in header.values()]
    return {content[first:last]: first for first, last in places}
