"""Several models judged on the same photographs, beside the baselines and in pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rechroma import metrics
from rechroma.data.prepared import HeldOutPhoto
from rechroma.errors import UserError
from rechroma.evaluation.baselines import BASELINES, RestoreFunction
from rechroma.evaluation.intervals import (
    DIGITS,
    Interval,
    ScoreTable,
    score_table,
    summarize_scores,
)
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.grid import grid
from rechroma.imaging.io import write_png
from rechroma.imaging.types import Photo
from rechroma.metrics import Scores
from rechroma.outputs import write_json
from rechroma.progress import track
from rechroma.settings import Evaluate


def compare_models(
    photographs: Sequence[HeldOutPhoto],
    models: Mapping[str, RestoreFunction],
    settings: Evaluate,
    seed: int,
    hues: NDArray[np.float32] | None = None,
    shown: int = 0,
) -> tuple[ScoreTable, Photo | None]:
    """Judge models by name as a user would use them: the damage is found, not known.

    Args:
        photographs: with their target.
        models: each takes `(H, W)` uint8 damaged and bool mask, gives `(H, W, 3)` uint8 RGB.
        settings: of the bootstrap.
        seed: of the bootstrap.
        hues: `(181,)` mean hue histogram of the training photographs, a baseline of its own.
        shown: so many photographs are shown, spread over all; 0: none.

    Returns:
        The interval of each part of the score, by method as `summarize` gives it, and
        `(H, W, 3)` uint8 RGB with a row a photograph shown and a column a model, or None.

    Raises:
        UserError: there are no photographs to judge on.
    """
    scores, rows = score_models(photographs, models, shown)
    targets = [photo.target for photo in photographs]
    table = summarize_scores(scores, targets, settings, seed, hues)
    if not rows:
        return table, None
    return table, grid(rows, ["damaged", *models, "truth"], [""] * len(rows))


def score_models(
    photographs: Sequence[HeldOutPhoto], models: Mapping[str, RestoreFunction], shown: int = 0
) -> tuple[dict[str, list[Scores]], list[list[Photo]]]:
    """Score models and baselines on each photograph; the damage is found, not known.

    Arguments and errors are those of `compare`.

    Returns:
        The scores of the photographs in their order, by method; and for each photograph shown its
        pictures: damaged, restored by each model, target.
    """
    if not photographs:
        raise UserError("there are no photographs to judge on")
    methods = {**models, **BASELINES}
    scores: dict[str, list[Scores]] = {name: [] for name in methods}
    rows: list[list[Photo]] = []
    spread = set(np.linspace(0, len(photographs) - 1, shown).astype(int).tolist())
    for number, photo in enumerate(track(photographs, "judging", len(photographs))):
        found = find_damage(photo.damaged)
        restored = {name: restore(photo.damaged, found) for name, restore in methods.items()}
        for name, picture in restored.items():
            scores[name].append(metrics.score(photo.target, picture, photo.mask))
        if number in spread:
            rows.append([photo.damaged, *(restored[name] for name in models), photo.target])
    return scores, rows


def write_comparison(table: ScoreTable, pictures: Photo | None, folder: Path, heading: str) -> None:
    """Write `scores.json` and `table.md`, and `pictures.png` where there are pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(
        folder / "scores.json",
        {
            method: {part: _rounded(found) for part, found in parts.items()}
            for method, parts in table.items()
        },
    )
    (folder / "table.md").write_text(f"{heading}\n\n{score_table(table)}", encoding="utf-8")
    if pictures is not None:
        write_png(folder / "pictures.png", pictures)


def _rounded(found: Interval) -> list[float]:
    return [round(number, DIGITS) for number in found]
