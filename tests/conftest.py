from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from rechroma.settings import Settings, parse

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def make_settings() -> Callable[..., Settings]:
    """The shipped settings with some changed, by dotted name: `make_settings(**{"lr": 0.1})`."""

    def make(**changes: Any) -> Settings:
        tree = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        for name, value in changes.items():
            *groups, last = name.split(".")
            branch = tree
            for group in groups:
                branch = branch[group]
            branch[last] = value
        return parse(tree)

    return make


@pytest.fixture
def photo() -> np.ndarray:
    """A small photograph with edges, texture and many hues: `(96, 128, 3)` uint8 RGB."""
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[0:96, 0:128]
    planes = [
        120 + 100 * np.sin(columns / 17),
        120 + 100 * np.cos(rows / 13 + columns / 40),
        110 + 90 * np.sin((rows + columns) / 23),
    ]
    smooth = np.stack(planes, axis=-1) + generator.normal(0, 6, (96, 128, 3))
    smooth[30:60, 40:90] = smooth[30:60, 40:90][..., ::-1]
    return np.clip(smooth, 0, 255).astype(np.uint8)
