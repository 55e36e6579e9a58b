"""Which models there are, and the one that a person means: here, in the package, in MLflow."""

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rechroma.deployment.load import PROJECT, load_model
from rechroma.extras import missing_package
from rechroma.models.card import read_card
from rechroma.models.weights import BUNDLED_FOLDER

if TYPE_CHECKING:
    from rechroma.inference.restorer import Restorer

logger = logging.getLogger(__name__)

MLFLOW_SCHEMES = ("models:/", "runs:/")  # how MLflow's begin

BUNDLED_DESCRIPTION = "the one that rechroma carries, for research use only"


class CatalogEntry(NamedTuple):
    """A model that there is.

    Attributes:
        words: what `--model` takes; empty for the one that rechroma carries.
        score: what it reached, and on what.
        license: how it may be used.
    """

    words: str
    score: str
    license: str


def load_named_model(words: str | None) -> "tuple[str, Restorer]":
    """The model that `--model` names, or without it the project's or the package's; its name first.

    Raises:
        UserError: there is none, or MLflow does not know it.
    """
    if words is None:
        told, folder = default_model()
        return told, load_model(folder)
    if words.startswith(MLFLOW_SCHEMES):
        from rechroma.tracking.queries import download_model

        return words, load_model(download_model(words, Path.cwd()))
    return words, load_model(Path(words))


def default_model() -> tuple[str, Path]:
    """What is used where no model is named: its name, and its folder."""
    if PROJECT.exists():
        return str(PROJECT), PROJECT
    return BUNDLED_DESCRIPTION, BUNDLED_FOLDER


def list_models(root: Path) -> Iterator[CatalogEntry]:
    """The models of the project at `root`, of MLflow, and the one that rechroma carries."""
    card = read_card(BUNDLED_FOLDER)
    score = card.get("validation", {}).get("score")
    told = "not scored" if score is None else f"{score:.3f} on its validation photographs"
    yield CatalogEntry("", told, card.get("license", "not stated"))
    own = "yours, unless it started at the package's weights (docs/model-card.md)"
    if (root / PROJECT).exists():
        yield CatalogEntry(str(PROJECT), _test_score(root), own)
    if (root / "mlflow.db").exists() or os.environ.get("MLFLOW_TRACKING_URI"):
        try:
            from rechroma.tracking.queries import registered_models
        except ModuleNotFoundError as error:
            missing = missing_package(error)
            if missing is None:
                raise
            logger.warning("the models in MLflow are not listed: %s", missing)
            return
        for address, score in registered_models(root):
            yield CatalogEntry(address, f"{score} on its test photographs", own)


def _test_score(root: Path) -> str:
    try:
        metrics = json.loads((root / "reports/metrics.json").read_text(encoding="utf-8"))
        return f"{metrics['score']:.3f} on the test photographs of the last run"
    except (OSError, ValueError, KeyError, TypeError):
        return "not scored"
