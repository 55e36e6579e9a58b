"""A trained model applied to a photograph of any size; the known gray stays exactly as it is."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.errors import UserError
from rechroma.filling import FILLS
from rechroma.settings import Model, Restore

if TYPE_CHECKING:
    from rechroma.networks import RestorationNetwork

Luma = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Photo = NDArray[np.uint8]
Planes = NDArray[np.float32]

# px of what the network sees; hues turned finer than this leave colored fringes. Of 4, 8, 16 and 32
# the best score on the validation photographs (docs/score.md).
HUE_CELL = 8
WEIGHTS, CARD = "weights.safetensors", "model.json"


@dataclass(frozen=True)
class Restorer:
    """A network, and how it is used.

    Attributes:
        network: in evaluation mode, on any device.
        settings: the size at which it looks at photographs, and what becomes of its hues.
    """

    network: "RestorationNetwork"
    settings: Restore

    def __call__(self, damaged: Luma, mask: Mask) -> Photo:
        """Restore one photograph.

        Args:
            damaged: `(H, W)` uint8 gray.
            mask: `(H, W)` bool, True where lost.

        Returns:
            `(H, W, 3)` uint8 RGB. With `model.keep_gray` its gray (Pillow's) is `damaged` wherever
            the mask is False.
        """
        from rechroma.colors import join
        from rechroma.hues import impose

        model, size = self.network.settings, self.settings.size
        filled = FILLS[model.fill](damaged, mask)
        seen, seen_mask = _reduce(filled, size), _reduce_mask(mask, size)
        color, hues = self._predict(seen, seen_mask)
        if not model.keep_gray:
            return _to_levels(_enlarge(_rgb(color, model.output), damaged.shape).transpose(1, 2, 0))
        luma, chroma = _luma_chroma(color, model.output)
        if hues is not None and self.settings.hues:
            chroma = impose(_coarse(chroma), hues)
        chroma = _enlarge(chroma, damaged.shape)
        if mask.any():
            change = _enlarge((luma - np.float32(1 / 255) * seen)[None], damaged.shape)[0]
            restored = _to_levels(np.float32(1 / 255) * filled + change)
            filled = np.where(mask, restored, damaged)
        return join(filled, chroma)

    def _predict(self, luma: Luma, mask: Mask) -> tuple[Planes, NDArray[np.float32] | None]:
        """`(3, h, w)` float32, as `Prediction.color`, and `(181,)` shares of hues or None."""
        import torch

        from rechroma.devices import autocast

        device = next(self.network.parameters()).device
        planes = torch.from_numpy(luma)[None, None].to(device)
        hole = torch.from_numpy(mask)[None, None].to(device)
        with torch.inference_mode(), autocast(device.type):
            prediction = self.network(planes, hole)
        color: Planes = prediction.color[0].float().cpu().numpy()
        if prediction.hues is None:
            return color, None
        return color, prediction.hues[0].float().softmax(dim=0).cpu().numpy()


def _scale(shape: tuple[int, ...], size: int) -> tuple[int, int]:
    factor = min(1.0, size / max(shape))
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def _reduce(luma: Luma, size: int) -> Luma:
    height, width = _scale(luma.shape, size)
    if (height, width) == luma.shape:
        return luma
    reduced: Luma = cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA)
    return reduced.reshape(height, width)


def _coarse(planes: Planes) -> Planes:
    height, width = (max(1, round(side / HUE_CELL)) for side in planes.shape[1:])
    return _resize(planes, (height, width), cv2.INTER_AREA)


def _reduce_mask(mask: Mask, size: int) -> Mask:
    """Lost wherever any pixel under it is lost."""
    return _reduce(np.where(mask, np.uint8(255), np.uint8(0)), size) > 0


def _enlarge(planes: Planes, shape: tuple[int, ...]) -> Planes:
    """`(C, h, w)` to `(C, H, W)`, bicubic."""
    return planes if planes.shape[1:] == shape else _resize(planes, shape, cv2.INTER_CUBIC)


def _resize(planes: Planes, shape: tuple[int, ...], interpolation: int) -> Planes:
    size = shape[::-1]
    return np.stack([cv2.resize(plane, size, interpolation=interpolation) for plane in planes])


def _to_levels(values: Planes) -> NDArray[np.uint8]:
    return np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)


def _rgb(color: Planes, output: str) -> Planes:
    from rechroma.colors import rgb_from_ycbcr

    return color if output == "rgb" else np.stack(rgb_from_ycbcr(*color))


def _luma_chroma(color: Planes, output: str) -> tuple[Planes, Planes]:
    from rechroma.colors import ycbcr_from_rgb

    planes = color if output == "luma_chroma" else np.stack(ycbcr_from_rgb(*color))
    return planes[0], planes[1:]


def save(
    network: "RestorationNetwork",
    restore: Restore,
    folder: Path,
    half: bool = False,
    told: Mapping[str, Any] | None = None,
) -> None:
    """Write a model that `load` reads: weights as safetensors, settings and their sum as JSON.

    With `half` the weights are rounded to half precision; what is `told` goes into the JSON too.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous().cpu() for name, tensor in network.state_dict().items()}
    if half:
        tensors = {
            name: tensor.half() if tensor.is_floating_point() else tensor
            for name, tensor in tensors.items()
        }
    save_file(tensors, folder / WEIGHTS)
    card = {
        "model": network.settings.model_copy(update={"weights": "none"}).model_dump(mode="json"),
        "restore": restore.model_dump(mode="json"),
        "sha256": _sha256(folder / WEIGHTS),
        **(told or {}),
    }
    (folder / CARD).write_text(
        json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def load(folder: Path, device: str = "cpu") -> Restorer:
    """The model in `folder`, as `save` wrote it.

    Raises:
        UserError: there is none, its parts do not fit, or its weights are not the ones that its
            JSON was written for.
    """
    import torch
    from pydantic import ValidationError

    from rechroma.networks import RestorationNetwork, load_weights

    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        settings, restore = Model.model_validate(card["model"]), Restore(**card["restore"])
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{folder} holds no model, expected {CARD} and {WEIGHTS} in it") from None
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{folder / CARD} describes no model of this version: {reason}") from None
    if "sha256" in card and (folder / WEIGHTS).exists():
        found = _sha256(folder / WEIGHTS)
        if found != card["sha256"]:
            raise UserError(
                f"{folder / WEIGHTS} is damaged or another file: expected sha256 "
                f"{card['sha256'][:12]}…, found {found[:12]}…; get the model again"
            )
    network = RestorationNetwork(settings)
    load_weights(network, folder / WEIGHTS)
    network.eval().to(torch.device(device)).to(memory_format=torch.channels_last)
    return Restorer(network, restore)
