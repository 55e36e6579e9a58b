"""Several models on the same photographs, beside the baselines, as tables and pictures."""

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
    """Score models and baselines on the same photographs, their damage detected as for a user.

    Args:
        photographs: with their targets.
        models: by name; each takes `(H, W)` uint8 damaged and `(H, W)` bool mask and returns
            `(H, W, 3)` uint8 RGB.
        settings: number of resamples and confidence of the intervals.
        seed: of the bootstrap.
        hues: `(181,)` mean hue histogram of the training photographs, a baseline of its own.
        shown: number of photographs in the picture, spread evenly over all; 0: no picture.

    Returns:
        The table of `summarize_scores`; and `(H, W, 3)` uint8 RGB with a row for each photograph
        shown and a column for each model, or None.

    Raises:
        UserError: there are no photographs.
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
    """The scores of models and baselines on each photograph, their damage detected as for a user.

    Arguments and errors are those of `compare_models`.

    Returns:
        The scores in the order of the photographs, by method; and for each photograph shown its
        pictures: damaged, restored by each model, target.
    """
    if not photographs:
        raise UserError("there are no photographs to evaluate on")
    methods = {**models, **BASELINES}
    scores: dict[str, list[Scores]] = {name: [] for name in methods}
    rows: list[list[Photo]] = []
    shown_indices = set(np.linspace(0, len(photographs) - 1, shown).astype(int).tolist())
    for index, photo in enumerate(track(photographs, "evaluating", len(photographs))):
        # Restore with the detected mask, which is what a user has.
        mask = find_damage(photo.damaged)
        restored = {name: restore(photo.damaged, mask) for name, restore in methods.items()}
        # Score with the true mask.
        for name, picture in restored.items():
            scores[name].append(metrics.score(photo.target, picture, photo.mask))
        if index in shown_indices:
            rows.append([photo.damaged, *(restored[name] for name in models), photo.target])
    return scores, rows


def write_comparison(table: ScoreTable, pictures: Photo | None, folder: Path, heading: str) -> None:
    """Write scores.json and table.md, and pictures.png if there are pictures, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rounded = {
        method: {
            part: [round(number, DIGITS) for number in interval] for part, interval in parts.items()
        }
        for method, parts in table.items()
    }
    write_json(folder / "scores.json", rounded)
    (folder / "table.md").write_text(f"{heading}\n\n{score_table(table)}", encoding="utf-8")
    if pictures is not None:
        write_png(folder / "pictures.png", pictures)
