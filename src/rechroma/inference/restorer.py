"""A network applied to a photograph of any size; what is known of it stays exactly as it is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.color import join, rgb_from_ycbcr, ycbcr_from_rgb
from rechroma.imaging.hue import agreed, impose, sharpened
from rechroma.imaging.inpaint import FILLS, diffuse, healed
from rechroma.imaging.resize import (
    enlarge,
    enlarged_bands,
    reduce,
    reduce_mask,
    resize,
)
from rechroma.inference.backend import Inference, Said
from rechroma.inference.hole_crops import Box, Hole, holes
from rechroma.progress import in_order
from rechroma.settings import Restore

Luma = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Photo = NDArray[np.uint8]
Planes = NDArray[np.float32]

# px of what the network sees; hues turned finer than this leave colored fringes. Of 8, 12 and 16 no
# score is better than another's: finer has more of C and less of S (docs/score.md).
HUE_CELL = 12
MOST_CELLS = 24  # along the longer side, however large what the network sees: a quarter of a second
FILLED = 512  # px; holes are filled in a view reduced to this longer side, that of the competition
JOINED = 2048  # px; and joined to their surroundings in a view reduced to this one
SMALLEST = 32  # px that a network looks at, at least


class _View:
    """A photograph, or a part of it, with its holes filled, as the network sees it."""

    def __init__(self, luma: Luma, mask: Mask, fill: str, filled: int, size: int):
        self.luma, self.mask = reduce(luma, filled), reduce_mask(mask, filled)
        self.filled = FILLS[fill](self.luma, self.mask)
        self.seen, self.seen_mask = reduce(self.filled, size), reduce_mask(self.mask, size)


@dataclass(frozen=True)
class Restorer:
    """A network, and how it is used.

    Attributes:
        inference: the network.
        settings: the size at which it looks at photographs, and what becomes of its hues.
        filled: longer side, px, of the views in which holes are filled.
    """

    inference: Inference
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
            for rows, band in enlarged_bands(_rgb(said, model.output), damaged.shape):
                restored[rows] = _to_levels(band).transpose(1, 2, 0)
            return restored
        chroma = _chroma(said, model.output)
        if said.hues is not None and self.settings.hues:
            places = sharpened(said.hues)
            chroma = impose(_coarse(chroma), agreed(chroma, places), places)
        luma = damaged.copy()
        for hole, filled in self._filled(damaged, mask, whole, said):
            luma[hole.core][mask[hole.core]] = filled

        def color(piece: tuple[slice, Planes]) -> None:
            rows, band = piece
            restored[rows] = join(luma[rows], band)

        for _ in in_order(color, enlarged_bands(chroma, damaged.shape)):
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
        from rechroma.imaging.io import luma as luma_of

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
            restored[hole.core][lost] = join(filled[None], chroma[:, None])[0]
            if max(restored[hole.view].shape) <= JOINED:
                inside = np.zeros_like(mask[hole.view])
                inside[_within(hole.core, hole.view)] = lost
                restored[hole.view] = healed(restored[hole.view], inside)
        return restored

    def smaller(self) -> "Restorer | None":
        """One that needs less memory, and sees less; None where there is none."""
        size = self.settings.size // 2
        if size < SMALLEST:
            return None
        settings = self.settings.model_copy(update={"size": size})
        return replace(self, settings=settings, filled=self.filled // 2)

    def _view(self, luma: Luma, mask: Mask) -> _View:
        fill = self.inference.model.fill
        return _View(luma, mask, fill, self.filled, self.settings.size)

    def _filled(
        self, damaged: Luma, mask: Mask, whole: _View, said: Said
    ) -> Iterator[tuple[Hole, Luma]]:
        """Each hole, and `(N,)` uint8 for the lost pixels of its core in their order."""
        output = self.inference.model.output
        for hole in holes(mask):
            seen, lost = damaged[hole.view], mask[hole.view]
            if seen.shape == damaged.shape:
                yield hole, _joined(whole, said, output, damaged, mask, hole.core)
                continue
            view = self._view(seen, lost)
            heard = self.inference(view.seen, view.seen_mask)
            core = _within(hole.core, hole.view)
            yield hole, _joined(view, heard, output, seen, lost, core)

    def _continued(self, photo: Photo, mask: Mask, overview: Planes, hole: Hole) -> Planes:
        """`(2, h, w)` chroma of a core: what the overview has, moved to meet the known around."""
        view = hole.view
        seen, lost = photo[view], reduce_mask(mask[view], self.filled)
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
        return enlarge(np.stack(met), seen.shape[:2])[:, rows, columns]


def _joined(view: _View, said: Said, output: str, seen: Luma, lost: Mask, core: Box) -> Luma:
    """`(N,)` uint8 for the lost pixels of `core`, of a photograph `seen` through its view.

    Where the view is reduced, what it lacks in brightness at the border of the hole is carried on
    into it, so that no step stands there.
    """
    luma = said.color[0] if output == "luma_chroma" else ycbcr_from_rgb(*said.color)[0]
    change = enlarge((luma - np.float32(1 / 255) * view.seen)[None], view.filled.shape)[0]
    fine = np.float32(1 / 255) * view.filled + change
    near, near_mask = reduce(seen, JOINED), reduce_mask(lost, JOINED)
    if fine.shape != near.shape:
        fine = enlarge(fine[None], near.shape)[0]
        fine += diffuse(np.float32(1 / 255) * near - fine, near_mask)
    joined = healed(np.where(near_mask, _to_levels(fine), near), near_mask)
    if joined.shape == seen.shape:
        return joined[core][lost[core]]
    filled = np.zeros(seen.shape, dtype=np.uint8)
    for rows, band in enlarged_bands(np.float32(1 / 255) * joined[None], seen.shape):
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


def _coarse(planes: Planes) -> Planes:
    cell = max(HUE_CELL, max(planes.shape) / MOST_CELLS)
    height, width = (max(1, round(side / cell)) for side in planes.shape[1:])
    return resize(planes, (height, width), cv2.INTER_AREA)


def _to_levels(values: Planes) -> NDArray[np.uint8]:
    return np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)


def _rgb(said: Said, output: str) -> Planes:
    return said.color if output == "rgb" else np.stack(rgb_from_ycbcr(*said.color))


def _chroma(said: Said, output: str) -> Planes:
    """`(2, h, w)` float32 Cb, Cr."""
    planes = said.color if output == "luma_chroma" else np.stack(ycbcr_from_rgb(*said.color))
    return planes[1:]
