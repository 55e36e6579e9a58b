"""Fixtures of the tests of commands: an empty folder, a model in it, the project's settings."""

from pathlib import Path

import pytest
from command_line import rechroma

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def at_desk(desk):
    """Commands run in an empty folder."""


@pytest.fixture
def restored(model):
    """Runs `rechroma restore` with an untrained model: `restored("album", "--out", "new")`."""
    model("tiny")
    return lambda *arguments: rechroma("restore", *arguments, "--model", "tiny")


@pytest.fixture
def project(at_desk):  # noqa: ARG001, in that folder
    """The project's own settings and studies in the folder."""
    for name in ("params.yaml", "studies.yaml"):
        Path(name).write_bytes((ROOT / name).read_bytes())
