"""Photographs of any kind restored: gray, toned or in color, with or without a border."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.color import to_luma
from rechroma.imaging.depth import Level, to_8_bits
from rechroma.imaging.scan_border import Box, find_border
from rechroma.imaging.toned import Color, Tone, find_tone, keeps_color
from rechroma.imaging.types import Mask, Photo
from rechroma.inference.even_tone import EvenTone, even_tone
from rechroma.inference.find_choices import FOUND
from rechroma.inference.restorer import Restorer

STAIN = FOUND.index("stain") + 1  # in a plane of groups


class Kind(NamedTuple):
    """What kind of photograph one is, and so how it is restored.

    Attributes:
        tone: what colors it has.
        keeps_color: whether it is restored in these.
    """

    tone: Tone
    keeps_color: bool


def kind_of(pixels: NDArray[Level], color: Color) -> Kind:
    """The kind of an `(H, W)` gray or `(H, W, 3)` RGB photograph, uint8 or uint16.

    >>> kind_of(np.zeros((4, 4), np.uint8), "auto")
    Kind(tone='gray', keeps_color=False)
    """
    tone = find_tone(pixels)
    return Kind(tone, keeps_color(tone, color))


def restore_gray(
    restorer: Restorer, gray: NDArray[Level], mask: Mask, border: Box | None
) -> NDArray[Level]:
    """Restore a gray photograph, and leave its border as it is.

    Args:
        restorer: the model; it sees only what is inside the border.
        gray: `(H, W)` uint8 or uint16.
        mask: `(H, W)` bool, True where lost.
        border: as of `scan_border.find_border`, or None.

    Returns:
        `(H, W, 3)` RGB of the same type.
    """
    if border is None:
        return restorer(gray, mask)
    outside = border.outside(gray.shape)
    if mask[outside].any() or mask[border.inside].all():
        restored = restorer(gray, mask)
        restored[outside] = to_luma(restored)[outside][:, None]
        return restored
    restored = np.dstack([gray] * 3)
    restored[border.inside] = restorer(gray[border.inside], mask[border.inside])
    return restored


def restore_photo(
    restorer: Restorer,
    photo: Photo,
    mask: Mask,
    groups: NDArray[np.uint8] | None = None,
    *,
    color: Color = "auto",
    even: EvenTone = "off",
    crop: bool = False,
) -> Photo:
    """Restore a photograph of any kind.

    Args:
        restorer: the model.
        photo: `(H, W, 3)` uint8 RGB.
        mask: `(H, W)` bool, True where lost.
        groups: of damage, as of `find_all_damage`, of which the stains count; or None.
        color: `auto`: a photograph in color keeps its color, any other gets new ones; `keep`,
            `replace`: whatever it is.
        even: `auto` evens the tone of stains and of faded grays, unless the color is kept.
        crop: whether a plain border is cut off.

    Returns:
        `(H, W, 3)` uint8 RGB, of what is inside the border where it is cut off.
    """
    keeps = kind_of(photo, color).keeps_color
    gray = to_luma(photo)
    border = find_border(to_8_bits(gray), mask)
    if keeps:
        restored = restorer.keep_color(photo, mask)
    else:
        if even == "auto":
            gray = even_photo(gray, mask, groups, border)[0]
        restored = restore_gray(restorer, gray, mask, border)
    return restored[border.inside] if crop and border else restored


def even_photo(
    gray: NDArray[Level], mask: Mask, groups: NDArray[np.uint8] | None, border: Box | None
) -> tuple[NDArray[Level], tuple[str, ...]]:
    """`even_tone.even_tone` of what is inside the border; the border itself is kept."""
    stained = np.zeros(gray.shape, bool) if groups is None else groups == STAIN
    inside = border.inside if border else (slice(None), slice(None))
    evened = even_tone(gray[inside], ~mask[inside], (stained & ~mask)[inside])
    whole = gray.copy()
    whole[inside] = evened.gray
    return whole, evened.notes
