"""Between RGB and luma with chroma (ITU-R BT.601, full range), and the joint that keeps gray exact.

Floating-point planes run over [0, 1] for R, G, B and luma, over [-0.5, 0.5] for chroma (Cb, Cr).
"""

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rechroma.imaging.types import Luma, Photo

if TYPE_CHECKING:
    import torch


Plane = TypeVar("Plane", "torch.Tensor", NDArray[Any])

RED, GREEN, BLUE = 0.299, 0.587, 0.114
# Pillow's convert("L") is (R·19595 + G·38470 + B·7471 + 32768) >> 16: the same weights in 16 bits.
RED_16, GREEN_16, BLUE_16 = 19595, 38470, 7471
ONE_16 = 1 << 16
HALF_16 = 1 << 15


def rgb_from_ycbcr(luma: Plane, cb: Plane, cr: Plane) -> tuple[Plane, Plane, Plane]:
    """R, G, B planes of the same shape; outside [0, 1] where no color has this luma and chroma."""
    red = luma + 2 * (1 - RED) * cr
    blue = luma + 2 * (1 - BLUE) * cb
    green = (luma - RED * red - BLUE * blue) / GREEN
    return red, green, blue


def ycbcr_from_rgb(red: Plane, green: Plane, blue: Plane) -> tuple[Plane, Plane, Plane]:
    """Luma, Cb, Cr planes of the same shape."""
    luma = RED * red + GREEN * green + BLUE * blue
    return luma, (blue - luma) / (2 * (1 - BLUE)), (red - luma) / (2 * (1 - RED))


def to_rgb(ycbcr: "torch.Tensor") -> "torch.Tensor":
    """`(N, 3, H, W)` luma, Cb, Cr as `(N, 3, H, W)` RGB."""
    import torch

    return torch.stack(rgb_from_ycbcr(*ycbcr.unbind(1)), dim=1)


def to_ycbcr(rgb: "torch.Tensor") -> "torch.Tensor":
    """`(N, 3, H, W)` RGB as `(N, 3, H, W)` luma, Cb, Cr."""
    import torch

    return torch.stack(ycbcr_from_rgb(*rgb.unbind(1)), dim=1)


def merge_luma_chroma(luma: NDArray[np.uint8], chroma: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The photograph with exactly this luma and, as nearly as 8 bits allow, this chroma.

    Colors outside RGB are brought back towards gray at their luma, which keeps their hue. Red and
    blue are rounded, then green is the level that gives the luma back: a step of green moves the
    luma by 0.587 levels, so there is one, except at the border of RGB. There the chroma shrinks
    until there is one; gray itself always is.

    Args:
        luma: `(H, W)` uint8.
        chroma: `(2, H, W)` float32 Cb, Cr in [-0.5, 0.5].

    Returns:
        `(H, W, 3)` uint8 RGB whose Pillow `convert("L")` equals `luma` everywhere.
    """
    known = luma.ravel()
    planes = chroma.reshape(2, -1)
    photo, exact = _nearest(known, planes)
    for shrink in (0.9, 0.75, 0.5, 0.25, 0.0):
        if exact.all():
            break
        left = np.flatnonzero(~exact)
        photo[left], exact[left] = _nearest(known[left], planes[:, left] * np.float32(shrink))
    return photo.reshape(*luma.shape, 3)


def _nearest(
    luma: NDArray[np.uint8], chroma: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """`(N, 3)` RGB for `(N,)` luma and `(2, N)` chroma, and where its gray is exactly the luma."""
    wanted = luma.astype(np.float32)
    color = np.stack(rgb_from_ycbcr(np.zeros_like(wanted), chroma[0] * 255, chroma[1] * 255))
    color *= _gamut_scale(wanted, color)
    red, green, blue = np.rint(color + wanted).astype(np.int32)
    red, blue = np.clip(red, 0, 255), np.clip(blue, 0, 255)
    rest = luma.astype(np.int32) * ONE_16 - red * RED_16 - blue * BLUE_16
    lowest = -((HALF_16 - rest) // GREEN_16)  # ceil((rest - half) / green)
    highest = (rest + HALF_16 - 1) // GREEN_16
    green = np.clip(np.clip(green, lowest, highest), 0, 255)
    exact = (lowest <= green) & (green <= highest)
    return np.stack([red, green, blue], axis=-1).astype(np.uint8), exact


def _gamut_scale(luma: NDArray[np.float32], color: NDArray[np.float32]) -> NDArray[np.float32]:
    """`(N,)` largest factor up to 1 that keeps `luma + factor * color` in 0…255; color `(3, N)`."""
    room = np.where(color > 0, 255 - luma, luma)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        factor = np.where(color == 0, 1.0, room / np.abs(color))
    scale: NDArray[np.float32] = np.minimum(factor.min(axis=0), 1.0).astype(np.float32)
    return scale


GRAY_SPREAD = 8  # levels between the channels that JPEG alone brings into a gray photograph
GRAY_SHARE = 0.999  # share of the pixels that must keep within it
ROWS = 1024  # looked at at once where a whole photograph would take much memory


def to_luma(photo: Photo) -> Luma:
    """`(H, W)` uint8 luma of an `(H, W, 3)` uint8 RGB photo: exactly Pillow's `convert("L")`."""
    return np.array(Image.fromarray(photo).convert("L"))


def is_gray(photo: Photo) -> bool:
    """Whether an `(H, W, 3)` uint8 RGB photo holds no color but JPEG's rounding."""
    colored = 0
    for top in range(0, photo.shape[0], ROWS):
        red, green, blue = photo[top : top + ROWS].transpose(2, 0, 1)
        highest = np.maximum(np.maximum(red, green), blue)
        lowest = np.minimum(np.minimum(red, green), blue)
        colored += int(np.count_nonzero(highest - lowest > GRAY_SPREAD))
    allowed: float = (1 - GRAY_SHARE) * photo.shape[0] * photo.shape[1]
    return colored <= allowed
