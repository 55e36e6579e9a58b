"""The bundled network that finds damage: `finder.onnx` in the package, beside the restorer."""

import json
import logging
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING, Any

from rechroma.deployment.finder_onnx import (
    OnnxFinder,
    describe_finder,
    export_finder,
    load_onnx_finder,
)
from rechroma.errors import UserError
from rechroma.models.weights import BUNDLED_FOLDER
from rechroma.outputs import whole_file, write_json

if TYPE_CHECKING:
    from rechroma.models.damage_finder import DamageFinder

FINDER, FINDER_CARD = "finder.onnx", "finder.json"
SIZE_LIMIT = 8  # MiB

logger = logging.getLogger(__name__)


def load_bundled_finder(
    threads: int | None = None, folder: Path = BUNDLED_FOLDER
) -> OnnxFinder | None:
    """The bundled network, loaded once; None where the package has none.

    Args:
        threads: of the CPU to compute with; None: all processors of this process.
        folder: of the weights.

    Raises:
        UserError: the file is not the one of its card.

    >>> load_bundled_finder(folder=Path("none")) is None
    True
    """
    file = folder / FINDER
    if not file.is_file():
        logger.info("%s is missing: damage is found by rule alone", file)
        return None
    return _load_once(file, file.stat().st_mtime_ns, threads)


@lru_cache(maxsize=4)
def _load_once(file: Path, changed: int, threads: int | None) -> OnnxFinder:  # noqa: ARG001
    expected = finder_digest(file.parent)
    actual = sha256(file.read_bytes()).hexdigest()
    if actual != expected:
        raise UserError(
            f"{file} is damaged: its SHA-256 is {actual[:12]}…, expected "
            f"{expected[:12] or 'none'}… as in {FINDER_CARD}; install rechroma again"
        )
    return load_onnx_finder(file, threads)


def finder_digest(folder: Path = BUNDLED_FOLDER) -> str:
    """The SHA-256 of the network that its card states; empty without one.

    >>> len(finder_digest(Path("none")))
    0
    """
    try:
        card = json.loads((folder / FINDER_CARD).read_text(encoding="utf-8"))
        return str(card["sha256"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def bundle_finder(
    finder: "DamageFinder",
    extra: Mapping[str, Any],
    folder: Path = BUNDLED_FOLDER,
    size_limit: float = SIZE_LIMIT,
) -> Path:
    """Write a network as the bundled one: ONNX in half precision, and its card with a checksum.

    Args:
        finder: of torch.
        extra: entries of the card: how it was trained, its thresholds, its scores.
        folder: of the weights.
        size_limit: of the file, MiB.

    Raises:
        UserError: it is larger than the limit, cannot be written as ONNX, or the file computes
            otherwise than torch; what was in `folder` stays.
    """
    with whole_file(folder / FINDER) as part:
        export_finder(finder, part, extra)
        size = part.stat().st_size / 2**20
        if size > size_limit:
            raise UserError(
                f"{FINDER} takes {size:.1f} MiB, expected at most {size_limit:g} MiB; "
                "train a smaller network"
            )
        digest = sha256(part.read_bytes()).hexdigest()
    card = {**extra, "finder": describe_finder(finder), "sha256": digest}
    write_json(folder / FINDER_CARD, card)
    return folder / FINDER


def keep_finder(folder: Path, part: Path) -> None:
    """Copy the bundled network into a folder that is about to replace `folder`."""
    for name in (FINDER, FINDER_CARD):
        if (folder / name).is_file():
            copyfile(folder / name, part / name)
