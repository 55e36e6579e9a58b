"""The appearance of photographs restored by models and baselines, as a table."""

from collections.abc import Callable, Mapping, Sequence
from math import isnan
from typing import Any

import numpy as np

from rechroma.data.prepared import HeldOutPhoto
from rechroma.evaluation.appearance import Appearance, appearance
from rechroma.evaluation.baselines import BASELINES, RestoreFunction
from rechroma.evaluation.intervals import Interval, bootstrap_interval, format_interval
from rechroma.evaluation.tables import markdown_table
from rechroma.imaging.detect_damage import find_damage
from rechroma.progress import track
from rechroma.settings import Evaluate

# The mean of a distance; the medians of ratios, which a single pale target can make very large.
STATISTICS: dict[str, Callable[..., Any]] = {
    "feature_distance": np.mean,
    "colorfulness": np.median,
    "rainbow": np.median,
}


def compare_appearance(
    photographs: Sequence[HeldOutPhoto],
    models: Mapping[str, RestoreFunction],
    settings: Evaluate,
    seed: int,
) -> dict[str, dict[str, Interval]]:
    """How photographs look that models and baselines restored, their damage detected.

    Args:
        photographs: with their targets.
        models: by name, as for `compare_models`.
        settings: number of resamples and confidence of the intervals.
        seed: of the bootstrap.

    Returns:
        The interval of each measure in `Appearance`, by method. A ratio that no photograph has is
        left out: gray ones have no rainbow.

    Raises:
        UserError: the package with the encoder's weights is not installed.
    """
    methods = {**models, **BASELINES}
    results: dict[str, list[Appearance]] = {name: [] for name in methods}
    for photo in track(photographs, "measuring appearance", len(photographs)):
        mask = find_damage(photo.damaged)
        for name, restore in methods.items():
            results[name].append(appearance(photo.target, restore(photo.damaged, mask)))
    return {name: summarize_appearance(each, settings, seed) for name, each in results.items()}


def summarize_appearance(
    results: Sequence[Appearance], settings: Evaluate, seed: int
) -> dict[str, Interval]:
    """The mean or median of each measure over photographs, with its interval.

    Args:
        results: one for each photograph.
        settings: number of resamples and confidence of the intervals.
        seed: of the bootstrap.
    """
    summary = {}
    for measure, statistic in STATISTICS.items():
        values = [getattr(result, measure) for result in results]
        known = [value for value in values if not isnan(value)]
        if known:
            summary[measure] = bootstrap_interval(known, settings, seed, statistic)
    return summary


def appearance_table(table: Mapping[str, Mapping[str, Interval]]) -> str:
    """The table in Markdown: a row for each method.

    >>> print(appearance_table({"ours": {"rainbow": Interval(0.5634, 0.5449, 0.5812)}}), end="")
    | method | feature_distance | colorfulness | rainbow |
    | --- | --- | --- | --- |
    | ours |  |  | 0.563 (0.545…0.581) |
    """
    import pandas as pd

    rows = [
        [method, *(format_interval(parts[name]) if name in parts else "" for name in STATISTICS)]
        for method, parts in table.items()
    ]
    return markdown_table(pd.DataFrame(rows, columns=["method", *STATISTICS])) + "\n"
