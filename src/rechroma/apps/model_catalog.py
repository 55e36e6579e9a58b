"""The models that can be used: of the project, bundled with rechroma, in MLflow."""

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
    from rechroma.settings import Aim

logger = logging.getLogger(__name__)

MLFLOW_SCHEMES = ("models:/", "runs:/")

BUNDLED_DESCRIPTION = "the bundled one, for research use only"


class CatalogEntry(NamedTuple):
    """A model that can be used.

    Attributes:
        name: the value of `--model`; empty for the bundled model.
        score: its score and the photographs that it was scored on, as text.
        license: how it may be used.
    """

    name: str
    score: str
    license: str


def load_named_model(
    name: str | None, backend: str = "auto", device: str = "auto", aim: "Aim" = "eye"
) -> "tuple[str, Restorer]":
    """The model that `--model` names, or the default one for None; its name or description first.

    Args:
        name: a folder, a .safetensors or .onnx file, or an MLflow address (`models:/…`, `runs:/…`).
        backend: as `load_model`.
        device: as `load_model`.
        aim: what photographs are restored for.

    Raises:
        UserError: the file or folder is missing or holds no model, or MLflow has none there.
    """
    if name is None:
        description, folder = default_model()
        return description, load_model(folder, backend, device, aim)
    if name.startswith(MLFLOW_SCHEMES):
        from rechroma.tracking.queries import download_model

        return name, load_model(download_model(name, Path.cwd()), backend, device, aim)
    return name, load_model(Path(name), backend, device, aim)


def model_line(name: str, restorer: "Restorer") -> str:
    """The line that names the model, with backend and device unless it is ONNX on the CPU."""
    backend = restorer.backend
    if (backend.engine, backend.device) == ("onnx", "cpu"):
        return f"model: {name}"
    return f"model: {name} ({backend.engine}, {backend.device})"


def default_model() -> tuple[str, Path]:
    """The model used when none is named, the project's or the bundled one: description, folder."""
    if PROJECT.exists():
        return str(PROJECT), PROJECT
    logger.info("no %s in %s, using the bundled model", PROJECT, Path.cwd())
    return BUNDLED_DESCRIPTION, BUNDLED_FOLDER


def list_models(root: Path) -> Iterator[CatalogEntry]:
    """The bundled model, that of the project at `root`, and those in MLflow."""
    card = read_card(BUNDLED_FOLDER)
    validation_score = card.get("validation", {}).get("score")
    score = (
        "not scored"
        if validation_score is None
        else f"{validation_score:.3f} on its validation photographs"
    )
    yield CatalogEntry("", score, card.get("license", "not stated"))
    own_license = "yours, unless training started from the bundled weights (docs/model-card.md)"
    if (root / PROJECT).exists():
        yield CatalogEntry(str(PROJECT), _test_score(root), own_license)
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
            yield CatalogEntry(address, f"{score} on its test photographs", own_license)


def _test_score(root: Path) -> str:
    path = root / "reports/metrics.json"
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # not evaluated yet, or not by the pipeline
        logger.debug("%s: %s", path, error)
        return "not scored"
    score = metrics.get("score") if isinstance(metrics, dict) else None
    if not isinstance(score, int | float):
        return "not scored"
    return f"{score:.3f} on the test photographs of the last run"
