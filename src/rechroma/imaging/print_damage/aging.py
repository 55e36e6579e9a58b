"""What ages a print, and what scanning does to it, without a mask."""

from typing import Literal

import cv2
import numpy as np

from rechroma.imaging.print_damage.kinds import Brush
from rechroma.imaging.print_damage.noise import smooth_noise
from rechroma.imaging.types import Luma, Plane
from rechroma.settings import PrintDamageSettings

Stage = Literal["print", "scan"]


def age_print(
    luma: Luma,
    settings: PrintDamageSettings,
    generator: np.random.Generator,
    stage: Stage = "print",
) -> Luma:
    """Age a photograph as a print, or scan a print.

    The order of things: photograph, `age_print`, `draw_print_damage`, `age_print(…, stage="scan")`.

    Args:
        luma: `(H, W)` uint8.
        settings: the strength of aging.
        generator: the only source of randomness.
        stage: "print" fades a photograph, lights it unevenly, blurs it and gives it grain;
            "scan" blurs it a little, adds noise and JPEG's traces.

    Returns:
        `(H, W)` uint8.
    """
    brush = Brush(generator.uniform(*settings.aging), max(min(luma.shape) / 512, 0.4), generator)
    plane = luma.astype(np.float32)
    steps = {"print": (_fade, _light, _add_grain), "scan": (_add_grain,)}[stage]
    for step in steps:
        if brush.chance(0.7):
            plane = step(plane, brush)
    aged = np.rint(np.clip(plane, 0, 255)).astype(np.uint8)
    if stage == "scan" and brush.chance(0.6):
        quality = int(brush.stronger(95, 40))
        _, packed = cv2.imencode(".jpg", aged, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE))
    return aged


def _fade(plane: Plane, brush: Brush) -> Plane:
    contrast = brush.stronger(1, 0.45)
    return (plane - 128) * contrast + 128 + brush.stronger(0, 1) * brush.between(-20, 40)


def _light(plane: Plane, brush: Brush) -> Plane:
    return plane * (
        1 + brush.stronger(0, 0.15) * smooth_noise(plane.shape[:2], 200, brush.generator)
    )


def _add_grain(plane: Plane, brush: Brush) -> Plane:
    grain = smooth_noise(plane.shape[:2], brush.between(1, 3), brush.generator)
    return plane + brush.stronger(0, 14) * grain
