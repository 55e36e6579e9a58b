"""Continue a killed training: a fingerprint of what it is, and a checkpoint that is never torn."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import torch

from rechroma.settings import Settings

PACKAGE = Path(__file__).parents[1]
# What training computes with: files and folders of the package, all modules in them.
CODE = ("metrics.py", "settings.py", "imaging", "data", "models", "inference", "training")


def fingerprint(settings: Settings, data_digest: str, package: Path = PACKAGE) -> str:
    """16 hexadecimal digits that differ whenever settings, data, code or torch differ.

    Args:
        settings: of the training.
        data_digest: of the prepared data.
        package: the folder of rechroma's modules.
    """
    digest = hashlib.sha256()
    digest.update(f"{settings.identity()} {data_digest} {torch.__version__}".encode())
    for name in CODE:
        path = package / name
        for module in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(f"{module.relative_to(package)}".encode())
            digest.update(module.read_bytes())
    return digest.hexdigest()[:16]


class Checkpoint:
    """The state of one training in a folder of its own, outside of what DVC keeps."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.file = folder / "checkpoint.pt"

    def load(self) -> dict[str, Any] | None:
        """What was last saved, on the CPU; None when there is nothing."""
        if not self.file.exists():
            return None
        state: dict[str, Any] = torch.load(self.file, map_location="cpu", weights_only=True)
        return state

    def save(self, state: dict[str, Any]) -> None:
        """Replace what was saved; a crash on the way leaves the earlier state whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.file.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as stream:
            torch.save(state, stream)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(self.file)

    def remove(self) -> None:
        """Forget it all: the training is finished."""
        shutil.rmtree(self.folder, ignore_errors=True)
