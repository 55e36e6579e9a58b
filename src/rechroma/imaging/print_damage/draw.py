"""Damage as prints have it, drawn on a gray photograph with its exact mask.

The order of things: photograph, `age_print`, `draw_print_damage`, `age_print(…, stage="scan")`.
A print ages, is then damaged, and what is left of it is scanned.
"""

from bisect import bisect_right
from itertools import accumulate

import cv2
import numpy as np

from rechroma.imaging.print_damage.areas import draw_missing, draw_tear
from rechroma.imaging.print_damage.cracks import draw_crack, draw_craquelure
from rechroma.imaging.print_damage.folds import draw_fold
from rechroma.imaging.print_damage.kinds import GROUPS, NOTICED, UNIT, Brush, Kind, PrintDamage
from rechroma.imaging.print_damage.lines import (
    draw_film_line,
    draw_hair,
    draw_scratch,
    draw_scribble,
)
from rechroma.imaging.print_damage.spots import draw_dust, draw_spot
from rechroma.imaging.print_damage.stains import (
    draw_blotch,
    draw_fingerprint,
    draw_tape,
    draw_water_stain,
)
from rechroma.imaging.types import Luma, Plane
from rechroma.settings import PrintDamageSettings

KINDS: dict[str, Kind] = {
    "scratch": Kind(draw_scratch, "line"),
    "film_line": Kind(draw_film_line, "line"),
    "crack": Kind(draw_crack, "line"),
    "craquelure": Kind(draw_craquelure, "line"),
    "fold": Kind(draw_fold, "line"),
    "hair": Kind(draw_hair, "line"),
    "scribble": Kind(draw_scribble, "line"),
    "spot": Kind(draw_spot, "spot"),
    "dust": Kind(draw_dust, "spot"),
    "tear": Kind(draw_tear, "area"),
    "missing": Kind(draw_missing, "area"),
    "blotch": Kind(draw_blotch, "stain"),
    "water_stain": Kind(draw_water_stain, "stain"),
    "tape": Kind(draw_tape, "stain"),
    "fingerprint": Kind(draw_fingerprint, "stain"),
}
"""How each kind of damage is drawn; the settings of `print_damage` weight them by these names."""

LAYERS = ("stain", "line", "spot", "area")  # drawn one after the other, as prints get them
LEFT = 0.25  # share of the photograph that is never lost
FINEST = 2.0  # px in a unit; a photograph may be a part of a print that was scanned so finely


def draw_print_damage(
    luma: Luma, settings: PrintDamageSettings, generator: np.random.Generator
) -> PrintDamage:
    """Draw damage as prints have it on a gray photograph.

    A pixel is masked when the damage changes it by more than an eye notices, before what a scan
    does: by more than 6 levels (`NOTICED`), and by more than the deviation of the print's grain. A
    stain is masked where it changes 7 x 7 px by more than 10 levels in the mean, so grain of its
    gray makes no hole in it; tape and fingerprints are masked as a whole. Pixels of which nothing
    is left are masked whatever their gray. The soft shading beside folds stays outside of the mask.
    Where damages overlap, what is lost counts before what is stained.

    A photograph may be a whole print or a part of one, scanned finely or not: sizes are multiplied
    by a scale that is random for each photograph. Damage that would leave less than a quarter of
    the photograph is skipped.

    Args:
        luma: `(H, W)` uint8, at least 1 px each way.
        settings: weights of the kinds, number and strength of the damages.
        generator: the only source of randomness.

    Raises:
        ValueError: `luma` has no pixel, or is no `(H, W)` uint8.

    >>> only = dict.fromkeys(KINDS, 0) | {"spot": 1, "damages": (3, 3), "strength": (1, 1)}
    >>> settings = PrintDamageSettings.model_validate(
    ...     dict.fromkeys(PrintDamageSettings.model_fields, 0) | only | {"aging": (0, 1)})
    >>> gray = np.full((64, 64), 128, np.uint8)
    >>> damage = draw_print_damage(gray, settings, np.random.default_rng(0))
    >>> np.unique(damage.groups).tolist()
    [0, 2]
    """
    if luma.ndim != 2 or luma.dtype != np.uint8 or luma.size == 0:
        raise ValueError(
            f"the photograph is {luma.dtype} of shape {luma.shape}, expected (H, W) uint8 with at "
            "least 1 px each way; make it gray with to_luma"
        )
    plane = luma.astype(np.float32)
    groups = np.zeros(luma.shape, dtype=np.uint8)
    if generator.random() < settings.undamaged:
        return PrintDamage(luma.copy(), groups)
    grain = _measure_grain(plane)
    scale = _draw_scale(luma.shape, generator)
    worst = (float(generator.random()), float(generator.random()))
    for name in _draw_kinds(settings, generator):
        kind = KINDS[name]
        brush = Brush(generator.uniform(*settings.strength), scale, generator, worst)
        drawn = kind.draw(plane, brush)
        # Lost counts before stained, and what is gone before what is scratched.
        stain = kind.group == "stain"
        mask = drawn.mask(max(NOTICED, grain), stain)
        mask &= groups == 0 if stain else groups != GROUPS.index("area") + 1
        index = GROUPS.index(kind.group) + 1
        after = np.where(mask, np.uint8(index), groups)
        if (after == 0).mean() >= LEFT:
            plane, groups = np.clip(drawn.after, 0, 255), after
    return PrintDamage(np.rint(plane).astype(np.uint8), groups)


def _draw_scale(shape: tuple[int, ...], generator: np.random.Generator) -> float:
    """Px in a unit: that of a whole print of this size, or of the part of a larger one."""
    whole = min(shape) / UNIT
    low, high = max(0.4, 0.7 * whole), 1.6 * max(FINEST, whole)
    return float(np.exp(generator.uniform(np.log(low), np.log(high))))


def _measure_grain(plane: Plane) -> float:
    """Deviation of a print's grain, in levels: from the median difference to the pixels around."""
    difference = np.abs(plane - cv2.blur(plane, (3, 3)))[::3, ::3]
    return float(1.5 * np.median(difference))


def _draw_kinds(settings: PrintDamageSettings, generator: np.random.Generator) -> list[str]:
    """The names of the damages of one photograph, in the order in which they are drawn."""
    names = list(KINDS)
    bounds = list(accumulate(getattr(settings, name) for name in names))  # cumulative weights
    fewest, most = settings.damages
    chosen = [
        names[bisect_right(bounds, generator.uniform(0, bounds[-1]))]
        for _ in range(generator.integers(fewest, most + 1))
    ]
    return sorted(chosen, key=lambda name: LAYERS.index(KINDS[name].group))
