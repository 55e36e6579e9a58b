"""The final metrics of a trained model by their names in metrics.json and in MLflow."""

from collections.abc import Iterable, Mapping
from typing import Any

from rechroma.evaluation.intervals import DIFFERENCE, DIGITS, OURS, PARTS, Interval, ScoreTable
from rechroma.metrics import Scores
from rechroma.settings import Aim


def aim_rows(aims: Iterable[Aim]) -> dict[Aim, str]:
    """The row in tables of each aim; that of the first one is `OURS`.

    >>> aim_rows(["score", "eye"])
    {'score': 'ours', 'eye': 'ours, aim eye'}
    """
    first, *others = aims
    return {first: OURS, **{aim: f"{OURS}, aim {aim}" for aim in others}}


def nested_metrics(table: ScoreTable, aims: Iterable[Aim]) -> dict[str, Any]:
    """The metrics of a model for metrics.json; the official score's parts are at the top.

    Below `aims` each aim has these parts and, where they were measured, those of appearance. The
    names do not depend on which aim is the first.

    Args:
        table: of `evaluate`.
        aims: in the order of `aim_rows`.

    >>> table = {"ours": {"score": Interval(0.5, 0.4, 0.6), "rainbow": Interval(0.9, 0.8, 1)}}
    >>> metrics = nested_metrics(table, ["score"])
    >>> metrics["score"], metrics["aims"]["score"]["rainbow"]
    (0.5, 0.9)
    """
    rows = aim_rows(aims)
    official = {part: table[OURS][part] for part in Scores._fields if part in table[OURS]}
    return {
        **_with_intervals(official),
        "aims": {aim: _with_intervals(table[rows[aim]]) for aim in sorted(rows)},
    }


def _with_intervals(parts: Mapping[str, Interval]) -> dict[str, Any]:
    return {
        **{part: round(interval.mean, DIGITS) for part, interval in parts.items()},
        # Lists, because `dvc exp show` makes no columns of them.
        "interval": {
            part: [round(interval.low, DIGITS), round(interval.high, DIGITS)]
            for part, interval in parts.items()
        },
    }


def logged_metrics(table: ScoreTable, aims: Iterable[Aim]) -> dict[str, float]:
    """The means of all methods by their names in MLflow.

    `test/…` is the first aim, `difference/…` its difference to the best baseline, `aim/eye/…` and
    `aim/score/…` are the aims, and `baseline/gray Telea/…` is a baseline.

    Args:
        table: of `evaluate`.
        aims: in the order of `aim_rows`.

    >>> table = {"ours": {"hue": Interval(0.5, 0.4, 0.6)}, "gray, Telea": {}}
    >>> logged_metrics(table, ["score", "eye"])
    {'test/hue': 0.5, 'aim/score/hue': 0.5}
    """
    rows = aim_rows(aims)
    groups = {OURS: ["test"], **{DIFFERENCE.format(row): [] for row in rows.values()}}
    groups[DIFFERENCE.format(OURS)] = ["difference"]
    for aim, row in rows.items():
        groups[row] = [*groups.get(row, []), f"aim/{aim}"]
    return {
        f"{group}/{part}": parts[part].mean
        for method, parts in table.items()
        for group in groups.get(method, [f"baseline/{method.replace(',', '')}"])
        for part in PARTS
        if part in parts
    }
