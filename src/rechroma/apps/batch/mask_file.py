"""Mask files of any polarity, read as bool arrays."""

from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np

from rechroma.errors import UserError
from rechroma.imaging.io import mask_from_gray, read_gray, read_opacity
from rechroma.imaging.types import Luma, Mask

Polarity = Literal["auto", "white", "black"]

AMBIGUOUS = 0.4  # a mask whose light share lies between this and 1 minus this has no clear polarity


class MaskFile(NamedTuple):
    """A mask from a file.

    Attributes:
        lost: `(H, W)` bool, True where lost.
        polarity: which part is lost: `white where lost`, `black where lost`, `painted where lost`.
    """

    lost: Mask
    polarity: str


def read_mask_file(path: Path, polarity: Polarity = "auto") -> MaskFile:
    """The mask in an image file, upright.

    Raises:
        UserError: the file is not a picture, or as `parse_mask`.
    """
    return parse_mask(read_gray(path), read_opacity(path), polarity, str(path))


def parse_mask(gray: Luma, opacity: Luma | None, polarity: Polarity, name: str) -> MaskFile:
    """The mask that a gray picture shows.

    With the polarity `auto` the smaller of the light and the dark part is lost, as hardly any
    photograph to restore has lost most of its area. A picture painted on a transparent layer has
    lost the painted part; with `white` or `black`, what of it is light or dark. A transparent pixel
    is never lost.

    Args:
        gray: `(H, W)` uint8, light above 127.
        opacity: `(H, W)` uint8 from 0 (transparent) to 255; None if the picture is opaque.
        polarity: which part is lost.
        name: of the mask, in errors.

    Raises:
        UserError: the light and the dark part are about equally large, and `polarity` is `auto`.

    >>> parse_mask(np.array([[0, 0, 255]], np.uint8), None, "auto", "mask.png")
    MaskFile(lost=array([[False, False,  True]]), polarity='white where lost')
    """
    # A picture that is partly transparent: what is painted counts.
    painted = None if opacity is None else mask_from_gray(opacity)
    if painted is not None and 0 < np.mean(painted) < 1 and polarity == "auto":
        return MaskFile(painted, "painted where lost")

    # The smaller part is lost, unless the polarity is stated.
    light = mask_from_gray(gray)
    share = float(light.mean())
    if polarity == "auto" and AMBIGUOUS <= share <= 1 - AMBIGUOUS:
        raise UserError(
            f"{name}: {share:.0%} of the mask is light, which may mean lost or kept; "
            "say which with --mask-polarity white or black"
        )
    black = polarity == "black" or (polarity == "auto" and share > 0.5)
    lost = ~light if black else light
    if painted is not None:
        lost &= painted
    return MaskFile(lost, f"{'black' if black else 'white'} where lost")


def grow_mask(mask: Mask, px: int) -> Mask:
    """`(H, W)` bool, True wherever a lost pixel of `mask` is at most `px` away.

    >>> grow_mask(np.array([[True, False, False]]), 1).tolist()
    [[True, True, False]]
    """
    if px == 0 or not mask.any():
        return mask
    # A distance transform: the time of a dilation grows with the square of `px`.
    known = (~mask).astype(np.uint8)
    grown: Mask = cv2.distanceTransform(known, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) <= px
    return grown
