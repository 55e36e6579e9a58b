"""A network that runs on one photograph: by torch here, by onnxruntime in deployment."""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from rechroma.imaging.chroma_bins import decode_bins
from rechroma.imaging.color import rgb_from_ycbcr, ycbcr_from_rgb
from rechroma.imaging.resize import upscale
from rechroma.imaging.types import Luma, Mask, Planes
from rechroma.settings import Choices, Model

if TYPE_CHECKING:
    from rechroma.models.restoration import RestorationNetwork


class NetworkOutput(NamedTuple):
    """The output of a network for one photograph.

    Attributes:
        color: `(3, H, W)` float32, as `Prediction.color` of the network: luma in [0, 1] with Cb,
            Cr in [-0.5, 0.5], or RGB in [0, 1].
        hues: `(181, h, w)` float32, the hue histogram of each cell as shares whose sum is 1, or
            None where the network predicts none.
        bins: `(265, h, w)` float32 logits of the bins of chroma, at 1/4 of H and W rounded up, or
            None where the network predicts none; `color` has their mean.
    """

    color: Planes
    hues: Planes | None
    bins: Planes | None = None


def luma_plane(output: NetworkOutput, kind: str) -> Planes:
    """`(H, W)` float32 luma in [0, 1] of an output of the `kind` that `model.output` names.

    >>> white = NetworkOutput(np.ones((3, 1, 1), np.float32), hues=None)
    >>> float(luma_plane(white, "rgb").item())
    1.0
    """
    luma: Planes = ycbcr_from_rgb(*output.color)[0] if kind == "rgb" else output.color[0]
    return luma


def chroma_planes(output: NetworkOutput, kind: str, choices: Choices | None = None) -> Planes:
    """`(2, H, W)` float32 Cb, Cr in [-0.5, 0.5] of an output of the `kind` in `model.output`.

    Args:
        output: of a network.
        kind: `luma_chroma`, `rgb` or `chroma_bins`.
        choices: how bins are decoded; without them it is by their mean.

    >>> white = NetworkOutput(np.ones((3, 1, 1), np.float32), hues=None)
    >>> chroma_planes(white, "rgb").shape
    (2, 1, 1)
    """
    if output.bins is not None and choices is not None:
        decoded = decode_bins(output.bins, choices.temperature, choices.vividness)  # (2, h, w)
        height, width = output.color.shape[1:]
        factor = -(-height // decoded.shape[1])  # one bin covers so many rows and columns
        sides = [factor * side for side in decoded.shape[1:]]
        return upscale(decoded, tuple(sides))[:, :height, :width]
    planes = np.stack(ycbcr_from_rgb(*output.color)) if kind == "rgb" else output.color
    return planes[1:]


def rgb_planes(output: NetworkOutput, kind: str) -> Planes:
    """`(3, H, W)` float32 RGB of an output of the `kind` in `model.output`.

    It may leave [0, 1] a little.

    >>> middle = NetworkOutput(np.array([0.5, 0, 0], np.float32)[:, None, None], hues=None)
    >>> rgb_planes(middle, "luma_chroma").ravel().round(3).tolist()
    [0.5, 0.5, 0.5]
    """
    return output.color if kind == "rgb" else np.stack(rgb_from_ycbcr(*output.color))


class Backend(Protocol):
    """Runs a network on one photograph at a time."""

    @property
    def engine(self) -> str:
        """What runs the network: 'torch' or 'onnx'."""

    @property
    def device(self) -> str:
        """Where it computes: 'cpu', 'cuda', …"""

    @property
    def model(self) -> Model:
        """The network's settings: its inputs and outputs."""

    def __call__(self, luma: Luma, mask: Mask) -> NetworkOutput:
        """Run the network.

        Args:
            luma: `(H, W)` uint8 gray, its holes filled by `model.fill`.
            mask: `(H, W)` bool, True where lost.
        """

    def with_threads(self, threads: int) -> "Backend":
        """The same network, computing on this number of the CPU's threads."""


@dataclass(frozen=True)
class TorchBackend:
    """A network of torch, in evaluation mode, on any device.

    Attributes:
        network: the network.
        exact: compute in float32 even where bfloat16 is faster.
        threads: of the CPU that torch uses from then on, in the whole process; None leaves them.

    >>> from rechroma.models.store import load_network
    >>> from rechroma.models.weights import BUNDLED_FOLDER
    >>> backend = TorchBackend(load_network(BUNDLED_FOLDER).network)
    >>> output = backend(np.full((48, 64), 128, np.uint8), np.zeros((48, 64), bool))
    >>> output.color.shape, output.hues.shape  # hues of cells of 32x32 px
    ((3, 48, 64), (181, 2, 2))
    """

    network: "RestorationNetwork"
    exact: bool = False
    threads: int | None = None

    @property
    def engine(self) -> str:
        """As `Backend`."""
        return "torch"

    @property
    def device(self) -> str:
        """Where the network is: 'cpu', 'cuda' or 'mps'."""
        return next(self.network.parameters()).device.type

    @property
    def model(self) -> Model:
        """The network's own settings."""
        return self.network.settings

    def __call__(self, luma: Luma, mask: Mask) -> NetworkOutput:
        """As `Backend`."""
        import torch

        from rechroma.models.precision import autocast

        if self.threads is not None:
            torch.set_num_threads(self.threads)  # torch has no number of threads for one network
        device = next(self.network.parameters()).device
        planes = torch.from_numpy(luma)[None, None].to(device)  # (1, 1, H, W)
        hole = torch.from_numpy(mask)[None, None].to(device)  # (1, 1, H, W)
        precision = nullcontext() if self.exact else autocast(device.type)
        with torch.inference_mode(), precision:
            prediction = self.network(planes, hole)
        color: Planes = prediction.color[0].float().cpu().numpy()  # (3, H, W)
        hues, bins = (
            None if logits is None else logits[0].float()
            for logits in (prediction.hues, prediction.bins)
        )
        return NetworkOutput(
            color,
            None if hues is None else hues.softmax(dim=0).cpu().numpy(),
            None if bins is None else bins.cpu().numpy(),
        )

    def with_threads(self, threads: int) -> "TorchBackend":
        """As `Backend`; torch keeps this number for the whole process."""
        return replace(self, threads=threads)
