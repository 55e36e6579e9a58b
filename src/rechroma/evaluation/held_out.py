"""Photographs of any source, damaged as the pipeline damages its test photographs."""

from collections.abc import Iterator
from pathlib import Path

from rechroma.data.prepared import HeldOutPhoto
from rechroma.imaging.decode import PhotoError
from rechroma.preparation.prepare import make_held_out
from rechroma.preparation.sources import SOURCES, Rejected, SourcePhoto
from rechroma.progress import parallel_map
from rechroma.settings import Settings


def draw_held_out(settings: Settings, source: Path) -> Iterator[HeldOutPhoto | Rejected]:
    """Every photograph at `source` as the stage holds it out, one by one and undivided.

    Inputs without a target are left out; what cannot be used comes as the reason.

    Raises:
        UserError: there are no photographs.
    """
    found = SOURCES[settings.data.source](settings.data, source)
    yield from found.rejected
    size = settings.data.size

    def make(candidate: SourcePhoto) -> HeldOutPhoto | Rejected | None:
        try:
            came = candidate.load()
            if came.target is None:
                return None
            height, width = came.target.shape[:2]
            if came.damaged is None and min(height, width) < size:
                reason = f"is {width}x{height} px, expected {size} px each way"
                return Rejected(candidate.file, reason)
            return HeldOutPhoto(candidate.id, *make_held_out(candidate, came, settings))
        except PhotoError as error:
            return Rejected(error.name, error.reason)

    candidates = sorted(found.photos, key=lambda candidate: candidate.id)
    yield from filter(None, parallel_map(make, candidates))
