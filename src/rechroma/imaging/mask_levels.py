"""What a mask is: a picture of two levels, whichever they are. The only place that decides it."""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.imaging.depth import to_8_bits
from rechroma.imaging.types import Luma, Mask

NEAR = 1 / 6  # of the way between the two levels: so far off a level still counts as that level
EDGE = 8  # px, the block of a JPEG: levels in between are blurred edges where one is so near
THIN = 2  # px from the larger level: half of a line that never reaches the other level
THIN_SHARE = 0.1  # of a mask with such lines, at most, that is in between
FEW_LEVELS = 8  # of a picture, at most, where an edge must be within 1 px
OUTER = 0.1  # of the dark pixels are darker than the dark level, and likewise the light ones
BETWEEN_SHARE = 0.2  # of a mask, at most, that is in between
SMALLEST_SPAN = 32  # of 255, between the two levels of a mask that has more

EXPECTED_MASK = "expected a mask of two levels, such as black and white"


class NoMaskError(UserError):
    """The error for a picture that is no mask, without its name."""


class TwoLevels(NamedTuple):
    """A picture of two levels.

    Attributes:
        light: `(H, W)` bool, True where it has the lighter one.
        plain: whether it has no other level at all.
    """

    light: Mask
    plain: bool


def has_two_levels(pixels: NDArray[Any]) -> bool:
    """Whether pixels have at most two levels; `(N,)` gray or `(N, 3)` RGB.

    >>> has_two_levels(np.array([5, 9, 5])), has_two_levels(np.array([1, 2, 3]))
    (True, False)
    """
    codes = color_codes(pixels, pixels.ndim == 2)
    others = codes[codes != codes[:1]]
    return bool((others == others[:1]).all())


def split_levels(picture: NDArray[Any]) -> TwoLevels:
    """The light part of a picture of two levels; a picture of one level is all light or all dark.

    Two levels are two levels: 0 and 1, or two colors of a palette, as well as black and white.
    Further levels are accepted where they come from antialiasing or JPEG: at least 80 % of the
    pixels are near one of two levels (within a sixth of the way to the other), and all others are
    at most 8 px from an edge between the two or 2 px from the larger one (1 px in a picture of at
    most 8 levels, where a third level may be a label).

    Args:
        picture: `(H, W)` gray or `(H, W, 3)` RGB; uint8 or uint16.

    Raises:
        NoMaskError: the picture has many levels.

    >>> split_levels(np.array([[0, 1, 1]], np.uint8))
    TwoLevels(light=array([[False,  True,  True]]), plain=True)
    """
    codes = color_codes(picture, picture.ndim == 3)
    first = codes.flat[0]
    others = codes != first  # (H, W)
    if not others.any():
        half = np.iinfo(picture.dtype).max // 2
        light = np.full(codes.shape, bool(to_luma_or_gray(picture[:1, :1])[0, 0] > half))
        return TwoLevels(light, plain=True)
    second = codes.flat[int(others.argmax())]
    if (codes[others] == second).all():
        samples = [picture[~others][0], picture[others][0]]
        return TwoLevels(others if _is_lighter(samples[1], samples[0]) else ~others, plain=True)
    return TwoLevels(_split_blurred(to_8_bits(to_luma_or_gray(picture))), plain=False)


def to_luma_or_gray(picture: NDArray[Any]) -> NDArray[Any]:
    """`(H, W)` gray of a gray or RGB picture, of the same type.

    >>> to_luma_or_gray(np.zeros((2, 3, 3), np.uint8)).shape
    (2, 3)
    """
    return picture if picture.ndim == 2 else to_luma(picture)


def color_codes(picture: NDArray[Any], is_rgb: bool) -> NDArray[Any]:
    """One number for each pixel of an array, `(…)` gray or `(…, 3)` RGB.

    >>> color_codes(np.array([[0, 1, 0], [2, 0, 0]], np.uint8), is_rgb=True).tolist()
    [256, 2]
    """
    if not is_rgb:
        return picture
    bits = picture.dtype.itemsize * 8
    parts = [picture[..., channel].astype(np.uint64) << (bits * channel) for channel in range(3)]
    codes: NDArray[Any] = parts[0] | parts[1] | parts[2]
    return codes


def _is_lighter(one: Any, other: Any) -> bool:
    """Whether a gray or color is lighter than another; of equal luma, the one of more light."""
    if np.ndim(one) == 0:
        return bool(one > other)
    weighed = [
        (int(to_luma(each[None, None])[0, 0]), each.astype(int).tolist()) for each in (one, other)
    ]
    return weighed[0] > weighed[1]


def _split_blurred(gray: Luma) -> Mask:
    """`(H, W)` bool, True where light, of a mask whose edges are blurred or were saved as JPEG."""
    histogram = np.bincount(gray.ravel(), minlength=256)
    threshold, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    # The levels, taken far out: thin lines reach theirs in few pixels.
    low = _quantile(histogram[: int(threshold) + 1], OUTER)
    high = int(threshold) + 1 + _quantile(histogram[int(threshold) + 1 :], 1 - OUTER)
    # Near the dark level, near the light level, or in between.
    margin = (high - low) * NEAR
    dark, light = gray <= low + margin, gray >= high - margin  # (H, W) each
    dark &= gray >= low - margin
    light &= gray <= high + margin
    between = ~dark & ~light
    share = float(between.mean())
    if high - low < SMALLEST_SPAN or share > BETWEEN_SHARE:
        raise NoMaskError(_many(histogram))
    # An edge is near: within reach of a dark and of a light pixel; or it is a line so thin that it
    # never gets light. Labels of a third kind are few levels, and wider than both.
    few = (histogram > 0).sum() <= FEW_LEVELS
    near_dark, near_light = (_within(each, 1 if few else EDGE) for each in (dark, light))
    blurred = near_dark & near_light
    if share <= THIN_SHARE:
        blurred |= _within(max(dark, light, key=np.sum), 1 if few else THIN)
    if (between & ~blurred).any():
        raise NoMaskError(_many(histogram))
    lighter: Mask = gray > (low + high) / 2
    return lighter


def _within(mask: Mask, px: int) -> Mask:
    """`(H, W)` bool, True where a pixel of `mask` is at most `px` away in each direction."""
    kernel = np.ones((2 * px + 1, 2 * px + 1), np.uint8)
    near: Mask = cv2.dilate(mask.astype(np.uint8), kernel) > 0
    return near


def _quantile(histogram: NDArray[np.integer[Any]], share: float) -> int:
    return int(np.searchsorted(histogram.cumsum(), max(1, share * histogram.sum())))


def _many(histogram: NDArray[np.integer[Any]]) -> str:
    levels = int((histogram > 0).sum())
    return f"has {levels} levels and no clear edge, {EXPECTED_MASK}"
