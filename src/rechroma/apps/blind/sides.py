"""What is compared blindly: models, the gray baseline, folders of ready pictures."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np

from rechroma.apps.batch.match_pictures import match_pictures
from rechroma.apps.blind.photographs import BlindPhoto
from rechroma.apps.model_catalog import MLFLOW_SCHEMES, load_named_model
from rechroma.deployment.load import load_model
from rechroma.errors import UserError
from rechroma.imaging.inpaint import soft_telea
from rechroma.imaging.io import read_color
from rechroma.imaging.types import Photo
from rechroma.inference.restorer import Restorer
from rechroma.models.card import CARD
from rechroma.models.weights import BUNDLED, BUNDLED_FOLDER

GRAY = "gray"  # the baseline: holes filled by a classical method, no color
MODEL_SUFFIXES = (".onnx", ".safetensors")
EXPECTED = (
    "expected bundled, gray, a model's folder or file, models:/…, runs:/…, the name of a training "
    "in MLflow, or a folder of ready pictures"
)


class NamedSource(NamedTuple):
    """What a person wants to compare.

    Attributes:
        name: in tables and in the key.
        source: where the pictures come from, as it was given.
    """

    name: str
    source: str

    @property
    def folder(self) -> Path | None:
        """The folder of ready pictures; None for everything else."""
        path = Path(self.source)
        is_named = self.source in (BUNDLED, GRAY)
        return path if not is_named and path.is_dir() and not (path / CARD).exists() else None


class Side(NamedTuple):
    """One of the sources, ready to give pictures.

    Attributes:
        name: in tables and in the key.
        restore: the picture of a photograph, `(h, w, 3)` uint8 RGB.
    """

    name: str
    restore: Callable[[BlindPhoto], Photo]


def parse_sources(texts: Sequence[str]) -> list[NamedSource]:
    """The sources of `SOURCE` or `NAME=SOURCE` each; the name is by default the last part.

    Raises:
        UserError: there are fewer than two, or two have one name.

    >>> parse_sources(["models/lion", "old=bundled"])
    [NamedSource(name='lion', source='models/lion'), NamedSource(name='old', source='bundled')]
    """
    sources = []
    for text in texts:
        name, equals, source = text.partition("=")
        if not equals or Path(text).exists():
            name, source = PurePath(text).name or text, text
        if not name or not source:
            raise UserError(f"--blind: is '{text}', expected NAME=SOURCE with both")
        sources.append(NamedSource(name, source))
    if len(sources) < 2:
        raise UserError(f"--blind: is {' '.join(texts)} alone, expected two models or more")
    repeated = [name for name, count in Counter(each.name for each in sources).items() if count > 1]
    if repeated:
        raise UserError(
            f"--blind: two are named '{repeated[0]}', name one of them: NAME={repeated[0]}"
        )
    return sources


def open_side(
    named: NamedSource,
    photos: Mapping[Path, PurePath],
    experiment: str,
    backend: str = "auto",
    device: str = "auto",
) -> Side:
    """A source whose pictures can be asked for.

    Args:
        named: the source.
        photos: the path within their folder, by photograph; ready pictures are matched to it.
        experiment: of MLflow, which holds trainings by their name.
        backend: as `load_model`.
        device: as `load_model`.

    Raises:
        UserError: it is none, or a photograph has no ready picture.
    """
    source, folder = named.source, named.folder
    if source == GRAY:
        return Side(named.name, fill_in_gray)
    if folder is not None:
        return Side(named.name, _ready_pictures(photos, folder))
    if source == BUNDLED:
        restorer = load_model(BUNDLED_FOLDER, backend, device, "eye")
    elif source.startswith(MLFLOW_SCHEMES) or Path(source).exists():
        is_file = Path(source).is_file()
        if is_file and Path(source).suffix not in MODEL_SUFFIXES:
            raise UserError(f"--blind: {source} is no model, {EXPECTED}")
        _, restorer = load_named_model(source, backend, device)
    else:
        restorer = load_model(_trained_folder(source, experiment), backend, device, "eye")
    return Side(named.name, _restoring(restorer))


def fill_in_gray(photo: BlindPhoto) -> Photo:
    """The photograph without color, its holes filled by the best of the baselines."""
    return np.dstack([soft_telea(photo.damaged, photo.mask)] * 3)


def _restoring(restorer: Restorer) -> Callable[[BlindPhoto], Photo]:
    return lambda photo: restorer(photo.damaged, photo.mask)


def _ready_pictures(photos: Mapping[Path, PurePath], folder: Path) -> Callable[[BlindPhoto], Photo]:
    """Reads the picture in `folder` of each photograph."""
    matches = match_pictures(photos, folder, "picture")
    for photo, match in matches.items():
        if match.picture is None:
            raise UserError(f"{photo}: {match.problem}")
    files = {photo: match.picture for photo, match in matches.items() if match.picture}
    return lambda photo: read_color(files[photo.file])


def _trained_folder(name: str, experiment: str) -> Path:
    """The folder of the model of the newest finished training of this name in MLflow."""
    root = Path.cwd()
    if (root / "mlflow.db").exists() or os.environ.get("MLFLOW_TRACKING_URI"):
        from rechroma.tracking.queries import find_trainings, model_folder
        from rechroma.tracking.store import connect

        client = connect(root)
        for run in find_trainings(client, experiment):  # the newest first
            if run.finished and name in (run.name, run.run_id):
                return model_folder(client, run)
    raise UserError(f"--blind: '{name}' is no model, {EXPECTED}")
