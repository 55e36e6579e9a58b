"""The fenced blocks of README and docs: their commands, and the output below them."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,})(?P<language>[\w-]*)")
PROMPT = "$ "


class Block(NamedTuple):
    """One fenced block.

    Attributes:
        file: relative to the project.
        line: of its first line of text, from 1.
        language: the word behind the fence.
        lines: its text, without the indentation of the fence.
    """

    file: str
    line: int
    language: str
    lines: tuple[str, ...]

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


class Command(NamedTuple):
    """One command of a block.

    Attributes:
        block: where it is.
        line: of the file, from 1.
        text: without the prompt; continued lines are joined.
        output: the lines printed below it, up to the next command.
    """

    block: Block
    line: int
    text: str
    output: tuple[str, ...]

    @property
    def place(self) -> str:
        return f"{self.block.file}:{self.line}"

    @property
    def words(self) -> list[str]:
        """The words of the command as a shell splits them, without comments."""
        return shlex.split(self.text, comments=True)


def read_blocks(root: Path) -> Iterator[Block]:
    """The blocks of all pages of the project at `root`."""
    pages = [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md"))]
    for page in pages:
        yield from parse_blocks(page.read_text(encoding="utf-8"), page.relative_to(root).as_posix())


def parse_blocks(text: str, file: str) -> Iterator[Block]:
    """The blocks of a page of Markdown.

    Raises:
        ValueError: a block is never closed.
    """
    lines = enumerate(text.splitlines(), start=1)
    for number, line in lines:
        opening = FENCE.match(line)
        if not opening:
            continue
        indent, inside = len(opening["indent"]), []
        for _, inner in lines:
            if inner.strip() == opening["fence"]:
                break
            inside.append(inner[indent:])
        else:
            raise ValueError(f"{file}:{number}: the block is never closed")
        yield Block(file, number + 1, opening["language"], tuple(inside))


def commands_of(block: Block) -> Iterator[Command]:
    """The commands of a block, each with the output below it."""
    number, lines = 0, block.lines
    while number < len(lines):
        if not lines[number].startswith(PROMPT):
            number += 1
            continue
        line, text = block.line + number, lines[number].removeprefix(PROMPT)
        while text.endswith("\\") and number + 1 < len(lines):
            number += 1
            text = " ".join((text.removesuffix("\\").rstrip(), lines[number].strip()))
        number += 1
        output = []
        while number < len(lines) and not lines[number].startswith(PROMPT):
            output.append(lines[number])
            number += 1
        yield Command(block, line, text, tuple(each for each in output if each.strip()))


def missing_line(expected: tuple[str, ...], printed: str) -> str | None:
    """The first of the `expected` lines that was not printed in their order; None: all were.

    `…` stands for any text, and a number for any other one.
    """
    remaining = iter(printed.splitlines())
    for line in expected:
        if line.strip() == "…":
            continue
        parts = re.split(r"(…|\d+)", line.rstrip())
        pattern = "".join(
            ".*" if part == "…" else r"\d+" if part.isdecimal() else re.escape(part)
            for part in parts
        )
        if not any(re.fullmatch(pattern, each.rstrip()) for each in remaining):
            return line
    return None
