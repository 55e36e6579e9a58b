"""Trainings side by side on the same photographs: scores and appearance, with intervals."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rechroma.evaluation.appearance import Appearance
from rechroma.evaluation.appearance_table import summarize_appearance
from rechroma.evaluation.intervals import bootstrap_interval, format_interval
from rechroma.metrics import Scores
from rechroma.settings import Evaluate
from rechroma.studies.results import MEASURES, PARTS, FinishedTraining


def photo_score_table(
    trained: Sequence[FinishedTraining],
    scores: Mapping[str, Sequence[Scores]],
    settings: Evaluate,
    seed: int,
    looks: Mapping[str, Sequence[Appearance]] | None = None,
) -> pd.DataFrame:
    """A row for each arm, then for each baseline: scores on the same photographs, as text.

    The best arm comes first. Scores are means over seeds and photographs, with bootstrap intervals
    over photographs. `difference to the best` is the mean of the differences to the best arm,
    photograph by photograph; if its interval contains 0, the photographs show no difference.

    Args:
        trained: the trainings.
        scores: of each photograph, by `FinishedTraining.name`; other names are baselines.
        settings: number of resamples and confidence.
        seed: of the bootstrap.
        looks: appearance of photographs restored for the eye, by the same names; over all seeds of
            an arm its mean or median has an interval in the table.
    """
    means = _means_over_seeds(trained, scores)
    arms = {training.arm for training in trained}
    ranked = sorted(arms, key=lambda arm: -means[arm]["score"].mean())
    baselines = [name for name in means if name not in arms]
    best = ranked[0]
    rows = []
    for name in (*ranked, *baselines):
        differences = means[name]["score"] - means[best]["score"]  # (photographs,)
        score = bootstrap_interval(means[name]["score"].tolist(), settings, seed)
        difference = bootstrap_interval(differences.tolist(), settings, seed)
        rows.append(
            {
                "arm": name,
                "score": format_interval(score),
                "difference to the best": "" if name == best else format_interval(difference),
                **{part: f"{means[name][part].mean():.3f}" for part in PARTS[1:]},
                **(_appearance_cells(trained, looks, name, settings, seed) if looks else {}),
            }
        )
    return pd.DataFrame(rows)


def _appearance_cells(
    trained: Sequence[FinishedTraining],
    looks: Mapping[str, Sequence[Appearance]],
    name: str,
    settings: Evaluate,
    seed: int,
) -> dict[str, str]:
    """The cells of an arm or a baseline: each measure with its interval."""
    trainings = [each.name for each in trained if each.arm == name] or [name]
    # A photograph's mean over seeds, so that the interval is one over photographs.
    by_photo = zip(*(looks[each] for each in trainings), strict=True)
    means = [Appearance(*np.mean(results, axis=0)) for results in by_photo]
    intervals = summarize_appearance(means, settings, seed)
    return {
        measure: format_interval(intervals[measure]) if measure in intervals else ""
        for measure in MEASURES
    }


def _means_over_seeds(
    trained: Sequence[FinishedTraining], scores: Mapping[str, Sequence[Scores]]
) -> dict[str, pd.DataFrame]:
    """The means over seeds by arm and baseline: a row for each photograph, a column for a part."""
    arms = {training.name: training.arm for training in trained}
    by_arm: dict[str, list[NDArray[np.float64]]] = {}
    for name, by_photo in scores.items():
        values = np.array(by_photo, dtype=np.float64)  # (photographs, parts)
        by_arm.setdefault(arms.get(name, name), []).append(values)
    return {
        name: pd.DataFrame(np.mean(values, axis=0), columns=list(PARTS))
        for name, values in by_arm.items()
    }
