"""Names for the arrays that the package takes and returns.

An alias fixes the type of the values; shape and meaning are the convention written below it. H and
W are height and width in px, rows first.
"""

import numpy as np
from numpy.typing import NDArray

Photo = NDArray[np.uint8]
"""A color photograph: `(H, W, 3)` uint8, red, green, blue in [0, 255]."""

Luma = NDArray[np.uint8]
"""A gray photograph: `(H, W)` uint8 in [0, 255], the BT.601 luma of Pillow's `convert("L")`."""

Mask = NDArray[np.bool_]
"""The lost pixels of a photograph: `(H, W)` bool, True where lost."""

Plane = NDArray[np.float32]
"""One channel of values: `(H, W)` float32."""

Planes = NDArray[np.float32]
"""Channels of values: `(C, H, W)` float32.

R, G, B and luma are in [0, 1], chroma (Cb, Cr) in [-0.5, 0.5], shares of hues in [0, 1].
"""


class Doubt(str):
    """A warning about something that could not be known, so that a result may be wrong.

    >>> isinstance(Doubt("white was taken for 1"), str)
    True
    """

    __slots__ = ()
