"""Restoring one 512 x 512 photograph, against a plain call of the network in float32 NCHW.

The network of both has random weights and does not predict hues: the bundled weights belong to a
network that does, and only ours transfers them.
"""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.photographs import default_settings, photographs
from benchmarks.timing import Measurement, medians_ms, one_thread
from rechroma.deployment.load import load_model
from rechroma.imaging.color import to_luma
from rechroma.imaging.draw_damage import draw_damage
from rechroma.imaging.inpaint import FILLS
from rechroma.models.restoration import RestorationNetwork
from rechroma.models.store import save_model

SIDE, QUICK_SIDE = 512, 64  # px
REPEATS = 11
GOAL = 2.5
TOLERANCE = 2.0  # levels of 0…255, mean difference: bfloat16, and keeping the gray exact
PALE = 0.01  # weights of the last layer, so that the colors are about as pale as trained ones

Luma = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Photo = NDArray[np.uint8]


def plain_restore(network: RestorationNetwork, damaged: Luma, mask: Mask) -> Photo:
    """The output of the network, clipped and rounded; shapes as in `Restorer`."""
    filled = FILLS[network.settings.fill](damaged, mask)
    with torch.no_grad():
        prediction = network(
            torch.from_numpy(filled)[None, None], torch.from_numpy(mask)[None, None]
        )
        rgb = network.rgb(prediction.color)[0].permute(1, 2, 0).numpy()
    restored: Photo = np.clip(np.rint(rgb * 255), 0, 255).astype(np.uint8)
    return restored


def measure(quick: bool = False) -> Measurement:
    """The measurement of both ways with the same weights, after a check that they agree.

    Raises:
        AssertionError: the two differ by more than bfloat16 explains.
    """
    side, repeats = (QUICK_SIDE, 1) if quick else (SIDE, REPEATS)
    settings = default_settings()
    torch.manual_seed(settings.seed)
    # The same work on both sides: the network at full size, without hues.
    model = settings.model.model_copy(update={"hues": False, "weights": "none"})
    network = RestorationNetwork(model).eval()
    restore = settings.restore.model_copy(update={"size": side, "hues": False})
    with torch.no_grad():
        for parameter in list(network.parameters())[-2:]:
            parameter.normal_(std=PALE)
    with TemporaryDirectory() as temporary:
        save_model(network, restore, Path(temporary))
        restorer = load_model(temporary, backend="torch", device="cpu")
    gray = to_luma(photographs(side)[0])
    pair = draw_damage(gray, settings.damage, np.random.default_rng(settings.seed))
    ways = [partial(plain_restore, network, *pair), partial(restorer, *pair)]
    with one_thread():
        plain, ours = (way().astype(int) for way in ways)
        difference = np.abs(plain - ours).mean()
        assert difference <= TOLERANCE, f"the two differ by {difference:.2f} levels on average"
        plain_ms, ours_ms = medians_ms(ways, repeats)
    return Measurement(f"restoring a {side} x {side} photograph", plain_ms, ours_ms, GOAL)


if __name__ == "__main__":
    print(measure())
