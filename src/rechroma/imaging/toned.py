"""Gray photographs with a tint, such as sepia prints, told from photographs in color.

The chroma of a toned or yellowed print follows its luma: each gray has one tint, of about the same
hue everywhere. What is left beside it is small. Where a print has yellowed unevenly, the strength
of its tint changes, and not its hue. In a color photograph hues differ beside each other.
"""

from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.color import is_gray, ycbcr_from_rgb
from rechroma.imaging.depth import Level
from rechroma.imaging.resize import fit_shape

Tone = Literal["gray", "faint", "sepia", "yellow", "green", "blue", "purple", "red", "color"]
"""What colors a photograph has: none, a tint of this name, or its own."""

Color = Literal["auto", "keep", "replace"]
"""Whether a photograph keeps its color: `auto` if it is a photograph in color, or always, or never.
"""
COLOR: tuple[Color, ...] = ("auto", "keep", "replace")

SIDE = 64  # px, longer side at which colors are compared: JPEG's chroma has half its resolution
GRAYS = 7  # from black to white, that have a tint of their own; between them it changes linearly
ROUNDS = 5  # of fitting, each with less weight on what differs
NEUTRAL, FAINT = 1.5, 3.0  # levels of chroma: of no hue, and of a hue that is not sure
# Hues of tints in degrees, from blue (Cb) towards red (Cr), each up to the next.
HUES: dict[float, Tone] = {-80: "blue", -20: "purple", 60: "red", 100: "sepia", 160: "yellow"}
OLD = (110, 162)  # degrees: what silver and paper become with time
# Limits chosen on the training photographs: see docs/results/tone.md. Levels of chroma.
ACROSS, ACROSS_OLD = 2.05, 2.3  # in 90 % of the photograph, to a side of its tint's hue
ALONG_SHARE = 0.1  # of what differs in the strength of the tint, that counts as well
ALONG = (1.0, 0.65)  # in 90 %, in strength: levels, and a share of the tint
FARTHEST = (4.5, 16.0)  # in 99 %: to a side, in strength
ONE_HUE = 0.9  # length of the mean tint beside the mean length of the tints, at least


class Tint(NamedTuple):
    """How the colors of a photograph follow its grays, in levels of chroma.

    Attributes:
        strength: of the mean tint.
        hue: degrees in (-180, 180], from Cb towards Cr.
        one_hue: 1 where all grays have one hue, 0 where their tints cancel out.
        across: what 90 and 99 % of the photograph differ at most, to a side of the tint's hue.
        along: the same in the strength of the tint.
    """

    strength: float
    hue: float
    one_hue: float
    across: tuple[float, float]
    along: tuple[float, float]


def find_tone(photo: NDArray[Level]) -> Tone:
    """What colors a photograph has.

    Args:
        photo: `(H, W)` gray or `(H, W, 3)` RGB, uint8 or uint16.

    >>> ramp = np.tile(np.arange(0, 250, 2, dtype=np.uint8), (80, 1))
    >>> find_tone(ramp), find_tone(np.dstack([ramp, ramp * 0.9, ramp * 0.75]).astype(np.uint8))
    ('gray', 'sepia')
    >>> find_tone(np.dstack([ramp, ramp[:, ::-1], ramp]))
    'color'
    """
    if photo.ndim == 2 or is_gray(photo):
        return "gray"
    tint = fit_tint(photo)
    return _name(tint) if _is_toned(tint) else "color"


def keeps_color(tone: Tone, color: Color) -> bool:
    """Whether a photograph of this tone is restored in its own color.

    >>> [keeps_color(tone, "auto") for tone in ("gray", "sepia", "color")]
    [False, False, True]
    """
    return color == "keep" or (color == "auto" and tone == "color")


def fit_tint(photo: NDArray[Level]) -> Tint:
    """How the colors of an `(H, W, 3)` RGB photograph, uint8 or uint16, follow its grays."""
    height, width = fit_shape(photo.shape[:2], SIDE)
    small = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
    rgb = small.reshape(-1, 3).T.astype(np.float64)  # (3, N)
    if photo.dtype == np.uint16:
        rgb /= 257
    luma, *planes = ycbcr_from_rgb(*rgb)
    chroma = np.stack(planes, axis=1)  # (N, 2), levels
    # 1. A tint for each gray, (N, 2); colors that differ much have little weight.
    knots = np.linspace(0, 255, GRAYS)
    near = np.maximum(0, 1 - np.abs(luma[:, None] - knots) / knots[1])  # (N, GRAYS)
    weights = np.ones(len(luma))
    for _ in range(ROUNDS):
        weighted = near.T * weights
        tints = near @ np.linalg.solve(weighted @ near + 0.1 * np.eye(GRAYS), weighted @ chroma)
        rest = chroma - tints
        distance = np.hypot(*rest.T)
        weights = 1 / (1 + (distance / (2 * max(float(np.median(distance)), 0.7))) ** 2)
    # 2. What is left, along the hue of the tint and across it.
    mean = tints.mean(axis=0)
    strength, strengths = float(np.hypot(*mean)), np.hypot(*tints.T)
    hues = tints / np.maximum(strengths, 1e-6)[:, None]
    hues[strengths <= FAINT] = mean / max(strength, 1e-6)
    if strength < NEUTRAL:  # then along what is left
        hues[:] = np.linalg.eigh(rest.T @ rest)[1][:, 1]
    along = np.abs((rest * hues).sum(axis=1))
    across = np.abs(rest[:, 0] * hues[:, 1] - rest[:, 1] * hues[:, 0])
    return Tint(
        strength,
        float(np.degrees(np.arctan2(mean[1], mean[0]))),
        strength / max(float(strengths.mean()), 1e-6),
        (float(np.percentile(across, 90)), float(np.percentile(across, 99))),
        (float(np.percentile(along, 90)), float(np.percentile(along, 99))),
    )


def _is_toned(tint: Tint) -> bool:
    """Whether colors that follow the grays so well are a tint."""
    of_age = OLD[0] <= tint.hue <= OLD[1] and tint.strength >= NEUTRAL
    differing = tint.across[0] + ALONG_SHARE * tint.along[0]
    return (
        differing <= (ACROSS_OLD if of_age else ACROSS)
        and tint.along[0] <= ALONG[0] + ALONG[1] * tint.strength
        and tint.across[1] <= FARTHEST[0]
        and tint.along[1] <= FARTHEST[1]
        and (tint.one_hue >= ONE_HUE or tint.strength < FAINT * tint.one_hue)
    )


def _name(tint: Tint) -> Tone:
    if tint.strength < NEUTRAL:
        return "faint"
    if not min(HUES) <= tint.hue <= 180:
        return "green"
    return HUES[max(start for start in HUES if start <= tint.hue)]
