"""A trained model judged on the test photographs, beside what needs no training."""

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rechroma import metrics as scoring
from rechroma.data.dataset import HeldOut
from rechroma.errors import UserError
from rechroma.imaging import figures
from rechroma.imaging import io as photos
from rechroma.imaging.damage import find_mask
from rechroma.imaging.hue import folded
from rechroma.imaging.inpaint import FILLS
from rechroma.metrics import Scores
from rechroma.settings import Evaluate

Luma = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Photo = NDArray[np.uint8]
Restore = Callable[[Luma, Mask], Photo]

OURS = "ours"
MEAN_HUES = "mean hues"  # what any photograph with the training photographs' mean histogram gets
AHEAD = "{}, ahead of the best yardstick"
DIGITS = 6  # of the numbers in files


def _in_gray(fill: str) -> Restore:
    return lambda damaged, mask: np.repeat(FILLS[fill](damaged, mask)[..., None], 3, axis=2)


YARDSTICKS: dict[str, Restore] = {
    "input as it is": _in_gray("none"),
    "gray, Telea": _in_gray("telea"),
    "gray, push-pull": _in_gray("push_pull"),
    "gray, soft Telea": _in_gray("soft_telea"),
}


class Judged(NamedTuple):
    """One photograph of the test, judged.

    Attributes:
        photo: the photograph.
        restored: `(H, W, 3)` uint8 RGB, by the model.
        scores: of each method by name, the model's as `OURS`.
        mask_iou: of the found mask with the true one, in [0, 1].
    """

    photo: HeldOut
    restored: Photo
    scores: dict[str, Scores]
    mask_iou: float


def judge(photo: HeldOut, restore: Restore) -> Judged:
    """Restore a photograph as a user would, with the damage found, not known, and score it."""
    found = find_mask(photo.damaged)
    restored = restore(photo.damaged, found)
    scores = {OURS: scoring.score(photo.truth, restored, photo.mask)}
    for name, yardstick in YARDSTICKS.items():
        fill = yardstick(photo.damaged, found)
        scores[name] = scoring.score(photo.truth, fill, photo.mask)
    union = (found | photo.mask).sum()
    iou = float((found & photo.mask).sum() / union) if union else 1.0
    return Judged(photo, restored, scores, iou)


def mean_scores(test: Iterable[HeldOut], restore: Restore) -> dict[str, float]:
    """The mean of each part of the score; the damage is found, not known."""
    found = [
        scoring.score(photo.truth, restore(photo.damaged, find_mask(photo.damaged)), photo.mask)
        for photo in test
    ]
    return scoring.mean(found)._asdict()


class Interval(NamedTuple):
    """A mean over photographs and where it lies with the chosen confidence.

    Attributes:
        mean: of the photographs there are.
        low: lower end of the bootstrap interval; the mean itself when there is one photograph.
        high: its upper end.
    """

    mean: float
    low: float
    high: float


def interval(values: Sequence[float], settings: Evaluate, seed: int) -> Interval:
    """The mean of `values` with its percentile bootstrap interval over photographs."""
    from scipy.stats import bootstrap

    mean = float(np.mean(values))
    if len(values) < 2:
        return Interval(mean, mean, mean)
    found = bootstrap(
        (values,),
        np.mean,
        n_resamples=settings.resamples,
        confidence_level=settings.confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(mean, float(found.low), float(found.high))


Table = dict[str, dict[str, Interval]]


def summarize(
    scores: Mapping[str, Sequence[Scores]],
    truths: Iterable[Photo],
    settings: Evaluate,
    seed: int,
    hues: NDArray[np.float32] | None,
) -> Table:
    """The interval of each part of the score, by method.

    With `hues`, `(181,)` mean shares of the training photographs, also what they get as if each of
    `truths` had them: the yardstick `MEAN_HUES`, which has no part but hue. Last, for each method
    that is no yardstick, how far it is ahead of the best yardstick of each part: the mean
    difference photograph by photograph, which is surer than two means.
    """
    parts = {
        method: {part: [getattr(each, part) for each in values] for part in Scores._fields}
        for method, values in scores.items()
    }
    if hues is not None:
        constant = [scoring.hue_of_histogram(truth, folded(hues)) for truth in truths]
        parts[MEAN_HUES] = {"hue": constant}
    yardsticks = [parts[name] for name in parts if name in (*YARDSTICKS, MEAN_HUES)]
    for method in scores:
        if method not in YARDSTICKS and yardsticks:
            parts[AHEAD.format(method)] = {
                part: _ahead(values, [each[part] for each in yardsticks if part in each])
                for part, values in parts[method].items()
            }
    return {
        method: {part: interval(values, settings, seed) for part, values in by_part.items()}
        for method, by_part in parts.items()
    }


def _ahead(values: Sequence[float], rivals: Iterable[Sequence[float]]) -> list[float]:
    """How far each of `values` is above that of the rival whose mean is the highest."""
    best = max(rivals, key=lambda rival: float(np.mean(rival)))
    return [value - other for value, other in zip(values, best, strict=True)]


def evaluate(
    test: Iterable[HeldOut],
    restore: Restore,
    settings: Evaluate,
    seed: int,
    reports: Path,
    hues: NDArray[np.float32] | None = None,
) -> Table:
    """Judge `restore` on the photographs of `test`, and write what was found to `reports`.

    `metrics.json` (the model's mean scores with their intervals), `photos.csv` (a row a photograph
    and method), `table.md` (the model beside the yardsticks), `strips/` (best, middle, worst).
    With `hues`, the mean histogram of the training photographs, its correlation is a yardstick.

    Returns:
        The interval of each part of the score, by method.

    Raises:
        UserError: there are no photographs to judge on.
    """
    judged = [judge(photo, restore) for photo in test]
    if not judged:
        raise UserError("there are no test photographs, raise data.test and prepare again")
    scores = {name: [each.scores[name] for each in judged] for name in (OURS, *YARDSTICKS)}
    table = summarize(scores, [each.photo.truth for each in judged], settings, seed, hues)
    reports.mkdir(parents=True, exist_ok=True)
    _write_metrics(judged, table, reports / "metrics.json")
    _write_photos(judged, reports / "photos.csv")
    (reports / "table.md").write_text(as_markdown(table), encoding="utf-8")
    _write_strips(judged, settings.strip_photos, reports / "strips")
    return table


def as_markdown(table: Mapping[str, Mapping[str, Interval]]) -> str:
    """The table as people read it: a row a method, mean and interval in each cell."""
    lines = [
        f"| method | {' | '.join(Scores._fields)} |",
        f"|{' --- |' * (len(Scores._fields) + 1)}",
    ]
    for method, parts in table.items():
        cells = [_cell(parts[part]) if part in parts else "" for part in Scores._fields]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(found: Interval) -> str:
    return f"{found.mean:.3f} ({found.low:.3f}…{found.high:.3f})"


def _write_metrics(judged: Sequence[Judged], table: Table, path: Path) -> None:
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


def _write_photos(judged: Sequence[Judged], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(["id", "method", *Scores._fields, "lost_share", "mask_iou"])
        for each in judged:
            lost = round(float(each.photo.mask.mean()), DIGITS)
            for method, scores in each.scores.items():
                numbers = [round(value, DIGITS) for value in scores]
                iou = round(each.mask_iou, DIGITS)
                rows.writerow([each.photo.id, method, *numbers, lost, iou])


def _write_strips(judged: Sequence[Judged], count: int, folder: Path) -> None:
    ranked = sorted(judged, key=lambda each: each.scores[OURS].score, reverse=True)
    middle = max(0, (len(ranked) - count) // 2)
    chosen = {
        "best": ranked[:count],
        "middle": ranked[middle : middle + count],
        "worst": ranked[-count:],
    }
    for name, shown in chosen.items():
        rows = [
            figures.Restored(
                each.photo.damaged,
                each.restored,
                each.photo.truth,
                f"{each.photo.id}: score {each.scores[OURS].score:.3f}",
            )
            for each in shown
        ]
        photos.write_png(folder / f"{name}.png", figures.strip(rows))
