"""Which of the project's own modules a module imports, read from its text."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"rechroma": ROOT / "src" / "rechroma", "stages": ROOT / "stages"}


class Import(NamedTuple):
    """One import of a module of the project's own."""

    module: Path
    line: int
    typing_only: bool


def file_of(name: str) -> Path | None:
    """The file of a module of the project's own by its dotted name, None for anything else."""
    package, *inner = name.split(".")
    if package not in PACKAGES:
        return None
    path = PACKAGES[package].joinpath(*inner)
    for candidate in (path.with_suffix(".py") if inner else path, path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@cache
def imports_of(file: Path) -> tuple[Import, ...]:
    """The imports of `file`, anywhere in it."""
    return tuple(_imports(ast.parse(file.read_text(encoding="utf-8")), typing_only=False))


def _imports(tree: ast.AST, typing_only: bool) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import name` is of the module `name` where there is one.
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if file_of(name) else node.module for name in inner]
        for name in dict.fromkeys(names):
            if module := file_of(name):
                yield Import(module, node.lineno, typing_only)
        guarded = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        yield from _imports(node, typing_only or guarded)


def reached_modules(file: Path) -> set[Path]:
    """What `file` imports when it runs, directly or not, with the packages around it."""
    reached: set[Path] = set()
    waiting = {file}
    while waiting:
        current = waiting.pop()
        reached.add(current)
        if "src" in current.parts or current.parent.name == "stages":
            waiting |= {current.with_name("__init__.py")} - reached
        waiting |= {each.module for each in imports_of(current) if not each.typing_only} - reached
    return reached
