"""What a network says of one photograph: by torch here, by onnxruntime in portable.py."""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from rechroma.settings import Model

if TYPE_CHECKING:
    from rechroma.models.restoration import RestorationNetwork
from rechroma.imaging.types import Luma, Mask, Planes


class NetworkOutput(NamedTuple):
    """What a network says of one photograph.

    Attributes:
        color: `(3, H, W)` float32, as `networks.Prediction.color`.
        hues: `(181, h, w)` float32 shares of the hues of each place, or None where the network does
            not predict them.
    """

    color: Planes
    hues: Planes | None


class Backend(Protocol):
    """A network that can be asked."""

    @property
    def model(self) -> Model:
        """What the network is shown and asked."""

    def __call__(self, luma: Luma, mask: Mask) -> NetworkOutput:
        """Look at `(H, W)` uint8 gray, its holes filled as `model.fill` says, and the bool mask."""


@dataclass(frozen=True)
class TorchBackend:
    """A network of torch, in evaluation mode, on any device.

    Attributes:
        network: the network.
        exact: compute in float32 even where the device gains by bfloat16.
    """

    network: "RestorationNetwork"
    exact: bool = False

    @property
    def model(self) -> Model:
        """The network's own settings."""
        return self.network.settings

    def __call__(self, luma: Luma, mask: Mask) -> NetworkOutput:
        """As `Inference`."""
        import torch

        from rechroma.models.precision import autocast

        device = next(self.network.parameters()).device
        planes = torch.from_numpy(luma)[None, None].to(device)
        hole = torch.from_numpy(mask)[None, None].to(device)
        precision = nullcontext() if self.exact else autocast(device.type)
        with torch.inference_mode(), precision:
            prediction = self.network(planes, hole)
        color: Planes = prediction.color[0].float().cpu().numpy()
        if prediction.hues is None:
            return NetworkOutput(color, None)
        return NetworkOutput(color, prediction.hues[0].float().softmax(dim=0).cpu().numpy())
