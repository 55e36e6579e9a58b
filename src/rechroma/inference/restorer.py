"""A network applied to a photograph of any size; its known pixels are kept exactly."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rechroma.errors import unknown
from rechroma.imaging.color import merge_luma_chroma, to_luma
from rechroma.imaging.depth import Level, as_depth, to_8_bits
from rechroma.imaging.resize import downscale_luma
from rechroma.imaging.types import Luma, Mask, Photo, Planes
from rechroma.inference.backend import (
    Backend,
    NetworkOutput,
    chroma_planes,
    luma_plane,
    rgb_planes,
)
from rechroma.inference.enlarge import enlarge_rgb, merge_enlarged
from rechroma.inference.hole_crops import HoleCrop, find_hole_crops
from rechroma.inference.hole_filling import (
    View,
    box_within,
    close_color_seam,
    continue_chroma,
    fill_hole,
    make_view,
)
from rechroma.inference.hole_texture import TextureFill
from rechroma.inference.hue_transfer import give_predicted_hues
from rechroma.inference.thin_damage import mend_thin_damage
from rechroma.settings import AIMS, STRIDE, Aim, Holes, Restore

HOLE_SIZE = 512  # px; holes are filled at this longer side, that of the competition's photographs


@dataclass(frozen=True)
class Restorer:
    """Restores photographs of any size with a network.

    Attributes:
        backend: the network.
        settings: the longer side of the network's input, and what the photographs are for.
        hole_size: longer side, px, at which holes are filled.
        threads: of the CPU for merging gray and color; by default one for each processor.

    >>> from rechroma.models.card import card_settings, read_card
    >>> from rechroma.models.weights import BUNDLED_FOLDER
    >>> model, settings = card_settings(read_card(BUNDLED_FOLDER), BUNDLED_FOLDER)
    >>> class RedBackend:  # in place of a network: paints everything red
    ...     def __init__(self, model):
    ...         self.model = model
    ...
    ...     def __call__(self, luma, mask):
    ...         chroma = np.full((2, *luma.shape), 0.2) * [[[-1]], [[1]]]
    ...         color = np.concatenate([luma[None] / 255, chroma])
    ...         return NetworkOutput(color.astype(np.float32), hues=None)
    >>> restorer = Restorer(RedBackend(model), settings)
    >>> restorer(np.full((40, 60), 90, np.uint8), np.zeros((40, 60), bool))[0, 0].tolist()
    [161, 71, 0]
    """

    backend: Backend
    settings: Restore
    hole_size: int = HOLE_SIZE
    threads: int | None = None

    def __call__(self, damaged: NDArray[Level], mask: Mask) -> NDArray[Level]:
        """Give a gray photograph its color and its lost part.

        Args:
            damaged: `(H, W)` uint8 or uint16 gray. The network sees its high byte.
            mask: `(H, W)` bool, True where lost.

        Returns:
            `(H, W, 3)` RGB of the same type. With `model.keep_gray` its gray (`to_luma`) is
            `damaged` wherever the mask is False; the gray of holes has 256 levels.

        >>> from rechroma.deployment.load import load_model
        >>> from rechroma.models.weights import BUNDLED_FOLDER
        >>> restore = load_model(BUNDLED_FOLDER)
        >>> damaged, mask = np.full((40, 60), 90, np.uint8), np.zeros((40, 60), bool)
        >>> damaged[10:20, 10:20], mask[10:20, 10:20] = 0, True
        >>> restored = restore(damaged, mask)
        >>> restored.shape, bool((to_luma(restored) == damaged)[~mask].all())
        ((40, 60, 3), True)
        """
        # 1. Scratches are mended; the network looks at all the rest, reduced, the holes filled.
        seen, holes, thin = mend_thin_damage(to_8_bits(damaged), mask, self.threads)  # (H, W) each
        view = self._make_view(seen, holes)
        output = self.backend(view.luma, view.mask)
        # 2. A network that keeps nothing of the photograph: its picture, enlarged.
        model = self.backend.model
        if not model.keep_gray:
            enlarged = enlarge_rgb(rgb_planes(output, model.output), damaged.shape)
            return as_depth(enlarged, like=damaged)
        # 3. The gray: known pixels stay, holes are filled one after the other.
        luma = damaged.copy()  # (H, W)
        luma[thin] = as_depth(seen[thin], like=damaged)
        texture = self._start_texture(seen, holes)
        for crop, smooth in self._fill_holes(seen, holes, view, output):
            gray = smooth if texture is None else texture(crop, smooth)
            luma[crop.core][holes[crop.core]] = as_depth(gray, like=damaged)
        # Texture is colored as what it shows: the network looks again, and sees no holes.
        if texture is not None:
            filled = downscale_luma(to_8_bits(luma), self.settings.size)
            output = self.backend(filled, np.zeros_like(view.mask))
        # 4. The colors that it painted, with the hues that it predicted.
        chroma = self._choose_chroma(output)  # (2, h, w)
        # 5. Both together: chroma enlarged onto gray that stays exact.
        return merge_enlarged(luma, chroma, self.threads)

    def keep_color(self, photo: NDArray[Level], mask: Mask) -> NDArray[Level]:
        """Restore only the lost part of a photograph that has its color.

        Args:
            photo: `(H, W, 3)` uint8 or uint16 RGB.
            mask: `(H, W)` bool, True where lost.

        Returns:
            `(H, W, 3)` RGB of the same type, `photo` wherever the mask is False; holes have 256
            levels a channel.

        >>> from rechroma.deployment.load import load_model
        >>> from rechroma.models.weights import BUNDLED_FOLDER
        >>> restorer = load_model(BUNDLED_FOLDER)
        >>> photo, mask = np.full((40, 60, 3), (200, 120, 90), np.uint8), np.zeros((40, 60), bool)
        >>> photo[10:20, 10:20], mask[10:20, 10:20] = 0, True
        >>> restored = restorer.keep_color(photo, mask)
        >>> bool((restored == photo)[~mask].all()), bool((restored[mask] == 0).any())
        (True, False)
        """
        if not mask.any():
            return photo.copy()
        mended, holes, _ = mend_thin_damage(to_8_bits(photo), mask, self.threads)
        if holes.any():
            mended = self._fill_in_color(mended, holes)
        restored = as_depth(mended, like=photo)
        np.copyto(restored, photo, where=~mask[..., None])  # known pixels have low bytes, too
        return restored

    def _fill_in_color(self, photo: Photo, mask: Mask) -> Photo:
        """The `(H, W, 3)` uint8 RGB photograph with its holes filled."""
        # 1. The network looks at the whole photograph in gray: a first color for every hole.
        damaged = to_luma(photo)
        view = self._make_view(damaged, mask)
        output = self.backend(view.luma, view.mask)
        kind = self.backend.model.output
        predicted = chroma_planes(output, kind, self.settings.choices)  # (2, h, w)
        restored = photo.copy()
        texture = self._start_texture(photo, mask)
        for crop, gray in self._fill_holes(damaged, mask, view, output):
            # 2. The color of this hole continues the known color around it.
            lost = mask[crop.core]
            chroma = continue_chroma(photo, mask, predicted, crop, self.hole_size)[:, lost]
            # 3. Gray and color of its N pixels together, as a picture of one row.
            restored[crop.core][lost] = merge_luma_chroma(gray[None], chroma[:, None])[0]
            # 4. The seam between known and filled color.
            close_color_seam(restored, mask, crop)
            # 5. Texture goes on in all three channels.
            if texture is not None:
                restored[crop.core][lost] = texture(crop, restored[crop.core][lost])
        return restored

    def with_threads(self, threads: int) -> "Restorer":
        """One whose network and bands use this number of the CPU's threads.

        With 1, several photographs can be restored at once, each on a thread of its own. OpenCV has
        its own threads, of the whole process (`cv2.setNumThreads`).
        """
        return replace(self, backend=self.backend.with_threads(threads), threads=threads)

    def with_aim(self, aim: Aim) -> "Restorer":
        """One that restores for the eye or for the official score, with the same network.

        Raises:
            UserError: the aim is neither.

        >>> from rechroma.deployment.load import load_model
        >>> from rechroma.models.weights import BUNDLED_FOLDER
        >>> load_model(BUNDLED_FOLDER).with_aim("eye").settings.aim
        'eye'
        """
        if aim not in AIMS:
            raise unknown("aim", aim, AIMS)
        return replace(self, settings=self.settings.model_copy(update={"aim": aim}))

    def with_holes(self, holes: Holes) -> "Restorer":
        """One that fills holes as the name says, whatever its model's settings are.

        >>> from rechroma.deployment.load import load_model
        >>> from rechroma.models.weights import BUNDLED_FOLDER
        >>> load_model(BUNDLED_FOLDER).with_holes("texture").settings.holes
        'texture'
        """
        return replace(self, settings=self.settings.model_copy(update={"holes": holes}))

    def smaller(self) -> "Restorer | None":
        """One of half the sizes, which needs less memory; None where it would be of no use.

        >>> choices = dict(aim="eye", hues="auto", temperature=1, vividness=0, holes="auto")
        >>> settings = Restore(size=64, **choices)
        >>> Restorer(None, settings).smaller().settings.size
        32
        >>> Restorer(None, settings).smaller().smaller() is None
        True
        """
        size = self.settings.size // 2
        if size < STRIDE:
            return None
        settings = self.settings.model_copy(update={"size": size})
        return replace(self, settings=settings, hole_size=self.hole_size // 2)

    def _make_view(self, luma: Luma, mask: Mask) -> View:
        return make_view(luma, mask, self.backend.model.fill, self.hole_size, self.settings.size)

    def _start_texture(self, picture: Luma, mask: Mask) -> TextureFill | None:
        """What fills holes with texture; None where there are none, or they are left smooth."""
        textured = self.settings.choices.holes == "texture" and bool(mask.any())
        return TextureFill(picture, mask) if textured else None

    def _choose_chroma(self, output: NetworkOutput) -> Planes:
        """`(2, h, w)` chroma: as painted, or coarser and of the predicted hues."""
        chroma = chroma_planes(output, self.backend.model.output, self.settings.choices)
        if output.hues is None or not self.settings.choices.hues:
            return chroma
        return give_predicted_hues(chroma, output.hues)

    def _fill_holes(
        self, damaged: Luma, mask: Mask, view: View, output: NetworkOutput
    ) -> Iterator[tuple[HoleCrop, Luma]]:
        """Each hole, and the gray of its core's lost pixels, `(N,)` uint8 row by row."""
        kind = self.backend.model.output
        for crop in find_hole_crops(mask):
            context, lost = damaged[crop.context], mask[crop.context]
            if context.shape == damaged.shape:
                # The network has looked at all of the photograph already.
                predicted = luma_plane(output, kind)
                yield crop, fill_hole(view, predicted, damaged, mask, crop.core)
                continue
            # It looks at the crop, larger than it saw it in the whole photograph.
            near = self._make_view(context, lost)
            predicted = luma_plane(self.backend(near.luma, near.mask), kind)
            core = box_within(crop.core, crop.context)
            yield crop, fill_hole(near, predicted, context, lost, core)
