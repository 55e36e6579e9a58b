"""RGB to luma and chroma and back (ITU-R BT.601, full range), with an exact luma.

Floating-point planes are in [0, 1] for R, G, B and luma, in [-0.5, 0.5] for chroma (Cb, Cr). The
conversions are ours because a restored photograph must keep its luma to the level, which those of
OpenCV and scikit-image do not promise.
"""

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rechroma.imaging.depth import Level, to_8_bits
from rechroma.imaging.types import Mask, Plane, Planes

if TYPE_CHECKING:
    import torch


Channel = TypeVar("Channel", "torch.Tensor", NDArray[Any])

RED, GREEN, BLUE = 0.299, 0.587, 0.114
# Pillow's convert("L") is (R·19595 + G·38470 + B·7471 + 32768) >> 16: the same weights in 16 bits.
RED_16, GREEN_16, BLUE_16 = 19595, 38470, 7471
ONE_16 = 1 << 16
HALF_16 = 1 << 15

SHRINK = (0.9, 0.75, 0.5, 0.25, 0.0)  # of the chroma, in turns, until a color has the luma

GRAY_SPREAD = 8  # levels between the channels that JPEG alone causes in a gray photograph
GRAY_SHARE = 0.999  # share of the pixels of a gray photograph within that spread, at least
BAND_ROWS = 1024  # rows looked at together, so that large photographs take little memory


def rgb_from_ycbcr(luma: Channel, cb: Channel, cr: Channel) -> tuple[Channel, Channel, Channel]:
    """Red, green and blue of luma and chroma.

    Args:
        luma: any shape, in [0, 1].
        cb: the same shape, in [-0.5, 0.5].
        cr: the same shape, in [-0.5, 0.5].

    Returns:
        R, G, B of the same shape; outside [0, 1] where no color has this luma and chroma.

    >>> gray = np.full((1, 2), 0.5)
    >>> red, green, blue = rgb_from_ycbcr(gray, 0 * gray, 0 * gray)
    >>> red.tolist(), blue.tolist()
    ([[0.5, 0.5]], [[0.5, 0.5]])
    """
    red = luma + 2 * (1 - RED) * cr
    blue = luma + 2 * (1 - BLUE) * cb
    green = (luma - RED * red - BLUE * blue) / GREEN
    return red, green, blue


def ycbcr_from_rgb(red: Channel, green: Channel, blue: Channel) -> tuple[Channel, Channel, Channel]:
    """Luma and chroma of red, green and blue.

    Args:
        red: any shape, in [0, 1].
        green: the same shape, in [0, 1].
        blue: the same shape, in [0, 1].

    Returns:
        luma in [0, 1], Cb and Cr in [-0.5, 0.5], of the same shape.

    >>> luma, cb, cr = ycbcr_from_rgb(np.ones(1), np.zeros(1), np.zeros(1))
    >>> luma.tolist(), cr.round(3).tolist()
    ([0.299], [0.5])
    """
    luma = RED * red + GREEN * green + BLUE * blue
    return luma, (blue - luma) / (2 * (1 - BLUE)), (red - luma) / (2 * (1 - RED))


def to_rgb(ycbcr: "torch.Tensor") -> "torch.Tensor":
    """`(N, 3, H, W)` luma, Cb, Cr as `(N, 3, H, W)` RGB; ranges as in `rgb_from_ycbcr`.

    >>> import torch
    >>> rgb = to_rgb(torch.tensor([0.5, 0.0, 0.0]).reshape(1, 3, 1, 1))
    >>> [round(value, 3) for value in rgb.flatten().tolist()]
    [0.5, 0.5, 0.5]
    """
    import torch

    return torch.stack(rgb_from_ycbcr(*ycbcr.unbind(1)), dim=1)


def to_ycbcr(rgb: "torch.Tensor") -> "torch.Tensor":
    """`(N, 3, H, W)` RGB as `(N, 3, H, W)` luma, Cb, Cr; ranges as in `ycbcr_from_rgb`.

    >>> import torch
    >>> to_ycbcr(torch.zeros(1, 3, 1, 1)).flatten().tolist()
    [0.0, 0.0, 0.0]
    """
    import torch

    return torch.stack(ycbcr_from_rgb(*rgb.unbind(1)), dim=1)


def merge_luma_chroma(luma: NDArray[Level], chroma: Planes) -> NDArray[Level]:
    """The photograph with exactly this luma and, as nearly as its bits allow, this chroma.

    Colors outside RGB are moved towards gray at their luma, which keeps their hue. Red and blue are
    rounded, then green is the level that restores the luma: a step of green changes the luma by
    0.587 levels, so there is one, except at the border of RGB. There the chroma shrinks until a
    color has the luma; gray always has it.

    Args:
        luma: `(H, W)` uint8 or uint16.
        chroma: `(2, H, W)` float32 Cb, Cr in [-0.5, 0.5].

    Returns:
        `(H, W, 3)` RGB of the same type whose gray (`to_luma`) equals `luma` everywhere.

    >>> luma = np.array([[0, 100, 255]], np.uint8)
    >>> photo = merge_luma_chroma(luma, np.full((2, 1, 3), 0.1, np.float32))
    >>> photo[0, 1].tolist()
    [136, 73, 145]
    >>> to_luma(photo).tolist()
    [[0, 100, 255]]
    """
    levels = luma.ravel()  # (N,) with N = H·W
    planes = chroma.reshape(2, -1)  # (2, N)
    # Try the full chroma first: most pixels get the exact luma with it.
    photo, exact = _nearest_rgb(levels, planes)  # (N, 3) and (N,)
    # Try the other pixels again with less and less chroma.
    for factor in SHRINK:
        if exact.all():
            break
        rest = np.flatnonzero(~exact)
        photo[rest], exact[rest] = _nearest_rgb(levels[rest], planes[:, rest] * np.float32(factor))
    return photo.reshape(*luma.shape, 3)


def _nearest_rgb(luma: NDArray[Level], chroma: Planes) -> tuple[NDArray[Level], Mask]:
    """`(N, 3)` RGB for `(N,)` luma and `(2, N)` chroma, and `(N,)` whether it has that luma."""
    top = int(np.iinfo(luma.dtype).max)
    integer = np.int32 if top == 255 else np.int64  # that the weighted sums fit in
    # The color as a difference from gray, scaled so that gray plus difference stays in RGB.
    gray = luma.astype(np.float32)
    color = np.stack(rgb_from_ycbcr(np.zeros_like(gray), chroma[0] * top, chroma[1] * top))
    color *= _gamut_scale(gray, color, top)  # (3, N), levels
    red, green, blue = np.rint(color + gray).astype(integer)
    red, blue = np.clip(red, 0, top), np.clip(blue, 0, top)
    # Solve Pillow's luma for green: rest - half <= green·GREEN_16 < rest + half.
    rest = luma.astype(integer) * ONE_16 - red * RED_16 - blue * BLUE_16
    lowest = -((HALF_16 - rest) // GREEN_16)  # the quotient rounded up
    highest = (rest + HALF_16 - 1) // GREEN_16
    # Move green into that interval; what falls outside 0…top then has another luma.
    green = np.clip(np.clip(green, lowest, highest), 0, top)
    exact = (lowest <= green) & (green <= highest)
    return np.stack([red, green, blue], axis=-1).astype(luma.dtype), exact


def _gamut_scale(luma: Plane, color: Planes, top: int) -> Plane:
    """`(N,)` largest factor up to 1 that keeps `luma + factor * color` in 0…top; color `(3, N)`."""
    room = np.where(color > 0, top - luma, luma)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        factor = np.where(color == 0, 1.0, room / np.abs(color))
    scale: Plane = np.minimum(factor.min(axis=0), 1.0).astype(np.float32)
    return scale


def to_luma(photo: NDArray[Level]) -> NDArray[Level]:
    """`(H, W)` luma of an `(H, W, 3)` RGB photo of the same type, uint8 or uint16.

    Of 8 bits it is exactly Pillow's `convert("L")`, of 16 bits the same weighted sum.

    >>> to_luma(np.full((1, 2, 3), 255, np.uint8)).tolist()
    [[255, 255]]
    >>> to_luma(np.array([[[1000, 2000, 3000]]], np.uint16)).tolist()
    [[1815]]
    """
    if photo.dtype == np.uint8:
        return np.array(Image.fromarray(photo).convert("L"))
    luma = np.empty(photo.shape[:2], photo.dtype)
    for top in range(0, photo.shape[0], BAND_ROWS):
        red, green, blue = photo[top : top + BAND_ROWS].transpose(2, 0, 1).astype(np.int64)
        luma[top : top + BAND_ROWS] = (
            red * RED_16 + green * GREEN_16 + blue * BLUE_16 + HALF_16
        ) >> 16
    return luma


def is_gray(photo: NDArray[Level]) -> bool:
    """Whether an `(H, W, 3)` uint8 or uint16 RGB photo has no color beyond the rounding of JPEG.

    >>> is_gray(np.full((4, 4, 3), 90, np.uint8))
    True
    >>> is_gray(np.full((4, 4, 3), (200, 90, 90), np.uint8))
    False
    """
    colored = 0
    for top in range(0, photo.shape[0], BAND_ROWS):
        red, green, blue = to_8_bits(photo[top : top + BAND_ROWS]).transpose(2, 0, 1)
        highest = np.maximum(np.maximum(red, green), blue)
        lowest = np.minimum(np.minimum(red, green), blue)
        colored += int(np.count_nonzero(highest - lowest > GRAY_SPREAD))
    allowed: float = (1 - GRAY_SHARE) * photo.shape[0] * photo.shape[1]
    return colored <= allowed
