"""Baselines that need no training: gray photographs with a classical fill."""

from collections.abc import Callable

import numpy as np

from rechroma.imaging.inpaint import FILLS
from rechroma.imaging.types import Luma, Mask, Photo

RestoreFunction = Callable[[Luma, Mask], Photo]
MEAN_HUES = "mean hues"  # what any photograph with the training photographs' mean histogram gets


def _in_gray(fill: str) -> RestoreFunction:
    return lambda damaged, mask: np.repeat(FILLS[fill](damaged, mask)[..., None], 3, axis=2)


BASELINES: dict[str, RestoreFunction] = {
    "input as it is": _in_gray("none"),
    "gray, Telea": _in_gray("telea"),
    "gray, push-pull": _in_gray("push_pull"),
    "gray, soft Telea": _in_gray("soft_telea"),
}
