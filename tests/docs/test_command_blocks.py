"""Every command and every Python example of README and docs works, and prints what the page shows.

RULES says how each command is run: in the suite, in a tiny form or as far as seconds allow, and
for some also nightly, as it stands, in a clone of the project with tiny settings. A command that
matches no rule fails.
"""

import argparse
import ast
import contextlib
import importlib.util
import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from command_blocks import Block, Command, commands_of, missing_line, read_blocks

from rechroma.apps.cli.main import main
from rechroma.models.restoration import RestorationNetwork
from rechroma.settings import read_yaml
from rechroma.studies.overrides import apply_overrides
from rechroma.studies.spec import load_studies, plan_study
from rechroma.training.loss_expression import parse_loss

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = list(read_blocks(ROOT))
COMMANDS = [command for block in BLOCKS for command in commands_of(block)]
# The languages of blocks, all of which are read here or hold nothing to run.
LANGUAGES = {"console", "text", "python", "yaml", "diff", "mermaid", ""}
MLFLOW = "models:/"  # in Python examples that need a model of MLflow
MAKE = ("make", "-o", ".venv/.ready")  # never installs anything
WAIT = 120  # s, at most, for the first line of a server

# In the suite -----------------------------------------------------------------------------------


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
    parse_loss(settings.loss, settings.model.segmentation, settings.model.hues)
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
    """The extras of `pip install '.[web]'` exist."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    _, _, where = command.words
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


# Nightly ----------------------------------------------------------------------------------------


class Terminal:
    """Runs the commands of a page one after the other; servers run on until the end."""

    def __init__(self, project: Path, environment: dict[str, str]):
        self.project = project
        self.environment = dict(environment)
        self.servers = contextlib.ExitStack()

    def run(self, text: str) -> str:
        ran = subprocess.run(
            ["bash", "-c", text], cwd=self.project, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert ran.returncode == 0, f"$ {text}\n{ran.stdout[-4000:]}"
        return ran.stdout


def run_nightly(command: Command, terminal: Terminal) -> str:
    return terminal.run(command.text)


def make_nightly(command: Command, terminal: Terminal) -> str:
    return terminal.run(shlex.join([*MAKE, *command.words[1:]]))


def make_weights_nightly(command: Command, terminal: Terminal) -> str:
    """With the folder that has train/, validation/ and large/, which the page calls photos/."""
    words = [word.replace("photos/", "splits") for word in command.words[1:]]
    return terminal.run(shlex.join([*MAKE, *words]))


def serve_nightly(command: Command, terminal: Terminal) -> str:
    words = [*MAKE, *command.words[1:]] if command.words[0] == "make" else command.words
    return terminal.servers.enter_context(
        served(words, terminal.project, terminal.environment, await_port(command))
    )


def await_port(command: Command) -> int | None:
    """The port that a server of MLflow answers at."""
    if command.words[:2] == ["make", "ui"]:
        return 5000
    return int(command.words[command.words.index("--port") + 1])


def export_nightly(command: Command, terminal: Terminal) -> str:
    terminal.environment |= dict(word.split("=", 1) for word in command.words[1:])
    return ""


def queue_nightly(command: Command, terminal: Terminal) -> str:
    """Start the queue, wait until all of its experiments are done, and stop its workers."""
    printed = terminal.run(command.text)
    deadline = time.monotonic() + 1500
    while re.search(r"\b(Queued|Running)\b", terminal.run("dvc queue status")):
        assert time.monotonic() < deadline, "the queue did not end"
        time.sleep(5)
    terminal.run("dvc queue stop")
    assert "Failed" not in terminal.run("dvc queue status")
    return printed


@contextlib.contextmanager
def served(
    words: list[str], folder: Path, environment: dict[str, str], port: int | None = None
) -> Iterator[str]:
    """A program that runs until Ctrl-C: its first line, once it answers at `port`, if any."""
    with subprocess.Popen(
        words, cwd=folder, env=environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            first = process.stdout.readline()
            assert first, f"{shlex.join(words)} ended with {process.wait()}"
            while not re.search("https?://|watching", first) and port is None:
                line = process.stdout.readline()
                assert line, first
                first += line
            if port is not None:
                wait_for_port(port, process)
            yield first
        finally:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def wait_for_port(port: int, process: subprocess.Popen[str]) -> None:
    import socket

    deadline = time.monotonic() + WAIT
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.5)
    pytest.fail(f"nothing answers at port {port}")


# The table --------------------------------------------------------------------------------------


class Rule(NamedTuple):
    """How commands are run.

    Attributes:
        pattern: of the whole command.
        quick: in the suite; gives what is printed, or None where it only checks the command.
        nightly: as it stands, in a clone; None where the suite runs it already.
    """

    pattern: str
    quick: Callable[[Command, Path], str | None]
    nightly: Callable[[Command, Terminal], str] | None = None


# The first one that fits holds.
RULES = (
    # What this suite is a part of: make setup comes before it, make lint and make docs beside it.
    Rule(r"make (setup|test|lint|docs)", check_make),
    Rule(r"make repro", check_make, make_nightly),
    Rule(r"make ui", check_make, serve_nightly),
    Rule(r"make weights PHOTOS=photos/", check_make, make_weights_nightly),
    Rule(r"make .*", check_make),
    Rule(r"source \.venv/bin/activate", run_bash),
    Rule(r"pip install .*", check_pip),
    Rule(r"pytest \S+", check_files),
    Rule(r"git checkout .*", check_files, run_nightly),
    # The page adds this loss.
    Rule(r"dvc exp run .*charbonnier.*", parse_dvc),
    # Not the whole command: "…" stands for a part of it.
    Rule(r"dvc exp run … .*", check_experiment),
    Rule(r"dvc exp run .*", check_experiment, run_nightly),
    Rule(r"dvc queue start .*", parse_dvc, queue_nightly),
    Rule(r"dvc .*", parse_dvc, run_nightly),
    # Hours, on photographs that are not here.
    Rule(r"rechroma study .*/path/to/.*", plan),
    Rule(r"rechroma study \$study .*|rechroma .*\$P .*|P=.*|for .*", check_shell),
    Rule(r"rechroma .*/path/to/.*", parse_rechroma),
    Rule(r"rechroma web\b.*|rechroma restore .*--watch.*", serve),
    Rule(r"rechroma study|rechroma study .*--dry-run.*", run_rechroma),
    Rule(r"rechroma study .*", plan, run_nightly),
    Rule(r"rechroma (compare|ship) .*", parse_rechroma, run_nightly),
    Rule(r"rechroma (restore|find-mask|models|score|evaluate|export)\b.*", run_rechroma),
    Rule(r"python -m benchmarks\S* .*", parse_module),
    Rule(r"export .*", check_shell, export_nightly),
    Rule(r"mlflow models serve .*", check_program, serve_nightly),
    Rule(r"python -c .*", check_shell, run_nightly),
    Rule(r"curl .*", check_program, run_nightly),
    Rule(r"torchrun .* -m stages\.train", check_program),
)


def find_rule(command: Command) -> Rule | None:
    for rule in RULES:
        if re.fullmatch(rule.pattern, shlex.join(command.words), re.S):
            return rule
        if re.fullmatch(rule.pattern, command.text, re.S):
            return rule
    return None


def rule_of(command: Command) -> Rule:
    rule = find_rule(command)
    if rule is None:
        pytest.fail(f"{command.place}: no rule says how '{command.text}' is run, add one to RULES")
    return rule


def check_output(command: Command, printed: str) -> None:
    missing = missing_line(command.output, printed)
    assert missing is None, (
        f"{command.place}: '{command.text}' no longer prints '{missing}', but\n{printed}"
    )


def of_language(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


@pytest.fixture(scope="session")
def run_once(sandbox: Path) -> Callable[[Command], str | None]:
    """Runs a command of the suite, one that stands on several pages only once."""
    results: dict[str, str | None] = {}

    def run(command: Command) -> str | None:
        if command.text not in results:
            results[command.text] = rule_of(command).quick(command, sandbox)
        return results[command.text]

    return run


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.place)
def test_a_command_works(command, run_once):
    for earlier in commands_of(command.block):
        if earlier.line < command.line and rule_of(earlier).quick in (run_rechroma, run_bash):
            run_once(earlier)
    printed = run_once(command)
    if printed is not None and command.block.language == "console":
        check_output(command, printed)
    elif command.output and command.block.language == "console":
        assert rule_of(command).nightly, f"{command.place}: nothing compares the output below it"


@pytest.mark.parametrize("block", of_language("python"), ids=lambda block: block.place)
def test_a_python_example_works(block, sandbox):
    code = compile("\n".join(block.lines), block.place, "exec")
    if MLFLOW not in "\n".join(block.lines):
        with contextlib.chdir(sandbox), contextlib.redirect_stdout(io.StringIO()):
            exec(code, {"__name__": "__main__"})


def test_every_block_is_of_a_language_that_is_tested():
    unknown = [block.place for block in BLOCKS if block.language not in LANGUAGES]
    assert not unknown, f"{unknown}: of another language than {', '.join(sorted(LANGUAGES))}"
    hidden = [
        command.place for command in COMMANDS if command.block.language not in ("console", "text")
    ]
    assert not hidden, f"{hidden}: a command stands outside of a block of console or text"


@pytest.mark.parametrize("block", of_language("yaml"), ids=lambda block: block.place)
def test_a_study_of_a_page_can_be_planned(block, tmp_path):
    own = read_yaml(ROOT / "studies.yaml")
    shown = yaml.safe_load("\n".join(block.lines))
    (tmp_path / "studies.yaml").write_text(yaml.safe_dump({**own, **shown}))
    for name, study in load_studies(tmp_path / "studies.yaml").items():
        assert len(plan_study(study, read_yaml(ROOT / "params.yaml"))) >= len(study.arms), name


@pytest.mark.parametrize("block", of_language("diff"), ids=lambda block: block.place)
def test_a_change_that_a_page_shows_fits_the_code(block):
    files = [ROOT / name for name in ("params.yaml", "studies.yaml", "pyproject.toml")]
    files += sorted((ROOT / "src/rechroma").rglob("*.py"))
    changed = {file: text for file in files if (text := apply_change(block.lines, file))}
    assert changed, f"{block.place}: no file has the lines around the change"
    for file, text in changed.items():
        if file.suffix == ".py":
            check = [
                sys.executable,
                "-m",
                "ruff",
                "check",
                "--isolated",
                "--select",
                "E9,F821",
                "-",
            ]
            ran = subprocess.run(check, input=text, capture_output=True, text=True)
            assert ran.returncode == 0, f"{block.place}: in {file.name}\n{ran.stdout}"


def apply_change(change: tuple[str, ...], file: Path) -> str | None:
    """The text of `file` with a change, of lines marked as in a diff; None: of another file."""
    lines = file.read_text(encoding="utf-8").splitlines()
    place, added = 0, []
    for line in change:
        mark, text = line[:1], line[1:]
        if mark == "+":
            added.append(text)
            continue
        if text not in lines[place:]:
            return None
        place = lines.index(text, place)
        lines[place : place + (mark == "-")] = added
        place += len(added) + (mark != "-")
        added = []
    return "\n".join([*lines[:place], *added, *lines[place:]]) + "\n"


def pages_with_nightly_commands() -> dict[str, list[Command | Block]]:
    """The pages with commands or examples to run nightly; of equal pages the first one."""
    pages: dict[str, list[Command | Block]] = {}
    for block in BLOCKS:
        if block.language == "python" and MLFLOW in "\n".join(block.lines):
            pages.setdefault(block.file, []).append(block)
        for command in commands_of(block):
            rule = find_rule(command)
            if rule is not None and rule.nightly:
                pages.setdefault(block.file, []).append(command)
    # README.ko.md has the commands of README.md.
    commands = {page: tuple(_text(step) for step in steps) for page, steps in pages.items()}
    first = {text: page for page, text in reversed(commands.items())}
    return {page: pages[page] for page in pages if page in first.values()}


def _text(step: Command | Block) -> str:
    return step.text if isinstance(step, Command) else "\n".join(step.lines)


@pytest.mark.nightly
@pytest.mark.parametrize("page", pages_with_nightly_commands())
def test_the_commands_of_a_page_work_one_after_the_other(page, reproduced, environment):
    terminal = Terminal(reproduced, environment)
    with terminal.servers:
        for step in pages_with_nightly_commands()[page]:
            if isinstance(step, Block):
                code = "\n".join(step.lines)
                terminal.run(f"python -c {shlex.quote(code)}")
                continue
            nightly = rule_of(step).nightly
            assert nightly is not None
            print(f"{step.place}: {step.text}", flush=True)
            check_output(step, nightly(step, terminal))
    terminal.run("git checkout --quiet . && git status --short")
