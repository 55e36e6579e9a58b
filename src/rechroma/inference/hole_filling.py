"""One hole of a photograph: filled from a network's output and joined to its surroundings."""

from dataclasses import dataclass

import cv2
import numpy as np

from rechroma.imaging.color import ycbcr_from_rgb
from rechroma.imaging.inpaint import FILLS, close_seam, diffuse
from rechroma.imaging.resize import (
    downscale_luma,
    downscale_mask,
    upscale,
    upscale_bands,
)
from rechroma.imaging.types import Luma, Mask, Photo, Planes
from rechroma.inference.hole_crops import Box, HoleCrop

SEAM_SIZE = 2048  # px; seams are closed on a crop reduced to this longer side
UNIT = np.float32(1 / 255)  # of a level of gray


@dataclass(frozen=True)
class View:
    """A photograph, or a crop of it, with its holes filled: what a network looks at.

    Attributes:
        filled: `(h, w)` uint8 gray, reduced to the size for holes and then filled.
        luma: `(h', w')` uint8, that reduced to the network's size.
        mask: `(h', w')` bool likewise, True where lost.
    """

    filled: Luma
    luma: Luma
    mask: Mask


def make_view(luma: Luma, mask: Mask, fill: str, hole_size: int, network_size: int) -> View:
    """The view of a photograph or crop for a network.

    Args:
        luma: `(H, W)` uint8 gray.
        mask: `(H, W)` bool, True where lost.
        fill: a name in `FILLS`: what is in the holes when the network looks.
        hole_size: longer side, px, at which holes are filled.
        network_size: longer side, px, of the network's input.

    >>> luma, mask = np.full((60, 80), 100, np.uint8), np.zeros((60, 80), bool)
    >>> mask[20:30, 20:30] = True
    >>> view = make_view(np.where(mask, 0, luma), mask, "telea", hole_size=80, network_size=40)
    >>> view.filled.shape, view.luma.shape, int(view.luma.min())
    ((60, 80), (30, 40), 100)
    """
    reduced, lost = downscale_luma(luma, hole_size), downscale_mask(mask, hole_size)
    filled = FILLS[fill](reduced, lost)
    return View(filled, downscale_luma(filled, network_size), downscale_mask(lost, network_size))


def fill_hole(view: View, predicted: Planes, damaged: Luma, mask: Mask, core: Box) -> Luma:
    """The gray of the lost pixels of a core, joined to the known gray around them.

    Args:
        view: the view of this photograph or crop that the network looked at.
        predicted: `(h', w')` float32 luma in [0, 1], the network's output for it.
        damaged: `(H, W)` uint8, the photograph or crop.
        mask: `(H, W)` bool, True where lost.
        core: rows and columns of `damaged`.

    Returns:
        `(N,)` uint8, row by row.

    >>> luma, mask = np.full((60, 80), 100, np.uint8), np.zeros((60, 80), bool)
    >>> mask[20:30, 20:30] = True
    >>> view = make_view(luma, mask, "telea", hole_size=80, network_size=40)
    >>> predicted = view.luma.astype(np.float32) / 255
    >>> gray = fill_hole(view, predicted, luma, mask, np.s_[10:40, 10:40])
    >>> gray.shape, bool((np.abs(gray.astype(int) - 100) < 5).all())
    ((100,), True)
    """
    # The network's change of its input, enlarged, on the finer gray of the view.
    change = upscale((predicted - UNIT * view.luma)[None], view.filled.shape)[0]
    fine = UNIT * view.filled + change  # (h, w)
    # A reduced view is enlarged. It lacks detail of the photograph; the difference at the hole's
    # border is continued into the hole, so that no step is there.
    near, near_mask = downscale_luma(damaged, SEAM_SIZE), downscale_mask(mask, SEAM_SIZE)
    if fine.shape != near.shape:
        fine = upscale(fine[None], near.shape)[0]
        fine += diffuse(UNIT * near - fine, near_mask)
    # The seam between known and filled pixels is closed.
    joined = close_seam(np.where(near_mask, to_levels(fine), near), near_mask)
    if joined.shape == damaged.shape:
        return joined[core][mask[core]]
    # A very large crop was reduced for that, and is enlarged a band of rows at a time.
    filled = np.zeros(damaged.shape, dtype=np.uint8)
    for rows, band in upscale_bands(UNIT * joined[None], damaged.shape):
        filled[rows] = to_levels(band[0])
    return filled[core][mask[core]]


def continue_chroma(
    photo: Photo, mask: Mask, predicted: Planes, crop: HoleCrop, hole_size: int
) -> Planes:
    """The predicted chroma of a core, shifted to meet the known color around the hole.

    Args:
        photo: `(H, W, 3)` uint8 RGB.
        mask: `(H, W)` bool, True where lost.
        predicted: `(2, h, w)` float32 Cb, Cr of the whole photograph.
        crop: of the photograph.
        hole_size: longer side, px, to which the crop is reduced for it.

    Returns:
        `(2, rows, columns)` float32 Cb, Cr of the core.

    >>> photo, mask = np.full((60, 80, 3), (200, 80, 40), np.uint8), np.zeros((60, 80), bool)
    >>> mask[20:30, 20:30] = True
    >>> crop = HoleCrop(core=np.s_[20:30, 20:30], context=np.s_[0:60, 0:80])
    >>> gray = np.zeros((2, 15, 20), np.float32)
    >>> continue_chroma(photo, mask, gray, crop, hole_size=80)[:, 5, 5].round(2).tolist() == (
    ...     np.stack(ycbcr_from_rgb(*(photo[0, 0] / np.float32(255))))[1:].round(2).tolist()
    ... )
    True
    """
    # The crop, reduced, and its known chroma.
    context = photo[crop.context]
    lost = downscale_mask(mask[crop.context], hole_size)  # (h', w')
    small = cv2.resize(context, lost.shape[::-1], interpolation=cv2.INTER_AREA)
    red, green, blue = (UNIT * small).reshape(*lost.shape, 3).transpose(2, 0, 1)
    known = np.stack(ycbcr_from_rgb(red, green, blue))[1:]  # (2, h', w')
    # The prediction at the same pixels.
    guess = _resample(predicted, photo.shape[:2], crop.context, lost.shape)  # (2, h', w')
    # Its error is known around the hole, and continued into it.
    shifted = [
        plane + diffuse(target - plane, lost) for plane, target in zip(guess, known, strict=True)
    ]
    rows, columns = box_within(crop.core, crop.context)
    return upscale(np.stack(shifted), context.shape[:2])[:, rows, columns]


def close_color_seam(restored: Photo, mask: Mask, crop: HoleCrop) -> None:
    """Close the seam around a filled core, in place; a very large crop keeps it.

    Args:
        restored: `(H, W, 3)` uint8 RGB, the core filled.
        mask: `(H, W)` bool, True where the photograph was lost.
        crop: of the photograph.

    >>> photo, mask = np.full((60, 80, 3), 100, np.uint8), np.zeros((60, 80), bool)
    >>> mask[20:40, 20:40] = True
    >>> photo[mask] = 140
    >>> close_color_seam(photo, mask, HoleCrop(np.s_[20:40, 20:40], np.s_[0:60, 0:80]))
    >>> int(np.abs(np.diff(photo[30, :, 0].astype(int))).max()) < 30  # the step was of 40 levels
    True
    """
    if max(restored[crop.context].shape) > SEAM_SIZE:
        return
    filled = np.zeros_like(mask[crop.context])
    filled[box_within(crop.core, crop.context)] = mask[crop.core]
    restored[crop.context] = close_seam(restored[crop.context], filled)


def box_within(inner: Box, outer: Box) -> Box:
    """`inner`, counted from the first row and column of `outer`.

    >>> box_within(np.s_[20:30, 25:35], np.s_[10:60, 5:80])
    (slice(10, 20, None), slice(20, 30, None))
    """
    rows, columns = (
        slice(one.start - other.start, one.stop - other.start)
        for one, other in zip(inner, outer, strict=True)
    )
    return rows, columns


def to_levels(values: Planes) -> Luma:
    """Values in [0, 1] as uint8 levels in 0…255, rounded and clipped; any shape.

    >>> to_levels(np.array([-0.1, 0.5, 1.0], np.float32)).tolist()
    [0, 128, 255]
    """
    return np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)


def _resample(planes: Planes, shape: tuple[int, ...], box: Box, size: tuple[int, ...]) -> Planes:
    """`(C, *size)`: `planes` of a whole photograph of `shape`, at the pixels of a box of it."""
    # Middles of the result's pixels, in coordinates of the photograph, then of the planes.
    rows, columns = (
        (span.start + (np.arange(count) + 0.5) * (span.stop - span.start) / count) * small / side
        - 0.5
        for span, count, small, side in zip(box, size, planes.shape[1:], shape, strict=True)
    )
    x, y = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
    return np.stack(
        [
            cv2.remap(plane, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
            for plane in planes
        ]
    )
