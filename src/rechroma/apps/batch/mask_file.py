"""Mask files of any two levels and any polarity, read as bool arrays."""

from pathlib import Path
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.errors import UserError
from rechroma.imaging.decode import open_image
from rechroma.imaging.depth import to_8_bits
from rechroma.imaging.io import LIGHT, mask_from_gray, read_opacity
from rechroma.imaging.mask_levels import (
    NoMaskError,
    color_codes,
    has_two_levels,
    split_levels,
)
from rechroma.imaging.pixels import decode_pixels
from rechroma.imaging.types import Luma, Mask

Polarity = Literal["auto", "white", "black"]

AMBIGUOUS = 0.4  # a mask whose light share lies between this and 1 minus this has no clear polarity
EQUAL_SHARE = 0.5  # of a painted copy, at least, that is the photograph
# The polarities of a copy of the photograph.
SCRIBBLE, ERASED = "painted on a copy", "erased from a copy"


class MaskFile(NamedTuple):
    """A mask from a file.

    Attributes:
        lost: `(H, W)` bool, True where lost.
        polarity: which part is lost: `white where lost`, `black where lost`, `painted where lost`;
            of a copy of the photograph, `painted on a copy` or `erased from a copy`.
    """

    lost: Mask
    polarity: str


class MaskSizeError(UserError):
    """The error for a mask of another size than its photograph."""

    def __init__(self, shape: tuple[int, ...], expected: tuple[int, ...], path: Path) -> None:
        self.reason = f"is {shape[1]}x{shape[0]} px, expected {expected[1]}x{expected[0]} px"
        super().__init__(f"{path}: {self.reason}")


def read_mask_file(
    path: Path, polarity: Polarity = "auto", photo: NDArray[Any] | None = None
) -> MaskFile:
    """The mask in an image file, upright.

    Args:
        path: of a picture of two levels (`mask_levels.split_levels`), of a painted transparent
            layer, or of a copy of the photograph in which the damage was painted over or erased.
        polarity: which part of two levels is lost.
        photo: the photograph, `(H, W)` gray or `(H, W, 3)` RGB, of which the file may be a copy.

    Raises:
        MaskSizeError: it has not the size of the photograph.
        UserError: the file is not a picture, or is the photograph itself, or as `parse_mask`.
    """
    with open_image(path) as opened:
        pixels = decode_pixels(opened).pixels
    opacity = read_opacity(path)
    if photo is not None:
        if pixels.shape[:2] != photo.shape[:2]:
            raise MaskSizeError(pixels.shape, photo.shape, path)
        copy = _read_copy(pixels, opacity, photo, str(path))
        if copy is not None:
            return copy
    try:
        return parse_mask(pixels, opacity, polarity, str(path))
    except NoMaskError as error:
        remedy = "paint the lost part in one color on black or on a transparent layer"
        if photo is not None:
            remedy += ", or on an unchanged copy of the photograph saved as PNG"
        raise UserError(f"{path}: {error}; {remedy}") from None


def _read_copy(
    pixels: NDArray[Any], opacity: Luma | None, photo: NDArray[Any], name: str
) -> MaskFile | None:
    """The mask that was painted on or erased from a copy of the photograph; None if it is no copy.

    Raises:
        UserError: nothing was.
    """
    erased = np.zeros(photo.shape[:2], bool) if opacity is None else opacity <= LIGHT
    if erased.all():  # which hides nothing, see `pixels.decode_pixels`
        erased[:] = False
    differs = _differences(pixels, photo) & ~erased
    known = ~erased
    if differs.sum() > (1 - EQUAL_SHARE) * known.sum():
        return None
    if not erased.any() and not differs.any() and np.ptp(pixels):
        raise UserError(
            f"{name}: is the photograph itself, expected a mask: paint what is lost on a copy, "
            "or leave out --mask and the damage is found by rule"
        )
    # A mask may equal most of a photograph of few levels, or of one.
    if has_two_levels(pixels[known & ~differs]):
        return None
    if not differs.any():
        return MaskFile(erased, ERASED)
    return MaskFile(_close_gaps(differs, pixels) | erased, SCRIBBLE)


def parse_mask(
    picture: NDArray[Any], opacity: Luma | None, polarity: Polarity, name: str
) -> MaskFile:
    """The mask that a picture of two levels shows.

    With the polarity `auto` the smaller of the light and the dark part is lost, as hardly any
    photograph to restore has lost most of its area. A picture painted on a transparent layer has
    lost the painted part; with `white` or `black`, what of it is light or dark. A transparent pixel
    is never lost.

    Args:
        picture: `(H, W)` gray or `(H, W, 3)` RGB, uint8 or uint16, of two levels.
        opacity: `(H, W)` uint8 from 0 (transparent) to 255; None if the picture is opaque.
        polarity: which part is lost.
        name: of the mask, in errors.

    Raises:
        NoMaskError: the picture has many levels.
        UserError: the light and the dark part are about equally large, and `polarity` is `auto`.

    >>> parse_mask(np.array([[0, 0, 255]], np.uint8), None, "auto", "mask.png")
    MaskFile(lost=array([[False, False,  True]]), polarity='white where lost')
    """
    # A picture that is partly transparent: what is painted counts.
    painted = None if opacity is None else _painted(opacity)
    if painted is not None and 0 < np.mean(painted) < 1:
        if polarity == "auto":
            return MaskFile(painted, "painted where lost")
        # Transparent parts, white by now, are no level of the picture.
        picture = picture.copy()
        picture[~painted] = picture[painted][0]

    # The smaller part is lost, unless the polarity is stated.
    light = split_levels(picture).light
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


def _painted(opacity: Luma) -> Mask:
    """`(H, W)` bool, True where a layer is painted; a soft brush may fade out."""
    try:
        return split_levels(opacity).light
    except NoMaskError:
        return mask_from_gray(opacity)


def _differences(picture: NDArray[Any], photo: NDArray[Any]) -> Mask:
    """`(H, W)` bool, True where two pictures of one size differ; compared in 8 bits."""
    one, other = to_8_bits(picture), to_8_bits(photo)
    if one.ndim == other.ndim == 2:
        gray_differs: Mask = one != other
        return gray_differs
    colors = [each if each.ndim == 3 else np.dstack([each] * 3) for each in (one, other)]
    differs: Mask = (colors[0] != colors[1]).any(axis=2)
    return differs


def _close_gaps(differs: Mask, painted: NDArray[Any]) -> Mask:
    """A scribble without the gaps where the photograph has the color of the paint."""
    codes = color_codes(painted, painted.ndim == 3)  # (H, W)
    values, counts = np.unique(codes[differs], return_counts=True)
    of_paint = codes == values[counts.argmax()]
    # Pixels of that color that the scribble surrounds closely.
    closed = cv2.morphologyEx(differs.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5)))
    mask: Mask = differs | (of_paint & (closed > 0))
    return mask


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


def widest_hole(mask: Mask) -> float:
    """The diameter, px, of the largest disk in the lost part; 0 where nothing is lost.

    >>> hole = np.zeros((40, 40), bool)
    >>> hole[10:30, 5:35] = True
    >>> round(widest_hole(hole))
    20
    """
    if not mask.any():
        return 0.0
    # Reduced, as pixels do not matter, the way that keeps holes: sides of 500 px are enough.
    step = max(1, min(mask.shape) // 500)
    lost = np.pad(mask[::step, ::step].astype(np.uint8), 1)  # the hole ends at the border
    distance = cv2.distanceTransform(lost, cv2.DIST_L2, 5)
    width = 2 * step * float(distance.max())
    return float(min(width, *mask.shape))
