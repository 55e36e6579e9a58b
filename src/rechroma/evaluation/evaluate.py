"""A trained model on the test photographs, beside the baselines: scores, tables, pictures."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rechroma import metrics
from rechroma.data.prepared import HeldOutPhoto
from rechroma.errors import UserError
from rechroma.evaluation.appearance import Appearance, missing_encoder
from rechroma.evaluation.appearance_table import add_appearance, measure_appearance
from rechroma.evaluation.baselines import BASELINES, RestoreFunction
from rechroma.evaluation.final_metrics import aim_rows, nested_metrics
from rechroma.evaluation.intervals import DIGITS, OURS, ScoreTable, score_table, summarize_scores
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.grid import StripRow, strip
from rechroma.imaging.io import write_png
from rechroma.imaging.types import Photo
from rechroma.metrics import Scores
from rechroma.settings import Aim, Evaluate


class PhotoResult(NamedTuple):
    """The result for one test photograph.

    Attributes:
        photo: the photograph.
        restored: `(H, W, 3)` uint8 RGB, by the model for its first aim.
        scores: by method: the rows of the model, `OURS` first, and the baselines.
        mask_iou: intersection over union of the detected mask and the true one, in [0, 1].
    """

    photo: HeldOutPhoto
    restored: Photo
    scores: dict[str, Scores]
    mask_iou: float


def evaluate_photo(photo: HeldOutPhoto, models: Mapping[str, RestoreFunction]) -> PhotoResult:
    """Restore a photograph by the models and by each baseline, and score the results.

    Args:
        photo: the photograph.
        models: by the name of their row; the first one is `OURS`.
    """
    # Restore with the detected mask, which is what a user has; score with the true one.
    mask = find_damage(photo.damaged)  # (H, W) bool, True where lost
    restored = {name: restore(photo.damaged, mask) for name, restore in models.items()}
    scores = {
        name: metrics.score(photo.target, picture, photo.mask) for name, picture in restored.items()
    }
    # The same for each baseline.
    for name, baseline in BASELINES.items():
        filled = baseline(photo.damaged, mask)
        scores[name] = metrics.score(photo.target, filled, photo.mask)
    # How well the damage was detected; two empty masks agree.
    union = (mask | photo.mask).sum()
    iou = float((mask & photo.mask).sum() / union) if union else 1.0
    return PhotoResult(photo, restored[OURS], scores, iou)


def mean_test_scores(test: Iterable[HeldOutPhoto], restore: RestoreFunction) -> Scores:
    """The mean scores of a model over the photographs, with the detected damage."""
    return metrics.mean_scores(
        [
            metrics.score(
                photo.target, restore(photo.damaged, find_damage(photo.damaged)), photo.mask
            )
            for photo in test
        ]
    )


def evaluate(
    test: Iterable[HeldOutPhoto],
    models: Mapping[Aim, RestoreFunction],
    settings: Evaluate,
    seed: int,
    reports: Path,
    hues: NDArray[np.float32] | None = None,
) -> ScoreTable:
    """Score a model and the baselines on the test photographs, and write the reports.

    - metrics.json: the model's mean scores with their intervals, and those of each aim.
    - photos.csv: a row for each photograph and method.
    - table.md: the mean scores of all methods with their intervals.
    - strips/: the photographs with the best, the middle and the worst scores.

    Appearance stands beside the scores, measured on `evaluate.appearance_photos` photographs, if
    the encoder for it is installed (`missing_encoder`).

    Args:
        test: the photographs.
        models: the model by aim; the first one is the row `OURS`, and in strips.
        settings: number of resamples, confidence, and photographs in a strip.
        seed: of the bootstrap.
        reports: folder for the reports.
        hues: `(181,)` mean hue histogram of the training photographs, a baseline of its own.

    Returns:
        The table of `summarize_scores`, with appearance.

    Raises:
        UserError: there are no photographs.
    """
    named = {row: models[aim] for aim, row in aim_rows(models).items()}
    results = [evaluate_photo(photo, named) for photo in test]
    if not results:
        raise UserError("there are no test photographs, raise data.test and prepare again")
    # From photograph → method to method → photographs.
    scores = {name: [result.scores[name] for result in results] for name in (*named, *BASELINES)}
    photos = [result.photo for result in results]
    table = summarize_scores(scores, [photo.target for photo in photos], settings, seed, hues)
    # Appearance, of fewer photographs: it takes longer than a score.
    looks: dict[str, list[Appearance]] = {}
    if settings.appearance_photos and not missing_encoder():
        looks = measure_appearance(photos, {**named, **BASELINES}, settings.appearance_photos)
    table = add_appearance(table, looks, settings, seed)
    measured = len(looks.get(OURS, ()))
    # The reports.
    content = {
        **nested_metrics(table, models),
        "mask_iou": round(float(np.mean([result.mask_iou for result in results])), DIGITS),
        "photos": len(results),
        "appearance_photos": measured,
    }
    reports.mkdir(parents=True, exist_ok=True)
    (reports / "metrics.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    _write_photos(results, reports / "photos.csv")
    (reports / "table.md").write_text(_table_text(table, measured, len(results)), encoding="utf-8")
    _write_strips(results, settings.strip_photos, reports / "strips")
    return table


def _table_text(table: ScoreTable, measured: int, count: int) -> str:
    """The table, and below it of how many photographs the appearance was measured."""
    if not 0 < measured < count:
        return score_table(table)
    names = ", ".join(Appearance._fields)
    return f"{score_table(table)}\n{names}: of {measured} of the {count} photographs.\n"


def _write_photos(results: Sequence[PhotoResult], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "method", *Scores._fields, "lost_share", "mask_iou"])
        for result in results:
            lost = round(float(result.photo.mask.mean()), DIGITS)
            iou = round(result.mask_iou, DIGITS)
            for method, scores in result.scores.items():
                numbers = [round(value, DIGITS) for value in scores]
                writer.writerow([result.photo.id, method, *numbers, lost, iou])


def _write_strips(results: Sequence[PhotoResult], count: int, folder: Path) -> None:
    """Write best.png, middle.png and worst.png, of `count` photographs each."""
    ranked = sorted(results, key=lambda result: result.scores[OURS].score, reverse=True)
    middle = max(0, (len(ranked) - count) // 2)
    strips = {
        "best": ranked[:count],
        "middle": ranked[middle : middle + count],
        "worst": ranked[-count:],
    }
    for name, shown in strips.items():
        rows = [
            StripRow(
                result.photo.damaged,
                result.restored,
                result.photo.target,
                f"{result.photo.id}: score {result.scores[OURS].score:.3f}",
            )
            for result in shown
        ]
        write_png(folder / f"{name}.png", strip(rows))
