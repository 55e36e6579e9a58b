"""`rechroma models`."""

import argparse
from pathlib import Path

from rechroma.apps.cli.command import AddCommand

MODELS = """\
Lists the models that --model can name, with their scores and licenses: the bundled model, which is
the default where there is no other, the model of this project, and those in MLflow.

  rechroma models                               names, scores and licenses
"""
BUNDLED_ROW = "(bundled, the default without another)"


def add_to(add_command: AddCommand) -> None:
    """Add the command."""
    add_command("models", "list the models that can be used", MODELS, _models)


def _models(chosen: argparse.Namespace) -> int:  # noqa: ARG001
    from rechroma.apps.model_catalog import list_models

    for entry in list_models(Path.cwd()):
        print(entry.name or BUNDLED_ROW)
        print(f"    score: {entry.score}\n    license: {entry.license}")
    return 0
