"""Validation: a network's scores on the validation photographs, and pictures of a few of them."""

from pathlib import Path

import numpy as np

from rechroma import metrics
from rechroma.data.prepared import read_held_out
from rechroma.errors import UserError
from rechroma.imaging.grid import StripRow, strip
from rechroma.imaging.types import Photo
from rechroma.inference.backend import TorchBackend
from rechroma.inference.restorer import Restorer
from rechroma.models.restoration import RestorationNetwork
from rechroma.settings import Settings

STRIP_PHOTOS = 3


class Validation:
    """The validation photographs in memory.

    Raises:
        UserError: nothing is prepared for validation.
    """

    def __init__(self, prepared: Path, settings: Settings):
        self.restore = settings.restore
        self.photos = list(read_held_out(prepared, "validation", settings.train.validation_photos))
        if not self.photos:
            raise UserError(f"{prepared} holds no validation photographs, raise data.validation")

    def score(self, network: RestorationNetwork) -> metrics.Scores:
        """The mean scores of the photographs that `network` restores; it is set to evaluation."""
        restorer = self._restorer(network)
        return metrics.mean_scores(
            [
                metrics.score(photo.target, restorer(photo.damaged, photo.mask), photo.mask)
                for photo in self.photos
            ]
        )

    def strip(self, network: RestorationNetwork) -> Photo:
        """Three photographs, damaged, restored and the target: `(H, W, 3)` uint8 RGB."""
        restorer = self._restorer(network)
        # Spread over all; fewer where there are not as many.
        rows = sorted(set(np.linspace(0, len(self.photos) - 1, STRIP_PHOTOS).astype(int).tolist()))
        photos = [self.photos[row] for row in rows]
        return strip(
            [
                StripRow(photo.damaged, restorer(photo.damaged, photo.mask), photo.target)
                for photo in photos
            ]
        )

    def _restorer(self, network: RestorationNetwork) -> Restorer:
        return Restorer(TorchBackend(network.eval()), self.restore)
