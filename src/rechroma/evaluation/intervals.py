"""Mean scores over photographs with bootstrap confidence intervals, by method."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rechroma import metrics
from rechroma.evaluation.appearance import Appearance
from rechroma.evaluation.baselines import BASELINES, MEAN_HUES
from rechroma.evaluation.tables import markdown_table
from rechroma.imaging.hue import fold_gray
from rechroma.imaging.types import Photo
from rechroma.metrics import Scores
from rechroma.settings import Evaluate

PARTS = (*Scores._fields, *Appearance._fields)  # the columns of tables
OURS = "ours"
DIFFERENCE = "{}, difference to the best baseline"
DIGITS = 6  # of the numbers in files


class Interval(NamedTuple):
    """A mean over photographs and its confidence interval.

    Attributes:
        mean: over all photographs.
        low: lower end of the interval; the mean itself if there is one photograph.
        high: upper end, likewise.
    """

    mean: float
    low: float
    high: float


ScoreTable = dict[str, dict[str, Interval]]
"""The interval of each part of the score, and of appearance where measured, by method."""


def bootstrap_interval(
    values: Sequence[float],
    settings: Evaluate,
    seed: int,
    statistic: Callable[..., Any] = np.mean,
) -> Interval:
    """The mean of `values`, one per photograph, with its percentile bootstrap interval.

    Source: Efron 1979; computed by `scipy.stats.bootstrap`.

    Args:
        values: at least one.
        settings: number of resamples and confidence.
        seed: of the resampling.
        statistic: another one of NumPy, such as the median.
    """
    from scipy.stats import bootstrap

    mean = float(statistic(values))
    if len(values) < 2:
        return Interval(mean, mean, mean)
    interval = bootstrap(
        (values,),
        statistic,
        n_resamples=settings.resamples,
        confidence_level=settings.confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(mean, float(interval.low), float(interval.high))


def summarize_scores(
    scores: Mapping[str, Sequence[Scores]],
    targets: Iterable[Photo],
    settings: Evaluate,
    seed: int,
    hues: NDArray[np.float32] | None,
) -> ScoreTable:
    """The mean of each part of the score with its interval, by method, and differences.

    The difference of a method to the best baseline is the mean of the differences photograph by
    photograph. Its interval is narrower than those of the two means suggest, because photographs
    that are hard for one are hard for the other too.

    Args:
        scores: of each photograph, by method; the methods in `BASELINES` are the baselines.
        targets: `(H, W, 3)` uint8 RGB, of the same photographs in the same order.
        settings: number of resamples and confidence.
        seed: of the bootstrap.
        hues: `(181,)` mean hue histogram of the training photographs. It makes `MEAN_HUES` a
            baseline, with no part but the hue; None: no such baseline.

    Returns:
        Methods in the order of `scores`, then `MEAN_HUES`, then `DIFFERENCE` for each method that
        is no baseline.
    """
    # Split the scores into parts: method → part → (photographs,) values.
    values = {
        method: {part: [getattr(score, part) for score in by_photo] for part in Scores._fields}
        for method, by_photo in scores.items()
    }
    # The score that any photograph with the mean hues would get for its hues.
    if hues is not None:
        folded = fold_gray(hues)  # (180,), grays counted as red, as the score does
        values[MEAN_HUES] = {"hue": [metrics.hue_of_histogram(photo, folded) for photo in targets]}
    # Differences to the best baseline of each part, photograph by photograph.
    baselines = [parts for method, parts in values.items() if method in (*BASELINES, MEAN_HUES)]
    models = [method for method in scores if method not in BASELINES]
    for method in models if baselines else []:
        values[DIFFERENCE.format(method)] = {
            part: _differences(
                values[method][part], [parts[part] for parts in baselines if part in parts]
            )
            for part in Scores._fields
        }
    # Each list of values becomes a mean with its interval.
    return {
        method: {
            part: bootstrap_interval(by_photo, settings, seed) for part, by_photo in parts.items()
        }
        for method, parts in values.items()
    }


def _differences(values: Sequence[float], baselines: Iterable[Sequence[float]]) -> list[float]:
    """The differences of `values` to the baseline with the highest mean, photograph by photograph.

    Args:
        values: (photographs,) of the method.
        baselines: (photographs,) each.
    """
    best = max(baselines, key=lambda baseline: float(np.mean(baseline)))
    return [value - other for value, other in zip(values, best, strict=True)]


def score_table(table: Mapping[str, Mapping[str, Interval]]) -> str:
    """The table in Markdown: a row for each method, mean and interval in each cell.

    Measures of appearance have columns where any method has them.

    >>> print(score_table({"ours": {"hue": Interval(0.5634, 0.5449, 0.5812)}}), end="")
    | method | score | ssim | masked_ssim | hue |
    | --- | --- | --- | --- | --- |
    | ours |  |  |  | 0.563 (0.545…0.581) |
    """
    import pandas as pd

    measured = {part for parts in table.values() for part in parts}
    columns = [part for part in PARTS if part in measured or part in Scores._fields]
    rows = [
        [method, *(format_interval(parts[part]) if part in parts else "" for part in columns)]
        for method, parts in table.items()
    ]
    return markdown_table(pd.DataFrame(rows, columns=["method", *columns])) + "\n"


def format_interval(interval: Interval) -> str:
    """Mean and interval with three digits.

    >>> format_interval(Interval(0.5634, 0.5449, 0.5812))
    '0.563 (0.545…0.581)'
    """
    return f"{interval.mean:.3f} ({interval.low:.3f}…{interval.high:.3f})"
