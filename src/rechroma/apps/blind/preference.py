"""How often each model is preferred to each other one, by voter and in all."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from math import sqrt
from statistics import NormalDist
from typing import Any, NamedTuple

import pandas as pd

from rechroma.apps.blind.pairs import Key
from rechroma.apps.blind.votes import Votes
from rechroma.evaluation.intervals import DIGITS, Interval, format_interval
from rechroma.evaluation.tables import markdown_table

ALL = "all"  # in tables, in place of a voter


class Preference(NamedTuple):
    """The votes on the pairs of two models.

    Attributes:
        first: the name of a model.
        second: that of the other.
        voter: whose votes, None for those of all.
        wins: votes for the first.
        losses: votes for the second.
        ties: votes for neither.
        ties_half: how often the first is preferred, each tie counted as half a vote for both; None
            without votes.
        ties_left_out: the same of the votes that are no ties.
    """

    first: str
    second: str
    voter: str | None
    wins: int
    losses: int
    ties: int
    ties_half: Interval | None
    ties_left_out: Interval | None


def wilson(successes: float, trials: int, confidence: float) -> Interval | None:
    """A share with Wilson's interval, None where there are no trials.

    Source: Wilson 1927.

    Args:
        successes: from 0 to `trials`; a half counts as such.
        trials: their number.
        confidence: of the interval, in (0, 1).

    >>> [round(number, 3) for number in wilson(5, 10, 0.95)]
    [0.5, 0.237, 0.763]
    """
    if not trials:
        return None
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / trials
    scale = 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / scale
    half = z / scale * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def preferences(key: Key, votes: Sequence[Votes], confidence: float) -> list[Preference]:
    """The preference between each two models: of each voter, then of all.

    Args:
        key: of the page.
        votes: of each voter.
        confidence: of the intervals.
    """
    rows = []
    for first, second in combinations(key.models, 2):
        for voter, several in (*((each.voter, [each]) for each in votes), (None, votes)):
            counts = _count(key, several, first, second)
            wins, losses, ties = counts[first], counts[second], counts[""]
            decided = wins + losses
            rows.append(
                Preference(
                    first,
                    second,
                    voter,
                    wins,
                    losses,
                    ties,
                    wilson(wins + ties / 2, decided + ties, confidence),
                    wilson(wins, decided, confidence),
                )
            )
    return rows


def _count(key: Key, votes: Iterable[Votes], first: str, second: str) -> Counter[str]:
    """The votes on pairs of two models, by the model that is preferred, or none."""
    counts: Counter[str] = Counter()
    for pair in key.pairs:
        if {pair.left, pair.right} == {first, second}:
            models = {"left": pair.left, "right": pair.right, "none": ""}
            counts.update(
                models[each.choices[pair.number]] for each in votes if pair.number in each.choices
            )
    return counts


def left_share(votes: Iterable[Votes]) -> float | None:
    """The share of left among the votes for a side: far from a half, sides mattered."""
    choices = Counter(choice for each in votes for choice in each.choices.values())
    decided = choices["left"] + choices["right"]
    return choices["left"] / decided if decided else None


def preference_table(rows: Sequence[Preference]) -> str:
    """The table in Markdown; where there is one voter alone, without the votes of all."""
    voters = {row.voter for row in rows} - {None}
    shown = [row for row in rows if row.voter is not None or len(voters) > 1]
    cells = [
        {
            "first": row.first,
            "second": row.second,
            "voter": ALL if row.voter is None else row.voter.replace("|", "/"),
            "first preferred": str(row.wins),
            "second preferred": str(row.losses),
            "no preference": str(row.ties),
            "share of the first, ties half": _format(row.ties_half),
            "share of the first, ties left out": _format(row.ties_left_out),
        }
        for row in shown
    ]
    return markdown_table(pd.DataFrame(cells)) + "\n"


def _format(interval: Interval | None) -> str:
    return format_interval(interval) if interval else "no votes"


def remarks(key: Key, votes: Sequence[Votes], confidence: float) -> str:
    """How the table is to be read, in Markdown."""
    counted = ", ".join(f"{each.voter} {len(each.choices)}" for each in votes)
    lines = [
        f"Page {key.page}, {len(key.pairs)} pairs; votes: {counted}.",
        f"Shares have Wilson intervals, {confidence:.0%}. With ties half, no preference counts as "
        "half a vote for each; left out, it does not count.",
        "An interval that contains 0.5 shows no preference.",
    ]
    if len(votes) > 1:
        lines.append(
            "The interval of all takes votes as independent; those of several people on one pair "
            "are not quite, so it is too narrow."
        )
    share = left_share(votes)
    if share is not None:
        lines.append(f"Left was chosen in {share:.0%} of the votes for a side.")
    return "".join(f"- {line}\n" for line in lines)


def result_json(
    key: Key, votes: Sequence[Votes], rows: Sequence[Preference], confidence: float
) -> dict[str, Any]:
    """The whole result, for a file: `voter` null are the votes of all."""
    share = left_share(votes)
    return {
        "page": key.page,
        "pairs": len(key.pairs),
        "models": dict(key.models),
        "confidence": confidence,
        "votes": {each.voter: len(each.choices) for each in votes},
        "left_share": None if share is None else round(share, DIGITS),
        "preferences": [
            row._asdict()
            | {"ties_half": _rounded(row.ties_half), "ties_left_out": _rounded(row.ties_left_out)}
            for row in rows
        ],
    }


def _rounded(interval: Interval | None) -> list[float] | None:
    """Mean, low and high."""
    return None if interval is None else [round(number, DIGITS) for number in interval]
