"""Networks in ONNX files, run by onnxruntime; torch is neither needed nor imported.

The inputs of a file are `luma`, `(N, 1, H, W)` uint8, and `mask`, `(N, 1, H, W)` bool, of any
height and width: padding to the encoder's stride is part of the graph. Its outputs are `color`,
`(N, 3, H, W)` float32, and `hues`, `(N, 181, h, w)` float32 shares, where the network predicts
them: the same as `NetworkOutput` for one photograph. `onnx_export` writes such files.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.errors import UserError
from rechroma.imaging.types import Luma, Mask
from rechroma.inference.backend import NetworkOutput
from rechroma.models.card import METADATA, card_settings, parse_card
from rechroma.settings import Model, Restore

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

INSTALL = "install it: pip install 'rechroma[onnx]'"
FATAL = 4  # highest of onnxruntime's log levels; errors are raised as exceptions anyway


@dataclass(frozen=True)
class OnnxBackend:
    """A network in an ONNX file, on the CPU.

    Attributes:
        session: of onnxruntime.
        model: the network's settings.

    >>> import numpy as np
    >>> class GraySession:  # in place of onnxruntime's: paints no color
    ...     def get_inputs(self):
    ...         return []
    ...
    ...     def run(self, names, inputs):
    ...         return [np.zeros((1, 3, 8, 8), np.float32)]
    >>> backend = OnnxBackend(GraySession(), model=None)
    >>> backend(np.zeros((8, 8), np.uint8), np.zeros((8, 8), bool)).color.shape
    (3, 8, 8)
    """

    session: "InferenceSession"
    model: Model

    def __call__(self, luma: Luma, mask: Mask) -> NetworkOutput:
        """As `Backend`."""
        planes = {"luma": luma[None, None], "mask": mask[None, None]}  # (1, 1, H, W) each
        # A network without the mask as its input has no such input in the graph.
        inputs = {each.name: planes[each.name] for each in self.session.get_inputs()}
        color, *hues = self.session.run(None, inputs)
        if not hues:
            return NetworkOutput(color[0], None)
        # Older files have one histogram, (181,), for the whole photograph: a single cell.
        shares = hues[0][0]  # (181, h, w)
        return NetworkOutput(color[0], shares if shares.ndim == 3 else shares[:, None, None])


def load_onnx(path: Path) -> tuple[OnnxBackend, Restore]:
    """The network in an ONNX file, and how photographs are restored with it.

    Args:
        path: a file that `export_onnx` wrote; `load_model` takes it too.

    Raises:
        UserError: there is no such file, it is no ONNX file or not of rechroma, or onnxruntime is
            not installed.

    >>> try:
    ...     load_onnx(Path("model.onnx"))
    ... except UserError as error:
    ...     print(error)
    model.onnx is missing, expected an ONNX file that `rechroma export` wrote
    """
    if not path.is_file():
        raise UserError(f"{path} is missing, expected an ONNX file that `rechroma export` wrote")
    session = _open(path)
    card = parse_card(session.get_modelmeta().custom_metadata_map.get(METADATA))
    if card is None:
        raise UserError(
            f"{path} is an ONNX file without a model card, expected one that `rechroma export` "
            "wrote"
        )
    model, restore = card_settings(card, path)
    return OnnxBackend(session, model), restore


def _open(path: Path) -> "InferenceSession":
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it writes an id of the device otherwise
    try:
        import onnxruntime
    except ImportError:
        raise UserError(f"{path} needs onnxruntime, which is missing; {INSTALL}") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = FATAL
    options.intra_op_num_threads = _threads()
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the only common base class of onnxruntime's errors
        reason = " ".join(str(error).split())
        raise UserError(f"{path} is no ONNX file that onnxruntime can run: {reason}") from error


def _threads() -> int:
    """The number of processors that this process may use; all of them where it is unknown."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
