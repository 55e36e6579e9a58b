"""Helpers of the tests of the command line: run it, write and read pictures, list files."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rechroma.apps.cli.main import main

HOLE = np.s_[20:50, 30:70]


def rechroma(*arguments: str) -> int:
    """Run the command and return its exit code."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return end.value.code


def put(file: str, picture: np.ndarray) -> None:
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(file)


def mask_of(area: tuple[slice, slice]) -> np.ndarray:
    mask = np.zeros((96, 128), bool)
    mask[area] = True
    return mask


def get(file: str) -> np.ndarray:
    return np.asarray(Image.open(file))


def made(folder: str) -> list[str]:
    """The files below `folder` that have a suffix, without those that are hidden."""
    files = (path for path in Path(folder).rglob("*.*") if not path.name.startswith("."))
    return sorted(path.relative_to(folder).as_posix() for path in files)


def files() -> dict[str, bytes]:
    """Every file below the current folder, and its content."""
    found = [path for path in sorted(Path().rglob("*")) if path.is_file()]
    return {path.as_posix(): path.read_bytes() for path in found}
