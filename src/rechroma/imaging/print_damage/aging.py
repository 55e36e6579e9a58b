"""What ages a print, and what a scanner does to it: changes that no mask shows."""

from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np

from rechroma.imaging.print_damage.kinds import UNIT, Brush
from rechroma.imaging.print_damage.noise import fractal_noise, smooth_noise
from rechroma.imaging.types import Luma, Plane
from rechroma.settings import PrintDamageSettings

Step = Callable[[Plane, Brush], Plane]


def age_print(
    luma: Luma,
    settings: PrintDamageSettings,
    generator: np.random.Generator,
    stage: Literal["print", "scan"] = "print",
) -> Luma:
    """Age a photograph as a print, or scan a print.

    The order of things: photograph, `age_print`, `draw_print_damage`, `age_print(…, stage="scan")`.
    Nothing moves by as much as a pixel, so a mask drawn between the two stays right. A scan's blur
    spreads damage by about a pixel beyond its mask.

    Args:
        luma: `(H, W)` uint8, at least 1 px each way.
        settings: the strength of aging.
        generator: the only source of randomness.
        stage: "print" blurs a photograph, gives it grain, a paper's texture or a halftone, fades
            it, lights it unevenly and may put it in a plain frame; "scan" blurs a print a little
            or sharpens it, adds noise, stripes of the sensor and JPEG's traces.

    Returns:
        `(H, W)` uint8.

    >>> names = PrintDamageSettings.model_fields
    >>> values = dict.fromkeys(names, 0) | {"spot": 1, "damages": (1, 1), "strength": (1, 1)}
    >>> settings = PrintDamageSettings.model_validate(values | {"aging": (1, 1)})
    >>> photo = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (64, 1))
    >>> aged = age_print(photo, settings, np.random.default_rng(0))
    >>> aged.shape, bool(aged.std() < photo.std())
    ((64, 64), True)
    """
    whole = min(luma.shape) / UNIT
    scale = float(np.exp(generator.uniform(np.log(max(0.5, whole)), np.log(max(1.5, whole)))))
    brush = Brush(generator.uniform(*settings.aging), scale, generator)
    aged = luma.astype(np.float32)
    for share, step in STEPS[stage]:
        # A slightly aged print shows fewer traces of it.
        if brush.chance(share * (0.3 + 0.7 * brush.strength)):
            aged = step(aged, brush)
    rounded = np.rint(np.clip(aged, 0, 255)).astype(np.uint8)
    if stage == "scan" and brush.chance(0.65):
        return _compress(rounded, round(brush.stronger(95, 35)))
    return rounded


def _fade(plane: Plane, brush: Brush) -> Plane:
    """Less contrast, lifted blacks or grayed whites."""
    white, black = 255 - brush.stronger(0, 60, 0.4), brush.stronger(0, 80, 0.4)
    gamma = float(np.exp(brush.generator.normal(0, 0.25)))
    tone: Plane = np.power(np.clip(plane, 0, 255) / 255, np.float32(gamma))
    faded: Plane = (white - black) * tone + black
    return faded


def _harden(plane: Plane, brush: Brush) -> Plane:
    """More contrast than the photograph had: whites and blacks run out."""
    return (plane - brush.between(100, 156)) * brush.stronger(1.05, 1.7) + 128


def _light(plane: Plane, brush: Brush) -> Plane:
    """Tone that changes slowly over the print."""
    cell = max(plane.shape) * brush.between(0.3, 1.2)
    return plane * (
        1 + brush.stronger(0.02, 0.22) * smooth_noise(plane.shape, cell, brush.generator)
    )


def _darken_corners(plane: Plane, brush: Brush) -> Plane:
    """A vignette, dark or bleached, around a place that may lie outside of the picture."""
    height, width = plane.shape
    x, y = brush.generator.normal(0.5, 0.3, 2) * (width, height)
    across = (np.arange(width, dtype=np.float32) - np.float32(x)) / max(plane.shape)
    down = (np.arange(height, dtype=np.float32) - np.float32(y)) / max(plane.shape)
    levels = brush.stronger(10, 110) * (-1 if brush.chance(0.7) else 1)
    far: Plane = np.add.outer(down**2, across**2)
    return plane + levels * far


def _blur(plane: Plane, brush: Brush) -> Plane:
    blurred: Plane = cv2.GaussianBlur(plane, (0, 0), brush.stronger(0.3, 1.6) * brush.scale**0.5)
    return blurred


def _add_grain(plane: Plane, brush: Brush) -> Plane:
    """Grain as large as a pixel or larger, strongest in the middle grays."""
    cell = brush.between(1, 2.6) if brush.chance(0.6) else 1.0
    grain = brush.stronger(1, 12) * smooth_noise(plane.shape, cell, brush.generator)
    if brush.chance(0.5):
        grain *= 0.4 + 2.4 * (plane / 255) * (1 - plane / 255)
    return plane + grain


def _add_mottle(plane: Plane, brush: Brush) -> Plane:
    """Clouds of slightly uneven tone, as on silver prints."""
    cell = brush.length(4, 40)
    return plane + brush.stronger(0.7, 6) * fractal_noise(plane.shape, cell, brush.generator)


def _emboss(plane: Plane, brush: Brush) -> Plane:
    """The texture of paper: a regular honeycomb, or fibers, lit from one side."""
    if brush.chance(0.5):
        height, width = plane.shape
        wave = np.float32(2 * np.pi / max(brush.between(4, 9) * brush.scale, 2.5))
        across = np.sin(np.arange(width, dtype=np.float32) * (wave * brush.between(0.6, 1)))
        texture: Plane = np.outer(np.sin(np.arange(height, dtype=np.float32) * wave), across)
        return plane + brush.stronger(1, 9) * texture
    fibers = fractal_noise(plane.shape, 3 * brush.scale, brush.generator, octaves=3, gain=0.8)
    return plane + brush.stronger(1, 9) * (fibers - np.roll(fibers, 1, axis=(0, 1)))


def _halftone(plane: Plane, brush: Brush) -> Plane:
    """Dots of a printing screen, turned by 45 degrees."""
    height, width = plane.shape
    wave = np.float32(np.pi / max(brush.between(2.2, 4.0) * brush.scale, 2.0))
    rows = np.arange(height, dtype=np.float32)[:, None] * wave
    columns = np.arange(width, dtype=np.float32)[None] * wave
    screen: Plane = np.cos(rows + columns) * np.cos(rows - columns)
    inked = plane / 255 + 0.4 * screen - 0.5
    dots: Plane = np.clip(560 * inked + 128, 0, 255)
    return plane + brush.stronger(0.1, 0.6) * (dots - plane)


def _frame(plane: Plane, brush: Brush) -> Plane:
    """A plain white or black frame on some sides, a thin line inside of it in some cases."""
    framed, shorter = plane.copy(), min(plane.shape)
    level = brush.between(200, 252) if brush.chance(0.75) else brush.between(0, 35)
    line = brush.between(0, 90) if brush.chance(0.3) else level
    wide = max(1, round(shorter * brush.between(0.01, 0.07)))
    for quarters in range(4):
        if brush.chance(0.6):
            side = np.rot90(framed, quarters)  # a view
            side[:wide] = level
            side[wide : wide + max(1, round(brush.scale))] = line
    return framed


def _blur_slightly(plane: Plane, brush: Brush) -> Plane:
    blurred: Plane = cv2.GaussianBlur(plane, (0, 0), brush.stronger(0.3, 0.9))
    return blurred


def _sharpen(plane: Plane, brush: Brush) -> Plane:
    soft: Plane = cv2.GaussianBlur(plane, (0, 0), 1.2)
    return plane + brush.stronger(0.2, 0.9) * (plane - soft)


def _add_noise(plane: Plane, brush: Brush) -> Plane:
    noise = brush.generator.standard_normal(plane.shape, dtype=np.float32)
    return plane + brush.stronger(0.5, 5) * noise


def _add_stripes(plane: Plane, brush: Brush) -> Plane:
    """Columns or rows of slightly uneven tone, from the scanner's sensor."""
    across = brush.chance(0.5)
    cell = brush.between(1, 4)
    stripes = smooth_noise((1, plane.shape[across]), cell, brush.generator)
    return plane + brush.stronger(0.5, 4) * (stripes if across else stripes.T)


def _compress(luma: Luma, quality: int) -> Luma:
    """Through JPEG and back."""
    _, packed = cv2.imencode(".jpg", luma, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE))


STEPS: dict[str, tuple[tuple[float, Step], ...]] = {
    "print": (
        (0.45, _blur),
        (0.06, _halftone),
        (0.25, _harden),
        (0.60, _fade),
        (0.50, _light),
        (0.40, _darken_corners),
        (0.35, _add_mottle),
        (0.70, _add_grain),
        (0.15, _emboss),
        (0.12, _frame),
    ),
    "scan": (
        (0.50, _blur_slightly),
        (0.60, _add_noise),
        (0.12, _add_stripes),
        (0.25, _sharpen),
    ),
}
"""What happens in each stage, in this order, and in what share of strongly aged photographs."""
