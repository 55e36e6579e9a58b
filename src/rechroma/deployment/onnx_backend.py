"""Networks in ONNX files, run by onnxruntime; torch is neither needed nor imported.

The inputs of a file are `luma`, `(N, 1, H, W)` uint8, and `mask`, `(N, 1, H, W)` bool, of any
height and width: padding to the encoder's stride is part of the graph. Its outputs are `color`,
`(N, 3, H, W)` float32, and where the network predicts them `hues`, `(N, 181, h, w)` float32 shares,
and `bins`, `(N, 265, h, w)` float32 logits: the same as `NetworkOutput` for one photograph.
`onnx_export` writes such files.
"""

import logging
import os
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rechroma.errors import UserError
from rechroma.imaging.types import Luma, Mask
from rechroma.inference.backend import NetworkOutput
from rechroma.models.card import METADATA, card_settings, parse_card
from rechroma.progress import processors
from rechroma.settings import Model, Restore

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

# What onnxruntime calls the devices; each comes with a package of its own (docs/guides/restore.md).
PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
}
FATAL = 4  # highest of onnxruntime's log levels; errors are raised as exceptions anyway

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class OnnxBackend:
    """A network in an ONNX file.

    Attributes:
        session: of onnxruntime.
        model: the network's settings.
        file: that it was read from; None for a session that was made elsewhere.
        device: where it computes: 'cpu', 'cuda', 'coreml' or 'directml'.

    >>> import numpy as np
    >>> class GraySession:  # in place of onnxruntime's: paints no color
    ...     def get_inputs(self):
    ...         return []
    ...
    ...     def get_outputs(self):
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
    file: Path | None = None
    device: str = "cpu"

    @property
    def engine(self) -> str:
        """As `Backend`."""
        return "onnx"

    def __call__(self, luma: Luma, mask: Mask) -> NetworkOutput:
        """As `Backend`."""
        planes = {"luma": luma[None, None], "mask": mask[None, None]}  # (1, 1, H, W) each
        # A network without the mask as its input has no such input in the graph.
        inputs = {each.name: planes[each.name] for each in self.session.get_inputs()}
        color, *others = (planes[0] for planes in self.session.run(None, inputs))
        names = [each.name for each in self.session.get_outputs()[1:]]
        by_name = dict(zip(names, others, strict=True))
        shares = by_name.get("hues")  # (181, h, w)
        # Older files have one histogram, (181,), for the whole photograph: a single cell.
        if shares is not None and shares.ndim == 1:
            shares = shares[:, None, None]
        return NetworkOutput(color, shares, by_name.get("bins"))

    def with_threads(self, threads: int) -> "OnnxBackend":
        """As `Backend`: a session of its own, which reads the file again."""
        if self.file is None:
            return self
        return replace(self, session=open_session(self.file, self.device, threads))


def load_onnx(path: Path, device: str = "cpu") -> tuple[OnnxBackend, Restore]:
    """The network in an ONNX file, and how photographs are restored with it.

    Args:
        path: a file that `export_onnx` wrote; `load_model` takes it too.
        device: 'cpu', 'cuda' (or 'cuda:1', …), 'coreml' or 'directml'. Where onnxruntime cannot
            compute there, it is the CPU, with a warning in the log; `OnnxBackend.device` tells.

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
    session = open_session(path, device, processors())
    card = parse_card(session.get_modelmeta().custom_metadata_map.get(METADATA))
    if card is None:
        raise UserError(
            f"{path} is an ONNX file without a model card, expected one that `rechroma export` "
            "wrote"
        )
    model, restore = card_settings(card, path)
    if PROVIDERS[device.partition(":")[0]] not in session.get_providers():
        logger.warning("onnxruntime cannot compute on '%s' here, the CPU is used instead", device)
        device = "cpu"
    return OnnxBackend(session, model, path, device), restore


def has_provider(device: str) -> bool:
    """Whether the installed onnxruntime is one for this device: a key of `PROVIDERS`.

    >>> has_provider("cpu")
    True
    """
    return PROVIDERS[device] in _onnxruntime().get_available_providers()


def open_session(path: Path, device: str = "cpu", threads: int | None = None) -> "InferenceSession":
    """A session on the device, or on the CPU where this onnxruntime has none for the device.

    Args:
        path: of an ONNX file.
        device: as for `load_onnx`.
        threads: to compute with; None: all processors of this process.

    Raises:
        UserError: it is no ONNX file, or onnxruntime is not installed.

    >>> try:
    ...     open_session(Path("model.onnx"))
    ... except UserError as error:
    ...     print(str(error).partition(":")[0])
    model.onnx is no ONNX file that onnxruntime can run
    """
    try:
        onnxruntime = _onnxruntime()
    except ImportError:
        raise UserError(
            f"{path} needs onnxruntime, which is not installed: pip install onnxruntime"
        ) from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = FATAL
    options.intra_op_num_threads = threads or processors()
    kind, _, number = device.partition(":")
    providers: list[Any] = [PROVIDERS["cpu"]]
    if kind != "cpu" and has_provider(kind):
        providers.insert(0, (PROVIDERS[kind], {"device_id": number}) if number else PROVIDERS[kind])
    if kind == "directml":
        options.enable_mem_pattern = False  # which DirectML does not have
    try:
        return onnxruntime.InferenceSession(path, options, providers=providers)
    except Exception as error:  # the only common base class of onnxruntime's errors
        if len(providers) > 1:  # the device lacks an operator, or a library
            logger.info("%s on '%s': %s", path, device, error)
            return open_session(path, "cpu", threads)
        reason = " ".join(str(error).split())
        raise UserError(f"{path} is no ONNX file that onnxruntime can run: {reason}") from error


def _onnxruntime() -> Any:
    """The module, its telemetry off: it would write an id of the device into the home folder."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    return import_module("onnxruntime")
