"""Photographs of any folder, damaged as the pipeline damages its test photographs."""

from collections.abc import Iterator
from pathlib import Path

from rechroma.data.prepared import HeldOutPhoto
from rechroma.imaging.decode import PhotoError
from rechroma.preparation.prepare import make_held_out
from rechroma.preparation.sources import SOURCES, Rejected, SourcePhoto
from rechroma.progress import parallel_map
from rechroma.settings import Settings


def draw_held_out(settings: Settings, source: Path) -> Iterator[HeldOutPhoto | Rejected]:
    """All photographs at `source` as the stage prepare makes those of its test split.

    Their damage depends on the seed and on their ids alone. Inputs without a target are skipped.

    Args:
        settings: `data.source` is the kind of source, `data.size` the side of the squares in px,
            `damage` and `seed` determine the damage.
        source: folder or archive.

    Yields:
        First the files that are no photographs, then the photographs by id, those that cannot be
        used as `Rejected`, with the reason.

    Raises:
        UserError: there are no photographs.
    """
    listing = SOURCES[settings.data.source](settings.data, source)
    yield from listing.rejected
    size = settings.data.size

    def load(photo: SourcePhoto) -> HeldOutPhoto | Rejected | None:
        try:
            loaded = photo.load()
            if loaded.target is None:
                return None
            height, width = loaded.target.shape[:2]
            # A pair keeps its size; a square cannot be cut from anything smaller.
            if loaded.damaged is None and min(height, width) < size:
                reason = f"is {width}x{height} px, expected {size} px each way"
                return Rejected(photo.file, reason)
            return HeldOutPhoto(photo.id, *make_held_out(photo, loaded, settings))
        except PhotoError as error:
            return Rejected(error.name, error.reason)

    photos = sorted(listing.photos, key=lambda photo: photo.id)
    yield from filter(None, parallel_map(load, photos))
