"""Checkpoints: the state of an interrupted training, and a fingerprint of what it computes."""

import hashlib
import logging
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from rechroma.models.weights import BUNDLED, BUNDLED_FOLDER, EYE_FOLDER, WEIGHTS_NAME
from rechroma.settings import Settings

PACKAGE = Path(__file__).parents[1]
# What training computes with: single modules, and folders with all modules in them.
CODE = ("metrics.py", "settings.py", "imaging", "data", "models", "inference", "training")

logger = logging.getLogger(__name__)


def fingerprint(settings: Settings, data_digest: str, package: Path = PACKAGE) -> str:
    """A name for a training, which differs when its settings, data, code, starting weights or torch
    differ.

    A checkpoint is stored under it, so that no training resumes from the state of another one.

    Args:
        settings: those that training does not depend on make no difference.
        data_digest: of the prepared data, from its dataset.json.
        package: the folder of rechroma's modules.

    Returns:
        16 hexadecimal digits.
    """
    digest = hashlib.sha256()
    digest.update(f"{settings.identity()} {data_digest} {torch.__version__}".encode())
    digest.update(code_of(CODE, package))
    for weights in _weights_files(settings.model.weights, package):
        digest.update(hashlib.sha256(weights.read_bytes()).digest())
    return digest.hexdigest()[:16]


def code_of(names: Iterable[str], package: Path = PACKAGE) -> bytes:
    """All code of some modules and folders of `package`, each module after its path."""
    paths = [package / name for name in names]
    modules = [
        module
        for path in paths
        for module in (sorted(path.rglob("*.py")) if path.is_dir() else [path])
    ]
    return b"".join(f"{each.relative_to(package)}".encode() + each.read_bytes() for each in modules)


def _weights_files(weights: str, package: Path) -> list[Path]:
    """The files of weights that training may start from; none if they are none of ours."""
    files = [Path(weights)]
    if weights == BUNDLED:
        folder = package / BUNDLED_FOLDER.name
        files = [folder / WEIGHTS_NAME, folder / EYE_FOLDER.name / WEIGHTS_NAME]
    return [file for file in files if file.is_file()]


class Checkpoint:
    """A file with the state of one training, in a folder of its own that DVC does not track."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.file = folder / "checkpoint.pt"

    def load(self) -> dict[str, Any] | None:
        """The saved state, on the CPU; None if there is none."""
        if not self.file.exists():
            return None
        logger.info("loading checkpoint %s", self.file)
        state: dict[str, Any] = torch.load(self.file, map_location="cpu", weights_only=True)
        return state

    def save(self, state: dict[str, Any]) -> None:
        """Replace the saved state; a crash meanwhile leaves the earlier one whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # Written beside it, flushed to the disk, then renamed in one operation.
        part = self.file.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as stream:
            torch.save(state, stream)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(self.file)

    def remove(self) -> None:
        """Delete the folder with all that it holds, when the training is finished."""
        shutil.rmtree(self.folder, ignore_errors=True)
