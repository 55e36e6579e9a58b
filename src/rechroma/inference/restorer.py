"""A network applied to a photograph of any size; what is known of it stays exactly as it is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.color import merge_luma_chroma, rgb_from_ycbcr, ycbcr_from_rgb
from rechroma.imaging.inpaint import FILLS, close_seam, diffuse
from rechroma.imaging.resize import (
    downscale_luma,
    downscale_mask,
    resize_planes,
    upscale,
    upscale_bands,
)
from rechroma.imaging.types import Luma, Mask, Photo, Planes
from rechroma.inference.backend import Backend, NetworkOutput
from rechroma.inference.hole_crops import Box, HoleCrop, find_hole_crops
from rechroma.inference.hue_transfer import blend_histograms, sharpen, transfer_hues
from rechroma.progress import parallel_map
from rechroma.settings import STRIDE, Restore

# px of what the network sees; hues turned finer than this leave colored fringes. Of 8, 12 and 16 no
# score is better than another's: finer has more of C and less of S (docs/score.md).
HUE_CELL = 12
MOST_CELLS = 24  # along the longer side, however large what the network sees: a quarter of a second
FILLED = 512  # px; holes are filled in a view reduced to this longer side, that of the competition
JOINED = 2048  # px; and joined to their surroundings in a view reduced to this one


class _View:
    """A photograph, or a part of it, with its holes filled, as the network sees it."""

    def __init__(self, luma: Luma, mask: Mask, fill: str, filled: int, size: int):
        self.luma, self.mask = downscale_luma(luma, filled), downscale_mask(mask, filled)
        self.filled = FILLS[fill](self.luma, self.mask)
        self.seen, self.seen_mask = (
            downscale_luma(self.filled, size),
            downscale_mask(self.mask, size),
        )


@dataclass(frozen=True)
class Restorer:
    """A network, and how it is used.

    Attributes:
        inference: the network.
        settings: the size at which it looks at photographs, and what becomes of its hues.
        filled: longer side, px, of the views in which holes are filled.
    """

    inference: Backend
    settings: Restore
    filled: int = FILLED

    def __call__(self, damaged: Luma, mask: Mask) -> Photo:
        """Give a gray photograph its color and its lost part.

        Args:
            damaged: `(H, W)` uint8 gray.
            mask: `(H, W)` bool, True where lost.

        Returns:
            `(H, W, 3)` uint8 RGB. With `model.keep_gray` its gray (Pillow's) is `damaged` wherever
            the mask is False.
        """
        model = self.inference.model
        whole = self._view(damaged, mask)
        said = self.inference(whole.seen, whole.seen_mask)
        restored = np.empty((*damaged.shape, 3), dtype=np.uint8)
        if not model.keep_gray:
            for rows, band in upscale_bands(_rgb(said, model.output), damaged.shape):
                restored[rows] = _to_levels(band).transpose(1, 2, 0)
            return restored
        chroma = _chroma(said, model.output)
        if said.hues is not None and self.settings.hues:
            places = sharpen(said.hues)
            chroma = transfer_hues(_hue_cells(chroma), blend_histograms(chroma, places), places)
        luma = damaged.copy()
        for hole, filled in self._filled(damaged, mask, whole, said):
            luma[hole.core][mask[hole.core]] = filled

        def color(piece: tuple[slice, Planes]) -> None:
            rows, band = piece
            restored[rows] = merge_luma_chroma(luma[rows], band)

        for _ in parallel_map(color, upscale_bands(chroma, damaged.shape)):
            pass
        return restored

    def keep_color(self, photo: Photo, mask: Mask) -> Photo:
        """Restore only the lost part of a photograph that has its color.

        Args:
            photo: `(H, W, 3)` uint8 RGB.
            mask: `(H, W)` bool, True where lost.

        Returns:
            `(H, W, 3)` uint8 RGB, `photo` wherever the mask is False.
        """
        from rechroma.imaging.color import to_luma as luma_of

        if not mask.any():
            return photo.copy()
        damaged = luma_of(photo)
        whole = self._view(damaged, mask)
        said = self.inference(whole.seen, whole.seen_mask)
        overview = _chroma(said, self.inference.model.output)
        restored = photo.copy()
        for hole, filled in self._filled(damaged, mask, whole, said):
            lost = mask[hole.core]
            chroma = self._continued(photo, mask, overview, hole)[:, lost]
            restored[hole.core][lost] = merge_luma_chroma(filled[None], chroma[:, None])[0]
            if max(restored[hole.view].shape) <= JOINED:
                inside = np.zeros_like(mask[hole.view])
                inside[_within(hole.core, hole.view)] = lost
                restored[hole.view] = close_seam(restored[hole.view], inside)
        return restored

    def smaller(self) -> "Restorer | None":
        """One that needs less memory, and sees less; None where there is none."""
        size = self.settings.size // 2
        if size < STRIDE:
            return None
        settings = self.settings.model_copy(update={"size": size})
        return replace(self, settings=settings, filled=self.filled // 2)

    def _view(self, luma: Luma, mask: Mask) -> _View:
        fill = self.inference.model.fill
        return _View(luma, mask, fill, self.filled, self.settings.size)

    def _filled(
        self, damaged: Luma, mask: Mask, whole: _View, said: NetworkOutput
    ) -> Iterator[tuple[HoleCrop, Luma]]:
        """Each hole, and `(N,)` uint8 for the lost pixels of its core in their order."""
        output = self.inference.model.output
        for hole in find_hole_crops(mask):
            seen, lost = damaged[hole.view], mask[hole.view]
            if seen.shape == damaged.shape:
                yield hole, _fill_hole(whole, said, output, damaged, mask, hole.core)
                continue
            view = self._view(seen, lost)
            heard = self.inference(view.seen, view.seen_mask)
            core = _within(hole.core, hole.view)
            yield hole, _fill_hole(view, heard, output, seen, lost, core)

    def _continued(self, photo: Photo, mask: Mask, overview: Planes, hole: HoleCrop) -> Planes:
        """`(2, h, w)` chroma of a core: what the overview has, moved to meet the known around."""
        view = hole.view
        seen, lost = photo[view], downscale_mask(mask[view], self.filled)
        small = cv2.resize(seen, lost.shape[::-1], interpolation=cv2.INTER_AREA)
        known = np.stack(
            ycbcr_from_rgb(
                *(np.float32(1 / 255) * small).reshape(*lost.shape, 3).transpose(2, 0, 1)
            )
        )[1:]
        guess = _part(overview, photo.shape[:2], view, lost.shape)
        met = [
            plane + diffuse(true - plane, lost) for plane, true in zip(guess, known, strict=True)
        ]
        rows, columns = _within(hole.core, view)
        return upscale(np.stack(met), seen.shape[:2])[:, rows, columns]


def _fill_hole(
    view: _View, said: NetworkOutput, output: str, seen: Luma, lost: Mask, core: Box
) -> Luma:
    """`(N,)` uint8 for the lost pixels of `core`, of a photograph `seen` through its view.

    Where the view is reduced, what it lacks in brightness at the border of the hole is carried on
    into it, so that no step stands there.
    """
    luma = said.color[0] if output == "luma_chroma" else ycbcr_from_rgb(*said.color)[0]
    change = upscale((luma - np.float32(1 / 255) * view.seen)[None], view.filled.shape)[0]
    fine = np.float32(1 / 255) * view.filled + change
    near, near_mask = downscale_luma(seen, JOINED), downscale_mask(lost, JOINED)
    if fine.shape != near.shape:
        fine = upscale(fine[None], near.shape)[0]
        fine += diffuse(np.float32(1 / 255) * near - fine, near_mask)
    joined = close_seam(np.where(near_mask, _to_levels(fine), near), near_mask)
    if joined.shape == seen.shape:
        return joined[core][lost[core]]
    filled = np.zeros(seen.shape, dtype=np.uint8)
    for rows, band in upscale_bands(np.float32(1 / 255) * joined[None], seen.shape):
        filled[rows] = _to_levels(band[0])
    return filled[core][lost[core]]


def _within(core: Box, view: Box) -> Box:
    """The rows and columns of `core` counted from where `view` begins."""
    rows, columns = (
        slice(inner.start - outer.start, inner.stop - outer.start)
        for inner, outer in zip(core, view, strict=True)
    )
    return rows, columns


def _part(planes: Planes, shape: tuple[int, ...], view: Box, wanted: tuple[int, ...]) -> Planes:
    """`(C, *wanted)`: what `planes` of a whole photograph of `shape` have at a view of it."""
    rows, columns = (
        (each.start + (np.arange(count) + 0.5) * (each.stop - each.start) / count) * small / side
        - 0.5
        for each, count, small, side in zip(view, wanted, planes.shape[1:], shape, strict=True)
    )
    x, y = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
    return np.stack(
        [
            cv2.remap(plane, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
            for plane in planes
        ]
    )


def _hue_cells(planes: Planes) -> Planes:
    cell = max(HUE_CELL, max(planes.shape) / MOST_CELLS)
    height, width = (max(1, round(side / cell)) for side in planes.shape[1:])
    return resize_planes(planes, (height, width), cv2.INTER_AREA)


def _to_levels(values: Planes) -> NDArray[np.uint8]:
    return np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)


def _rgb(said: NetworkOutput, output: str) -> Planes:
    return said.color if output == "rgb" else np.stack(rgb_from_ycbcr(*said.color))


def _chroma(said: NetworkOutput, output: str) -> Planes:
    """`(2, h, w)` float32 Cb, Cr."""
    planes = said.color if output == "luma_chroma" else np.stack(ycbcr_from_rgb(*said.color))
    return planes[1:]
