"""Which models there are, and the one that a person means: here, in the package, in MLflow."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rechroma.deployment import bundle as shipped
from rechroma.models import store as storage

if TYPE_CHECKING:
    from rechroma.inference.restorer import Restorer

ADDRESSES = ("models:/", "runs:/")  # how MLflow's begin

CARRIED = "the one that rechroma carries, for research use only"


class Found(NamedTuple):
    """A model that there is.

    Attributes:
        words: what `--model` takes; empty for the one that rechroma carries.
        score: what it reached, and on what.
        license: how it may be used.
    """

    words: str
    score: str
    license: str


def choose(words: str | None) -> "tuple[str, Restorer]":
    """The model that `--model` names, or without it the project's or the package's; its name first.

    Raises:
        UserError: there is none, or MLflow does not know it.
    """
    if words is None:
        told, folder = default()
        return told, storage.load(folder)
    if words.startswith(ADDRESSES):
        from rechroma.tracking import queries as history

        return words, storage.load(history.downloaded(words, Path.cwd()))
    return words, storage.load(Path(words))


def default() -> tuple[str, Path]:
    """What is used where no model is named: its name, and its folder."""
    if storage.PROJECT.exists():
        return str(storage.PROJECT), storage.PROJECT
    return CARRIED, shipped.FOLDER


def known(root: Path) -> Iterator[Found]:
    """The models of the project at `root`, of MLflow, and the one that rechroma carries."""
    card = storage.read_card(shipped.FOLDER)
    score = card.get("validation", {}).get("score")
    told = "not scored" if score is None else f"{score:.3f} on its validation photographs"
    yield Found("", told, card.get("license", "not stated"))
    own = "yours, unless it started at the package's weights (docs/model-card.md)"
    if (root / storage.PROJECT).exists():
        yield Found(str(storage.PROJECT), _test_score(root), own)
    if (root / "mlflow.db").exists() or os.environ.get("MLFLOW_TRACKING_URI"):
        from rechroma.tracking import queries as history

        for address, score in history.registered(root):
            yield Found(address, f"{score} on its test photographs", own)


def _test_score(root: Path) -> str:
    try:
        metrics = json.loads((root / "reports/metrics.json").read_text(encoding="utf-8"))
        return f"{metrics['score']:.3f} on the test photographs of the last run"
    except (OSError, ValueError, KeyError, TypeError):
        return "not scored"
