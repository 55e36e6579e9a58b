"""Pages of the site that are written when it is built: from the settings, the parsers, the modules.

What the code says of itself is never copied by hand, so no page of the reference goes stale.
"""

import ast
import contextlib
import io
import os
import re
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from pydantic import BaseModel

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "rechroma"
# Wings from the top of the house down; the modules that stand beside them come last.
WINGS = (
    *("apps", "studies", "tracking", "training", "deployment", "evaluation", "inference"),
    *("data", "preparation", "models", "imaging"),
)
HELP_WIDTH = "96"  # columns
NBSP = "\N{NO-BREAK SPACE}"
DOOR = PACKAGE / "apps" / "python_api.py"  # has a page of its own, reference/python.md


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to the ones that lie in the folder."""
    sys.path.insert(0, str(ROOT / "src"))  # this checkout's modules, whatever is installed
    pages = {
        "reference/settings.md": settings_page(),
        "reference/command-line.md": command_line_page(),
        "reference/modules.md": modules_page(),
        **{f"reference/api/{wing}.md": wing_page(wing) for wing in WINGS},
        "reference/api/base.md": base_page(),
    }
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def settings_page() -> str:
    """params.yaml as tables: each setting, what it may be, what it is there, what it means."""
    from rechroma.settings import Settings

    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    groups = {name: field for name, field in Settings.model_fields.items() if _group(field)}
    plain = {name: field for name, field in Settings.model_fields.items() if not _group(field)}
    parts = [
        "# params.yaml",
        "Every setting of the pipeline stands in `params.yaml`. This page is generated from the "
        "code that checks the file.",
        "Change a setting in the file, or for one experiment on the command line:",
        "```console\n$ dvc exp run -S optim=adam -S lr=3e-4\n```",
        "A group (`data`, `damage`, …) is changed by its parts, never as a whole. An unknown "
        "setting or a value out of its range is refused with a message.",
        "## What is compared most often",
        _table("", plain, params),
    ]
    for name, field in groups.items():
        group: type[BaseModel] = field.annotation
        parts += [f"## {name}", group.__doc__ or "", _table(f"{name}.", group.model_fields, params)]
    return "\n\n".join(parts) + "\n"


def _group(field: Any) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _table(prefix: str, fields: dict[str, Any], params: dict[str, Any]) -> str:
    values = params[prefix.removesuffix(".")] if prefix else params
    rows = ["| setting | value, and what it may be | meaning |", "| --- | --- | --- |"]
    for name, field in fields.items():
        if not field.description:
            raise ValueError(f"settings: {prefix}{name} has no docstring, write one under it")
        shown = yaml.safe_dump(values[name], default_flow_style=True, width=200).split("\n")[0]
        meaning = " ".join(field.description.split()).replace("|", "\\|")
        kind = _kind(field.annotation, field.metadata)
        rows.append(f"| `{prefix}{name}` | `{shown}`<br><small>{kind}</small> | {meaning} |")
    return "\n".join(rows)


def _kind(annotation: Any, metadata: list[Any]) -> str:
    """What a setting may be, in words."""
    if get_origin(annotation) is Literal:
        shown = (yaml.safe_dump(choice).split("\n")[0] for choice in get_args(annotation))
        return " \\| ".join(f"`{choice}`" for choice in shown)
    if get_origin(annotation) is tuple:
        parts = get_args(annotation)
        inner = {_annotated(part) for part in parts}
        return f"pair, each: {inner.pop()}" if len(inner) == 1 else "pair"
    words = {bool: "`true` \\| `false`", int: "whole number", float: "number"}
    return f"{words.get(annotation, 'text')}{_range(metadata)}"


def _annotated(part: Any) -> str:
    kind, *metadata = get_args(part) or (part,)
    inner = [rule for field in metadata for rule in getattr(field, "metadata", [field])]
    return _kind(kind, inner)


def _range(metadata: list[Any]) -> str:
    rules = {
        name: getattr(rule, name)
        for rule in metadata
        for name in ("ge", "gt", "le", "lt")
        if getattr(rule, name, None) is not None
    }
    low = (
        f"≥{NBSP}{rules['ge']}"
        if "ge" in rules
        else f">{NBSP}{rules['gt']}"
        if "gt" in rules
        else ""
    )
    high = (
        f"≤{NBSP}{rules['le']}"
        if "le" in rules
        else f"<{NBSP}{rules['lt']}"
        if "lt" in rules
        else ""
    )
    if rules.get("lt") == 2**32:
        high = f"<{NBSP}2³²"
    if "ge" in rules and "le" in rules:
        return f", {rules['ge']}…{rules['le']}"
    bounds = ", ".join(bound for bound in (low, high) if bound)
    return f", {bounds}" if bounds else ""


def command_line_page() -> str:
    """What `rechroma --help` and the help of each command print."""
    overview = _help()
    names = re.findall(r"^    ([a-z-]+)(?: {2,}|\n)", overview.split("COMMAND\n", 1)[1], re.M)
    if len(names) < 5:
        raise ValueError(f"rechroma --help: found only the commands {names}, expected all of them")
    parts = [
        "# Command line",
        "This page is generated from the help of each command.",
        f"```text\n{overview}```",
    ]
    for name in names:
        parts += [f"## rechroma {name}", f"```text\n{_help(name)}```"]
    return "\n\n".join(parts) + "\n"


def _help(*command: str) -> str:
    from rechroma.apps.cli.main import main

    printed = io.StringIO()
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = HELP_WIDTH
    try:
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            main([*command, "--help"])
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return printed.getvalue().rstrip() + "\n"


def modules_page() -> str:
    """Each wing and its modules with the first line of their docstrings."""
    parts = [
        "# Modules",
        "This page is generated from the first line of each module. Wings stand in the order of "
        "imports: each imports only from those below it.",
    ]
    for wing in WINGS:
        rows = [_row(path) for path in _modules(PACKAGE / wing)]
        heading = _first_line(PACKAGE / wing / "__init__.py")
        parts += [
            f"## {wing}",
            heading,
            "| module | what it is |\n| --- | --- |\n" + "\n".join(rows),
        ]
    rows = [_row(path) for path in _base()]
    parts += ["## Beside the wings", "| module | what it is |\n| --- | --- |\n" + "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def wing_page(wing: str) -> str:
    """The API of all modules of a wing."""
    parts = [f"# {wing}", _first_line(PACKAGE / wing / "__init__.py")]
    modules = [path for path in _modules(PACKAGE / wing) if path != DOOR]
    return "\n\n".join(parts + [_api(path) for path in modules]) + "\n"


def base_page() -> str:
    """The API of the modules that every wing may import."""
    parts = [
        "# Base modules",
        "Settings, the score, outputs, progress and errors: what every wing may import.",
    ]
    return "\n\n".join(parts + [_api(path) for path in _base()]) + "\n"


def _row(path: Path) -> str:
    """A module in a table, linked to its API."""
    target = "(python.md)" if path == DOOR else f"[{_dotted(path)}]"
    return f"| [`{path.relative_to(PACKAGE).as_posix()}`]{target} | {_first_line(path)} |"


def _api(path: Path) -> str:
    return f"::: {_dotted(path)}"


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)


def _modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if path.name != "__init__.py")


def _base() -> list[Path]:
    return sorted(path for path in PACKAGE.glob("*.py") if path.name != "__init__.py")


def _first_line(path: Path) -> str:
    words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if not words:
        raise ValueError(f"{path} has no docstring, write what it is on its first line")
    return words.split("\n")[0]
