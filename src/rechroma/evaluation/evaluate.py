"""A trained model judged on the test photographs, beside what needs no training."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rechroma import metrics
from rechroma.data.prepared import HeldOutPhoto
from rechroma.errors import UserError
from rechroma.evaluation.baselines import BASELINES, RestoreFunction
from rechroma.evaluation.intervals import DIGITS, OURS, ScoreTable, score_table, summarize_scores
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.grid import StripRow, strip
from rechroma.imaging.io import write_png
from rechroma.imaging.types import Photo
from rechroma.metrics import Scores
from rechroma.settings import Evaluate


class PhotoResult(NamedTuple):
    """One photograph of the test, judged.

    Attributes:
        photo: the photograph.
        restored: `(H, W, 3)` uint8 RGB, by the model.
        scores: of each method by name, the model's as `OURS`.
        mask_iou: of the found mask with the true one, in [0, 1].
    """

    photo: HeldOutPhoto
    restored: Photo
    scores: dict[str, Scores]
    mask_iou: float


def evaluate_photo(photo: HeldOutPhoto, restore: RestoreFunction) -> PhotoResult:
    """Restore a photograph as a user would, with the damage found, not known, and score it."""
    found = find_damage(photo.damaged)
    restored = restore(photo.damaged, found)
    scores = {OURS: metrics.score(photo.target, restored, photo.mask)}
    for name, baseline in BASELINES.items():
        fill = baseline(photo.damaged, found)
        scores[name] = metrics.score(photo.target, fill, photo.mask)
    union = (found | photo.mask).sum()
    iou = float((found & photo.mask).sum() / union) if union else 1.0
    return PhotoResult(photo, restored, scores, iou)


def mean_scores(test: Iterable[HeldOutPhoto], restore: RestoreFunction) -> dict[str, float]:
    """The mean of each part of the score; the damage is found, not known."""
    found = [
        metrics.score(photo.target, restore(photo.damaged, find_damage(photo.damaged)), photo.mask)
        for photo in test
    ]
    return metrics.mean_scores(found)._asdict()


def evaluate(
    test: Iterable[HeldOutPhoto],
    restore: RestoreFunction,
    settings: Evaluate,
    seed: int,
    reports: Path,
    hues: NDArray[np.float32] | None = None,
) -> ScoreTable:
    """Judge `restore` on the photographs of `test`, and write what was found to `reports`.

    `metrics.json` (the model's mean scores with their intervals), `photos.csv` (a row a photograph
    and method), `table.md` (the model beside the baselines), `strips/` (best, middle, worst).
    With `hues`, the mean histogram of the training photographs, its correlation is a baseline.

    Returns:
        The interval of each part of the score, by method.

    Raises:
        UserError: there are no photographs to judge on.
    """
    judged = [evaluate_photo(photo, restore) for photo in test]
    if not judged:
        raise UserError("there are no test photographs, raise data.test and prepare again")
    scores = {name: [each.scores[name] for each in judged] for name in (OURS, *BASELINES)}
    table = summarize_scores(scores, [each.photo.target for each in judged], settings, seed, hues)
    reports.mkdir(parents=True, exist_ok=True)
    _write_metrics(judged, table, reports / "metrics.json")
    _write_photos(judged, reports / "photos.csv")
    (reports / "table.md").write_text(score_table(table), encoding="utf-8")
    _write_strips(judged, settings.strip_photos, reports / "strips")
    return table


def _write_metrics(judged: Sequence[PhotoResult], table: ScoreTable, path: Path) -> None:
    parts = table[OURS]
    metrics = {
        **{part: round(found.mean, DIGITS) for part, found in parts.items()},
        "mask_iou": round(float(np.mean([each.mask_iou for each in judged])), DIGITS),
        "photos": len(judged),
        # Lists, which `dvc exp show` leaves out of its columns.
        "interval": {
            part: [round(found.low, DIGITS), round(found.high, DIGITS)]
            for part, found in parts.items()
        },
    }
    path.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")


def _write_photos(judged: Sequence[PhotoResult], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(["id", "method", *Scores._fields, "lost_share", "mask_iou"])
        for each in judged:
            lost = round(float(each.photo.mask.mean()), DIGITS)
            for method, scores in each.scores.items():
                numbers = [round(value, DIGITS) for value in scores]
                iou = round(each.mask_iou, DIGITS)
                rows.writerow([each.photo.id, method, *numbers, lost, iou])


def _write_strips(judged: Sequence[PhotoResult], count: int, folder: Path) -> None:
    ranked = sorted(judged, key=lambda each: each.scores[OURS].score, reverse=True)
    middle = max(0, (len(ranked) - count) // 2)
    chosen = {
        "best": ranked[:count],
        "middle": ranked[middle : middle + count],
        "worst": ranked[-count:],
    }
    for name, shown in chosen.items():
        rows = [
            StripRow(
                each.photo.damaged,
                each.restored,
                each.photo.target,
                f"{each.photo.id}: score {each.scores[OURS].score:.3f}",
            )
            for each in shown
        ]
        write_png(folder / f"{name}.png", strip(rows))
