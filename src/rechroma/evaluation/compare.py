"""Several models judged on the same photographs, beside the yardsticks and in pictures."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rechroma import metrics as scoring
from rechroma.data.dataset import HeldOut
from rechroma.errors import UserError
from rechroma.evaluation.evaluate import (
    DIGITS,
    YARDSTICKS,
    Interval,
    Restore,
    Table,
    as_markdown,
    summarize,
)
from rechroma.imaging import figures
from rechroma.imaging import io as photos
from rechroma.imaging.damage import find_mask
from rechroma.imaging.io import PhotoError
from rechroma.metrics import Scores
from rechroma.outputs import write_json
from rechroma.preparation.prepare import held_out
from rechroma.preparation.sources import SOURCES, Candidate, Rejected
from rechroma.progress import in_order, track
from rechroma.settings import Evaluate, Settings

Photo = NDArray[np.uint8]


def held_out_of(settings: Settings, source: Path) -> Iterator[HeldOut | Rejected]:
    """Every photograph at `source` as the stage holds it out, one by one and undivided.

    Inputs without a truth are left out; what cannot be used comes as the reason.

    Raises:
        UserError: there are no photographs.
    """
    found = SOURCES[settings.data.source](settings.data, source)
    yield from found.rejected
    size = settings.data.size

    def make(candidate: Candidate) -> HeldOut | Rejected | None:
        try:
            came = candidate.load()
            if came.truth is None:
                return None
            height, width = came.truth.shape[:2]
            if came.damaged is None and min(height, width) < size:
                reason = f"is {width}x{height} px, expected {size} px each way"
                return Rejected(candidate.file, reason)
            return HeldOut(candidate.id, *held_out(candidate, came, settings))
        except PhotoError as error:
            return Rejected(error.name, error.reason)

    candidates = sorted(found.candidates, key=lambda candidate: candidate.id)
    yield from filter(None, in_order(make, candidates))


def compare(
    photographs: Sequence[HeldOut],
    models: Mapping[str, Restore],
    settings: Evaluate,
    seed: int,
    hues: NDArray[np.float32] | None = None,
    shown: int = 0,
) -> tuple[Table, Photo | None]:
    """Judge models by name as a user would use them: the damage is found, not known.

    Args:
        photographs: with their truth.
        models: each takes `(H, W)` uint8 damaged and bool mask, gives `(H, W, 3)` uint8 RGB.
        settings: of the bootstrap.
        seed: of the bootstrap.
        hues: `(181,)` mean hue histogram of the training photographs, a yardstick of its own.
        shown: so many photographs are shown, spread over all; 0: none.

    Returns:
        The interval of each part of the score, by method as `summarize` gives it, and
        `(H, W, 3)` uint8 RGB with a row a photograph shown and a column a model, or None.

    Raises:
        UserError: there are no photographs to judge on.
    """
    scores, rows = judge(photographs, models, shown)
    truths = [photo.truth for photo in photographs]
    table = summarize(scores, truths, settings, seed, hues)
    if not rows:
        return table, None
    return table, figures.grid(rows, ["damaged", *models, "truth"], [""] * len(rows))


def judge(
    photographs: Sequence[HeldOut], models: Mapping[str, Restore], shown: int = 0
) -> tuple[dict[str, list[Scores]], list[list[Photo]]]:
    """Score models and yardsticks on each photograph; the damage is found, not known.

    Arguments and errors are those of `compare`.

    Returns:
        The scores of the photographs in their order, by method; and for each photograph shown its
        pictures: damaged, restored by each model, truth.
    """
    if not photographs:
        raise UserError("there are no photographs to judge on")
    methods = {**models, **YARDSTICKS}
    scores: dict[str, list[Scores]] = {name: [] for name in methods}
    rows: list[list[Photo]] = []
    spread = set(np.linspace(0, len(photographs) - 1, shown).astype(int).tolist())
    for number, photo in enumerate(track(photographs, "judging", len(photographs))):
        found = find_mask(photo.damaged)
        restored = {name: restore(photo.damaged, found) for name, restore in methods.items()}
        for name, picture in restored.items():
            scores[name].append(scoring.score(photo.truth, picture, photo.mask))
        if number in spread:
            rows.append([photo.damaged, *(restored[name] for name in models), photo.truth])
    return scores, rows


def write(table: Table, pictures: Photo | None, folder: Path, heading: str) -> None:
    """Write `scores.json` and `table.md`, and `pictures.png` where there are pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(
        folder / "scores.json",
        {
            method: {part: _rounded(found) for part, found in parts.items()}
            for method, parts in table.items()
        },
    )
    (folder / "table.md").write_text(f"{heading}\n\n{as_markdown(table)}", encoding="utf-8")
    if pictures is not None:
        photos.write_png(folder / "pictures.png", pictures)


def _rounded(found: Interval) -> list[float]:
    return [round(number, DIGITS) for number in found]
