"""Baselines without training: gray photographs, their holes filled by a classical method."""

from collections.abc import Callable

import numpy as np

from rechroma.imaging.inpaint import FILLS
from rechroma.imaging.types import Luma, Mask, Photo

RestoreFunction = Callable[[Luma, Mask], Photo]
"""damaged `(H, W)` uint8 and mask `(H, W)` bool, True where lost → `(H, W, 3)` uint8 RGB."""

MEAN_HUES = "mean hues"  # the mean hue histogram of the training photographs, for any photograph


def _gray_baseline(fill: str) -> RestoreFunction:
    return lambda damaged, mask: np.repeat(FILLS[fill](damaged, mask)[..., None], 3, axis=2)


BASELINES: dict[str, RestoreFunction] = {
    "input as it is": _gray_baseline("none"),
    "gray, Telea": _gray_baseline("telea"),
    "gray, push-pull": _gray_baseline("push_pull"),
    "gray, soft Telea": _gray_baseline("soft_telea"),
}
"""The baselines by the name in tables, photos.csv and MLflow."""
