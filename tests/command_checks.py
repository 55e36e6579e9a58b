"""How the suite runs a command of the documentation: really, or as far as seconds allow.

Each function takes the command and the folder to work in, and gives what is printed, or None where
it only checks the command.
"""

import argparse
import ast
import contextlib
import importlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_blocks import Command
from command_sessions import MAKE, served

from rechroma.apps.cli.main import main
from rechroma.models.damage_finder import DamageFinder
from rechroma.models.restoration import RestorationNetwork
from rechroma.settings import read_yaml
from rechroma.studies.overrides import apply_overrides
from rechroma.training.loss_expression import parse_model_loss

ROOT = Path(__file__).resolve().parent.parent


def run_rechroma(command: Command, sandbox: Path) -> str:
    """Run `rechroma …` in this process: what it prints."""
    printed = io.StringIO()
    with (
        contextlib.chdir(sandbox),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        pytest.raises(SystemExit) as end,
    ):
        main(command.words[1:])
    assert not end.value.code, printed.getvalue()
    return printed.getvalue()


def run_bash(command: Command, sandbox: Path) -> str:
    ran = subprocess.run(
        ["bash", "-c", command.text], cwd=sandbox, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def run_redirected(command: Command, sandbox: Path) -> str:
    """Run `rechroma … < FILE > FILE` in a shell."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    program = f"{shlex.quote(sys.executable)} -m rechroma.apps.cli.main"
    ran = subprocess.run(
        ["bash", "-c", f'rechroma() {{ {program} "$@"; }}; {command.text}'], cwd=sandbox, text=True,
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def serve(command: Command, sandbox: Path) -> str:
    """Start a command of `rechroma` that only Ctrl-C ends: what it prints first."""
    port = ["--port", "0"] if command.words[1] == "web" else []
    program = [sys.executable, "-m", "rechroma.apps.cli.main"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with served([*program, *command.words[1:], *port], sandbox, environment) as printed:
        return printed


class ParsedError(Exception):
    """Ends a program once its arguments are read."""


@contextlib.contextmanager
def parsing_only(words: list[str]) -> Iterator[None]:
    """Programs that read the command line `words` end when they have done that."""
    read = argparse.ArgumentParser.parse_args

    def parse(self, args=None, namespace=None):
        read(self, args, namespace)
        raise ParsedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", parse)
        patch.setattr(sys, "argv", words)
        with pytest.raises(ParsedError):
            yield


def parse_rechroma(command: Command, sandbox: Path) -> None:  # noqa: ARG001
    with parsing_only(command.words):
        main(command.words[1:])


def check_installer(command: Command, sandbox: Path) -> None:
    """uvx, pipx and docker: the extras exist, and rechroma understands what it is started with.

    Whether the tools themselves accept the command is not checked: they need a network or a daemon.
    """
    words = command.words
    for where in (word for word in words if re.match(r"\.(\[|$)", word)):
        check_extras(where)
    if words[:2] != ["docker", "build"] and "rechroma" in words:
        arguments = words[words.index("rechroma") :]
        if arguments[1:]:  # the image has a command of its own
            parse_rechroma(command._replace(text=shlex.join(arguments)), sandbox)


def parse_module(command: Command, sandbox: Path) -> None:  # noqa: ARG001
    """`python -m benchmarks.… …`."""
    python, _, name, *arguments = command.words
    assert python == "python"
    module = importlib.import_module(name)
    with parsing_only([name, *arguments]):
        module.main()


def parse_dvc(command: Command, sandbox: Path) -> None:  # noqa: ARG001
    from dvc.cli import parse_args

    parse_args(command.words[1:])


def check_experiment(command: Command, sandbox: Path) -> None:  # noqa: ARG001
    """The settings of `dvc exp run` are valid, and a network can start as they say."""
    from dvc.cli import parse_args

    words = [word for word in command.words if word != "…"]
    chosen = parse_args(words[1:])
    for overrides in _grid(chosen.set_param or []):
        check_settings(overrides)


def check_finder_experiment(command: Command, sandbox: Path) -> None:  # noqa: ARG001
    """The settings of `dvc exp run` are valid, and a finder can be built as they say."""
    from dvc.cli import parse_args

    for overrides in _grid(parse_args(command.words[1:]).set_param):
        settings = apply_overrides(read_yaml(ROOT / "params.yaml"), overrides, "docs")
        assert settings.finder.samples > 0
        DamageFinder(settings.finder)


def _grid(overrides: list[str]) -> Iterator[list[str]]:
    """Each value of each override, `optim=adamw,lion`, with the first of all others."""
    choices = []
    for override in overrides:
        name, _, value = override.partition("=")
        values = [value] if "[" in value else value.split(",")
        choices.append([f"{name}={each}" for each in values])
    first = [values[0] for values in choices]
    yield first
    for place, values in enumerate(choices):
        for value in values[1:]:
            yield [*first[:place], value, *first[place + 1 :]]


def check_settings(overrides: list[str]) -> None:
    settings = apply_overrides(read_yaml(ROOT / "params.yaml"), overrides, "docs")
    parse_model_loss(settings)
    RestorationNetwork(settings.model)


def plan(command: Command, sandbox: Path) -> None:
    """The trainings of `rechroma study NAME …` can be planned with the project's own studies."""
    words = [word for word in command.words if word != "--dry-run"]
    parse_rechroma(command, sandbox)
    printed = run_rechroma(command._replace(text=shlex.join([*words, "--dry-run"])), sandbox)
    assert re.search(r"\d+ trainings of \d+ samples", printed)


def check_make(command: Command, sandbox: Path) -> None:  # noqa: ARG001
    """The target exists."""
    ran = subprocess.run(
        [*MAKE, "--dry-run", *command.words[1:]], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


def check_pip(command: Command, sandbox: Path) -> None:  # noqa: ARG001
    _, _, where = command.words
    check_extras(where)


def check_extras(where: str) -> None:
    """The extras of `.[web]` exist."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = re.fullmatch(r"\.(?:\[([\w,-]+)\])?", where)
    assert named, f"'{where}' is not this project"
    names = named[1].split(",") if named[1] else []
    assert set(names) <= extras["project"]["optional-dependencies"].keys()


def check_files(command: Command, sandbox: Path) -> None:  # noqa: ARG001
    """The files and folders of `git checkout …` or `pytest …` exist."""
    for name in command.words[1:]:
        assert name == "checkout" or (ROOT / name).exists(), name


def check_program(command: Command, sandbox: Path) -> None:  # noqa: ARG001
    folder = str(Path(sys.executable).parent)
    path = os.pathsep.join([folder, os.environ["PATH"]])
    assert shutil.which(command.words[0], path=path), f"{command.words[0]} is not installed"


def check_shell(command: Command, sandbox: Path) -> None:
    """A shell can read it, and Python the programs of its `python -c`."""
    run_bash(command._replace(text=f"bash -n -c {shlex.quote(command.text)}"), sandbox)
    if command.words[:2] == ["python", "-c"]:
        ast.parse(command.words[2])
