"""Masks that people bring: read in either polarity, told apart, grown."""

from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np

from rechroma.errors import UserError
from rechroma.imaging.io import mask_from_gray, read_gray, read_opacity
from rechroma.imaging.types import Mask

Polarity = Literal["auto", "white", "black"]

DOUBTFUL = 0.4  # a photograph that lost a share from here to its complement may be meant either way


class MaskFile(NamedTuple):
    """A mask from a file.

    Attributes:
        lost: `(H, W)` bool, True where lost.
        told: how the file says so: `white where lost`, `black where lost`, `painted where lost`.
    """

    lost: Mask
    told: str


def read_mask_file(path: Path, polarity: Polarity = "auto") -> MaskFile:
    """The mask in a picture file.

    Where only a part of the picture was painted on (the rest is transparent), that part is lost, or
    with a stated `polarity` what of it is light or dark: nothing transparent ever is.
    With `auto` the smaller of the light and the dark part is: hardly anybody has a photograph
    restored of which most is lost.

    Raises:
        UserError: the file is no picture, or nearly as much is light as dark and `polarity` does
            not say which is lost.
    """
    opacity = read_opacity(path)
    painted = None if opacity is None else mask_from_gray(opacity)
    if painted is not None and 0 < np.mean(painted) < 1 and polarity == "auto":
        return MaskFile(painted, "painted where lost")
    light = mask_from_gray(read_gray(path))
    share = float(light.mean())
    if polarity == "auto" and DOUBTFUL <= share <= 1 - DOUBTFUL:
        raise UserError(
            f"{path}: {share:.0%} of the mask is light, which may mean lost or kept; "
            "say which with --mask-polarity white or black"
        )
    black = polarity == "black" or (polarity == "auto" and share > 0.5)
    lost = ~light if black else light
    if painted is not None:
        lost &= painted
    return MaskFile(lost, f"{'black' if black else 'white'} where lost")


def grow_mask(mask: Mask, px: int) -> Mask:
    """`(H, W)` bool, lost wherever a lost pixel of `mask` is at most `px` away."""
    if px == 0 or not mask.any():
        return mask
    # Not by a dilation, whose time grows with the square of `px`.
    known = (~mask).astype(np.uint8)
    grown: Mask = cv2.distanceTransform(known, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) <= px
    return grown
