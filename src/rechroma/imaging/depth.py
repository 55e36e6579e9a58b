"""Bit depth: samples of any depth, as a file stores them, scaled to 8 or 16 bits.

`scale_samples` is the only place that decides which sample value is black and which is white.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from rechroma.errors import UserError

BAND = 1 << 20  # samples scaled together, so that large photographs take little memory
DEPTHS = (8, 10, 12, 14, 16, 24)  # that devices have
FEW_BITS = 4  # a file whose samples leave so many of its upper bits unused has a smaller depth
DARK_BITS = 2  # a file that leaves so many unused is read as it says, with a warning

Level = TypeVar("Level", np.uint8, np.uint16)


class Samples(NamedTuple):
    """The samples of a picture as its file stores them.

    Attributes:
        values: `(H, W, C)` integers or floats; gray or RGB, then opacity where C is 2 or 4.
        bits: of a sample that the file uses, such as 12 of the 16 in the array.
        stated: the samples of black and white where the file states them, else None.
        certain: whether these cannot be mere statistics of the samples, as some TIFFs have them.
        white_is_zero: whether the darkest sample is the largest.
    """

    values: NDArray[Any]
    bits: int
    stated: tuple[float, float] | None = None
    white_is_zero: bool = False
    certain: bool = False


class DepthError(UserError):
    """The error for samples whose range cannot be known."""


def scale_samples(samples: Samples) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The samples in 8 bits where the file has at most 8, else in 16, and warnings about them.

    The range that the file states counts first: its bits, or black and white by name. Integers
    that leave the upper quarter of the bits of their file unused are taken for a smaller depth,
    with a warning, and so are signed ones. Floats need 0 to 1, 255 or 65535, or a stated range.

    Returns:
        `(H, W, C)` uint8 or uint16, 0 black, and one warning for each thing that was assumed.

    Raises:
        DepthError: floats outside of any range that can be known, or no numbers.

    >>> values = np.array([[[0], [2048], [4095]]], np.uint16)
    >>> scale_samples(Samples(values, bits=12))[0].ravel().tolist()
    [0, 32776, 65535]
    >>> scale_samples(Samples(values, bits=16))[1]
    ('uses only levels to 4095 of its 16 bits, which were taken for 12 bits',)
    """
    values = samples.values
    kind, channels = values.dtype.kind, values.shape[2]
    color = channels - (channels in (2, 4))
    black, white, notes = _choose_range(samples, values[..., :color])
    top = 255 if (kind in "bu" and values.dtype.itemsize == 1) or samples.bits <= 8 else 65535
    scaled = _scale(values[..., :color], black, white, top)
    if samples.white_is_zero:
        np.subtract(top, scaled, out=scaled)
    if color < channels:
        alpha = values[..., color:]
        # Opacity uses the range of the colors, or the whole range of its type.
        if kind != "f" and alpha.size and alpha.max() > white:
            black, white = 0, 2**samples.bits - 1
        scaled = np.concatenate([scaled, _scale(alpha, black, white, top)], axis=2)
    return scaled, notes


def _choose_range(samples: Samples, color: NDArray[Any]) -> tuple[float, float, tuple[str, ...]]:
    """The samples of black and white, and what was assumed."""
    if samples.values.dtype.kind == "f":
        return _float_range(samples, color)
    lowest, highest = (int(color.min()), int(color.max())) if color.size else (0, 0)
    bits = samples.bits
    if samples.stated and (samples.certain or _is_depth(samples.stated, lowest, highest)):
        return (*samples.stated, ())
    # Signed samples: all of their range, or its upper half where none is negative.
    if samples.values.dtype.kind == "i" and bits < 32 and lowest < 0:
        half = 2 ** (bits - 1)
        return -half, half - 1, (f"{bits} signed bits, black was taken for {-half}",)
    if lowest < 0:
        raise DepthError(f"holds whole numbers from {lowest} to {highest}, expected none below 0")
    signed = samples.values.dtype.kind == "i"
    used = bits - signed
    notes: tuple[str, ...] = ()
    if signed and bits < 32:  # 32 bits are signed for want of an unsigned type in many programs
        notes = (f"{bits} signed bits, black was taken for 0",)
    # Few levels: a smaller depth in a larger container.
    if bits > 8 and 0 < highest < 2 ** (used - FEW_BITS):
        depth = next((each for each in DEPTHS if highest < 2**each), used)
        if depth < used:
            assumed = f"uses only levels to {highest} of its {bits} bits, "
            return 0, 2**depth - 1, (f"{assumed}which were taken for {depth} bits",)
    if bits > 8 and 0 < highest < 2 ** (used - DARK_BITS):
        notes += (f"is very dark: uses only levels to {highest} of its {bits} bits",)
    return 0, 2**used - 1, notes


def _is_depth(stated: tuple[float, float], lowest: int, highest: int) -> bool:
    """Whether a stated range is a depth of bits that holds all samples; it may be statistics."""
    black, white = stated
    span = int(white - black) + 1
    return black <= lowest and highest <= white and span >= 256 and span & (span - 1) == 0


def _float_range(samples: Samples, color: NDArray[Any]) -> tuple[float, float, tuple[str, ...]]:
    lowest, highest = float(color.min()), float(color.max())
    if not np.isfinite([lowest, highest]).all():
        raise DepthError("holds floating-point values that are no numbers")
    if samples.stated and samples.stated[0] <= lowest and highest <= samples.stated[1]:
        return (*samples.stated, ())
    white = next((each for each in (1, 255, 65535) if highest <= each), None)
    if lowest < 0 or white is None:
        raise DepthError(
            f"holds floating-point values from {lowest:g} to {highest:g}, expected 0 to 1, "
            "or SMinSampleValue and SMaxSampleValue that state black and white"
        )
    return 0, white, (f"floating-point values, white was taken for {white}",)


def _scale(values: NDArray[Any], black: float, white: float, top: int) -> NDArray[Any]:
    """`values` so that black becomes 0 and white `top`, rounded; unchanged if they are that."""
    target = np.uint8 if top == 255 else np.uint16
    if black == 0 and white == top and values.dtype.kind != "f":
        return values.astype(target)
    scaled = np.empty(values.shape, target)
    for rows in _bands(values):
        if values.dtype.kind == "f":
            levels = np.rint((values[rows].astype(np.float64) - black) * (top / (white - black)))
        else:
            span = int(white - black)
            levels = ((values[rows].astype(np.int64) - int(black)) * top + span // 2) // span
        scaled[rows] = np.clip(levels, 0, top)
    return scaled


def _bands(values: NDArray[Any]) -> Iterator[slice]:
    rows = max(1, BAND // max(1, values[:1].size))
    for top in range(0, len(values), rows):
        yield slice(top, top + rows)


@overload
def to_8_bits(picture: NDArray[np.uint8]) -> NDArray[np.uint8]: ...
@overload
def to_8_bits(picture: NDArray[np.uint16]) -> NDArray[np.uint8]: ...
def to_8_bits(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """The high byte of each level of a uint16 picture of any shape; a uint8 one unchanged.

    >>> to_8_bits(np.array([255, 256, 65535], np.uint16)).tolist()
    [0, 1, 255]
    """
    return picture if picture.dtype == np.uint8 else (picture >> 8).astype(np.uint8)


def to_16_bits(picture: NDArray[Any]) -> NDArray[np.uint16]:
    """The levels of a uint8 picture of any shape in 16 bits, 255 as 65535; a uint16 one unchanged.

    >>> to_16_bits(np.array([0, 1, 255], np.uint8)).tolist()
    [0, 257, 65535]
    """
    return picture if picture.dtype == np.uint16 else picture.astype(np.uint16) * np.uint16(257)


def as_depth(picture: NDArray[np.uint8], like: NDArray[Level]) -> NDArray[Level]:
    """A uint8 picture in the depth of another array.

    >>> as_depth(np.array([1], np.uint8), np.zeros(1, np.uint16)).tolist()
    [257]
    """
    return picture if like.dtype == np.uint8 else to_16_bits(picture)  # type: ignore[return-value]
