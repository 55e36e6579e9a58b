"""Means over photographs with bootstrap intervals, as tables."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rechroma import metrics
from rechroma.evaluation.baselines import BASELINES, MEAN_HUES
from rechroma.imaging.hue import fold_gray
from rechroma.imaging.types import Photo
from rechroma.metrics import Scores
from rechroma.settings import Evaluate

OURS = "ours"
DIFFERENCE = "{}, difference to the best baseline"
DIGITS = 6  # of the numbers in files


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


def bootstrap_interval(values: Sequence[float], settings: Evaluate, seed: int) -> Interval:
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


ScoreTable = dict[str, dict[str, Interval]]


def summarize_scores(
    scores: Mapping[str, Sequence[Scores]],
    targets: Iterable[Photo],
    settings: Evaluate,
    seed: int,
    hues: NDArray[np.float32] | None,
) -> ScoreTable:
    """The interval of each part of the score, by method.

    With `hues`, `(181,)` mean shares of the training photographs, also what they get as if each of
    `targets` had them: the baseline `MEAN_HUES`, which has no part but hue. Last, for each method
    that is no baseline, how far it is ahead of the best baseline of each part: the mean
    difference photograph by photograph, which is surer than two means.
    """
    parts = {
        method: {part: [getattr(each, part) for each in values] for part in Scores._fields}
        for method, values in scores.items()
    }
    if hues is not None:
        constant = [metrics.hue_of_histogram(target, fold_gray(hues)) for target in targets]
        parts[MEAN_HUES] = {"hue": constant}
    baselines = [parts[name] for name in parts if name in (*BASELINES, MEAN_HUES)]
    for method in scores:
        if method not in BASELINES and baselines:
            parts[DIFFERENCE.format(method)] = {
                part: _differences(values, [each[part] for each in baselines if part in each])
                for part, values in parts[method].items()
            }
    return {
        method: {
            part: bootstrap_interval(values, settings, seed) for part, values in by_part.items()
        }
        for method, by_part in parts.items()
    }


def _differences(values: Sequence[float], rivals: Iterable[Sequence[float]]) -> list[float]:
    """How far each of `values` is above that of the rival whose mean is the highest."""
    best = max(rivals, key=lambda rival: float(np.mean(rival)))
    return [value - other for value, other in zip(values, best, strict=True)]


def score_table(table: Mapping[str, Mapping[str, Interval]]) -> str:
    """The table as people read it: a row a method, mean and interval in each cell."""
    lines = [
        f"| method | {' | '.join(Scores._fields)} |",
        f"|{' --- |' * (len(Scores._fields) + 1)}",
    ]
    for method, parts in table.items():
        cells = [format_interval(parts[part]) if part in parts else "" for part in Scores._fields]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def format_interval(found: Interval) -> str:
    """`0.563 (0.545…0.581)`."""
    return f"{found.mean:.3f} ({found.low:.3f}…{found.high:.3f})"
