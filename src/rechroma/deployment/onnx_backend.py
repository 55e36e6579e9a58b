"""Networks as ONNX files, asked by onnxruntime: no torch is needed, nor imported.

A file's inputs are `luma`, `(N, 1, H, W)` uint8, and `mask`, `(N, 1, H, W)` bool, of any height and
width: the padding to what the encoder takes is part of the graph. Its outputs are `color`,
`(N, 3, H, W)` float32, and, where the network predicts them, `hues`, `(N, 181, h, w)` float32
shares by places: what `inference.Said` has of one photograph. exporting.py writes such files.
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
FATAL = 4  # the least of onnxruntime's log levels; what goes wrong comes as an exception too


@dataclass(frozen=True)
class OnnxBackend:
    """A network in an ONNX file, on the CPU.

    Attributes:
        session: of onnxruntime.
        model: what the network is shown and asked.
    """

    session: "InferenceSession"
    model: Model

    def __call__(self, luma: Luma, mask: Mask) -> NetworkOutput:
        """As `Inference`."""
        planes = {"luma": luma[None, None], "mask": mask[None, None]}
        taken = {each.name: planes[each.name] for each in self.session.get_inputs()}
        color, *hues = self.session.run(None, taken)
        if not hues:
            return NetworkOutput(color[0], None)
        places = hues[0][0]  # files of before hues had places have one histogram, `(181,)`
        return NetworkOutput(color[0], places if places.ndim == 3 else places[:, None, None])


def load_onnx(path: Path) -> tuple[OnnxBackend, Restore]:
    """The network in the ONNX file at `path`, and how it is used.

    Raises:
        UserError: there is no such file, it is no ONNX file or one of something else, or
            onnxruntime is not installed.
    """
    if not path.is_file():
        raise UserError(f"{path} is missing, expected an ONNX file that `rechroma export` wrote")
    session = _open(path)
    words = session.get_modelmeta().custom_metadata_map.get(METADATA)
    card = parse_card(words)
    if card is None:
        raise UserError(
            f"{path} is an ONNX file of something else, expected one that `rechroma export` wrote"
        )
    model, restore = card_settings(card, path)
    return OnnxBackend(session, model), restore


def _open(path: Path) -> "InferenceSession":
    try:
        import onnxruntime
    except ImportError:
        raise UserError(f"{path} needs onnxruntime, which is missing; {INSTALL}") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = FATAL
    options.intra_op_num_threads = _threads()
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own have no base class but this
        reason = " ".join(str(error).split())
        raise UserError(f"{path} is no ONNX file that onnxruntime can run: {reason}") from None


def _threads() -> int:
    """The processors that this process may use; not every system says."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
