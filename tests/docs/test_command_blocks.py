"""Every command and every Python example of README and docs works, and prints what the page shows.

RULES says how each command is run: in the suite, in a tiny form or as far as seconds allow, and
for some also nightly, as it stands, in a clone of the project with tiny settings. A command that
matches no rule fails.
"""

import contextlib
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from command_blocks import Block, Command, commands_of, missing_line, read_blocks
from command_checks import (
    check_experiment,
    check_files,
    check_finder_experiment,
    check_installer,
    check_make,
    check_pip,
    check_program,
    check_shell,
    parse_dvc,
    parse_module,
    parse_rechroma,
    plan,
    run_bash,
    run_rechroma,
    run_redirected,
    serve,
)
from command_sessions import (
    Terminal,
    export_nightly,
    make_nightly,
    make_weights_nightly,
    queue_nightly,
    run_nightly,
    serve_nightly,
)

from rechroma.settings import read_yaml
from rechroma.studies.spec import load_studies, plan_study

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = list(read_blocks(ROOT))
COMMANDS = [command for block in BLOCKS for command in commands_of(block)]
# The languages of blocks, all of which are read here or hold nothing to run.
LANGUAGES = {"console", "text", "python", "yaml", "diff", "mermaid", ""}
MLFLOW = "models:/"  # in Python examples that need a model of MLflow


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
    Rule(r"make ui( PORT=\d+)?", check_make, serve_nightly),
    Rule(r"make weights PHOTOS=photos/", check_make, make_weights_nightly),
    Rule(r"make .*", check_make),
    Rule(r"source \.venv/bin/activate", run_bash),
    Rule(r"pip install .*", check_pip),
    Rule(r"(uvx|pipx|docker) .*", check_installer),
    Rule(r"pytest \S+", check_files),
    Rule(r"git checkout .*", check_files, run_nightly),
    # The page adds this loss.
    Rule(r"dvc exp run .*charbonnier.*", parse_dvc),
    # Thousands of samples.
    Rule(r"dvc exp run .*finder\.samples.*", check_finder_experiment),
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
    # Of trainings of many samples.
    Rule(r"rechroma (ship --finder|train-finder) .*", parse_rechroma),
    # Votes of people, who are not here.
    Rule(r"rechroma compare --blind-result .*", parse_rechroma),
    Rule(r"rechroma (compare|ship) .*", parse_rechroma, run_nightly),
    Rule(r"rechroma [^|]* [<>] .*", run_redirected),
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


def cases(items: Iterable[Command | Block]) -> list[Any]:
    """Parameters of a test, by their place."""
    return [pytest.param(item, id=item.place) for item in items]


def text_of(item: Command | Block) -> str:
    return item.text if isinstance(item, Command) else "\n".join(item.lines)


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


@pytest.mark.parametrize("command", cases(COMMANDS))
def test_a_command_works(command, run_once):
    for earlier in commands_of(command.block):
        if earlier.line < command.line and rule_of(earlier).quick in (run_rechroma, run_bash):
            run_once(earlier)
    printed = run_once(command)
    if printed is not None and command.block.language == "console":
        check_output(command, printed)
    elif command.output and command.block.language == "console":
        assert rule_of(command).nightly, f"{command.place}: nothing compares the output below it"


@pytest.mark.parametrize("block", cases(of_language("python")))
def test_a_python_example_works(block, sandbox):
    code = compile(text_of(block), block.place, "exec")
    if MLFLOW not in text_of(block):
        with contextlib.chdir(sandbox), contextlib.redirect_stdout(io.StringIO()):
            exec(code, {"__name__": "__main__"})


def test_every_block_is_of_a_language_that_is_tested():
    unknown = [block.place for block in BLOCKS if block.language not in LANGUAGES]
    assert not unknown, f"{unknown}: of another language than {', '.join(sorted(LANGUAGES))}"
    hidden = [
        command.place for command in COMMANDS if command.block.language not in ("console", "text")
    ]
    assert not hidden, f"{hidden}: a command stands outside of a block of console or text"
    bare = [block.place for block in of_language("console") if not block.lines[0].startswith("$ ")]
    assert not bare, f"{bare}: a block of console begins with a command, '$ …'"


def test_a_command_without_a_rule_fails_with_its_place():
    (command,) = commands_of(Block("page.md", 7, "console", ("$ rm --recursive photos",)))
    with pytest.raises(pytest.fail.Exception, match=r"page\.md:7: no rule says how 'rm --rec"):
        rule_of(command)


def test_output_that_no_longer_comes_fails_with_its_place():
    block = Block("page.md", 7, "console", ("$ rechroma models", "score: 0.5", "…", "free"))
    (command,) = commands_of(block)
    check_output(command, "model\nscore: 0.71\nother\nfree\n")
    with pytest.raises(AssertionError, match=r"page\.md:7: 'rechroma models' no longer prints 'fr"):
        check_output(command, "score: 0.71\nnone\n")


@pytest.mark.parametrize("block", cases(of_language("yaml")))
def test_a_study_of_a_page_can_be_planned(block, tmp_path):
    own = read_yaml(ROOT / "studies.yaml")
    shown = yaml.safe_load(text_of(block))
    (tmp_path / "studies.yaml").write_text(yaml.safe_dump({**own, **shown}))
    for name, study in load_studies(tmp_path / "studies.yaml").items():
        assert len(plan_study(study, read_yaml(ROOT / "params.yaml"))) >= len(study.arms), name


@pytest.mark.parametrize("block", cases(of_language("diff")))
def test_a_change_that_a_page_shows_fits_the_code(block):
    files = [ROOT / name for name in ("params.yaml", "studies.yaml", "pyproject.toml")]
    files += sorted((ROOT / "src/rechroma").rglob("*.py"))
    changed = {file: text for file in files if (text := apply_change(block.lines, file))}
    assert changed, f"{block.place}: no file has the lines around the change"
    for file, text in changed.items():
        if file.suffix == ".py":
            check = [sys.executable, "-m", "ruff", "check", "--stdin-filename", str(file), "-"]
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
        if block.language == "python" and MLFLOW in text_of(block):
            pages.setdefault(block.file, []).append(block)
        for command in commands_of(block):
            rule = find_rule(command)
            if rule is not None and rule.nightly:
                pages.setdefault(block.file, []).append(command)
    # README.ko.md has the commands of README.md.
    commands = {page: tuple(text_of(step) for step in steps) for page, steps in pages.items()}
    first = {text: page for page, text in reversed(commands.items())}
    return {page: pages[page] for page in pages if page in first.values()}


@pytest.mark.nightly
@pytest.mark.parametrize("page", pages_with_nightly_commands())
def test_the_commands_of_a_page_work_one_after_the_other(page, reproduced, environment):
    terminal = Terminal(reproduced, environment)
    with terminal.servers:
        for step in pages_with_nightly_commands()[page]:
            if isinstance(step, Block):
                terminal.run(f"python -c {shlex.quote(text_of(step))}")
                continue
            nightly = rule_of(step).nightly
            assert nightly is not None
            print(f"{step.place}: {step.text}", flush=True)
            check_output(step, nightly(step, terminal))
    terminal.run("git checkout --quiet . && git status --short")
