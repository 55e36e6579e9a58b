"""Outputs that appear whole or not at all."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAME_BYTES = 200  # of a file's name, at most, in that of its unfinished part


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill that takes the place of `folder` once filled.

    An error removes it and leaves `folder` as it was; what a killed run left is removed first.
    """
    part, old = (folder.with_name(folder.name + end) for end in (".part", ".old.part"))
    for stale in (part, old):
        shutil.rmtree(stale, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file to write that takes the place of `path` once written; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Shortened: names of up to 255 bytes are common limits of file systems.
    name = os.fsdecode(os.fsencode(path.name)[:NAME_BYTES])
    part = path.with_name(f".{name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write `content` as JSON that people can read: two spaces, UTF-8, in its own order.

    What of a file's name is no UTF-8 is escaped.
    """
    with whole_file(path) as part:
        text = json.dumps(content, indent=2, ensure_ascii=False)
        part.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
