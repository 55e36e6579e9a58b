"""The appearance of photographs restored by models and baselines, beside their scores."""

from collections.abc import Callable, Mapping, Sequence
from math import isnan
from typing import Any

import numpy as np

from rechroma.data.prepared import HeldOutPhoto
from rechroma.evaluation.appearance import Appearance, TargetAppearance
from rechroma.evaluation.baselines import RestoreFunction
from rechroma.evaluation.intervals import Interval, ScoreTable, bootstrap_interval
from rechroma.imaging.detect_damage import find_damage
from rechroma.progress import track
from rechroma.settings import Evaluate

# The mean of a distance; the medians of ratios, which a single pale target can make very large.
STATISTICS: dict[str, Callable[..., Any]] = {
    "feature_distance": np.mean,
    "colorfulness": np.median,
    "rainbow": np.median,
}


def measure_appearance(
    photographs: Sequence[HeldOutPhoto], methods: Mapping[str, RestoreFunction], limit: int
) -> dict[str, list[Appearance]]:
    """How photographs look that models or baselines restored, their damage detected.

    Args:
        photographs: with their targets.
        methods: by name, as the models of `compare_models`.
        limit: photographs, at most, spread evenly over all.

    Returns:
        The appearance of each measured photograph, by method.

    Raises:
        UserError: the package with the encoder's weights is not installed.
    """
    results: dict[str, list[Appearance]] = {name: [] for name in methods}
    count = min(limit, len(photographs))
    chosen = np.linspace(0, len(photographs) - 1, count).astype(int).tolist()
    for photo in track([photographs[index] for index in chosen], "measuring appearance", count):
        mask = find_damage(photo.damaged)
        target = TargetAppearance(photo.target)
        for name, restore in methods.items():
            results[name].append(target.compare(restore(photo.damaged, mask)))
    return results


def add_appearance(
    table: ScoreTable, results: Mapping[str, Sequence[Appearance]], settings: Evaluate, seed: int
) -> ScoreTable:
    """The table of scores, in each row the means or medians of appearance with their intervals.

    Args:
        table: of `summarize_scores`.
        results: of `measure_appearance`; methods without a row are left out.
        settings: number of resamples and confidence of the intervals.
        seed: of the bootstrap.
    """
    return {
        method: {**parts, **summarize_appearance(results.get(method, ()), settings, seed)}
        for method, parts in table.items()
    }


def summarize_appearance(
    results: Sequence[Appearance], settings: Evaluate, seed: int
) -> dict[str, Interval]:
    """The mean or median of each measure over photographs, with its interval.

    Args:
        results: one for each photograph.
        settings: number of resamples and confidence of the intervals.
        seed: of the bootstrap.

    Returns:
        The interval of each measure in `Appearance`. A ratio that no photograph has is left out:
        gray ones have no rainbow.
    """
    summary = {}
    for measure, statistic in STATISTICS.items():
        values = [getattr(result, measure) for result in results]
        known = [value for value in values if not isnan(value)]
        if known:
            summary[measure] = bootstrap_interval(known, settings, seed, statistic)
    return summary
