"""Files and folders that appear complete or not at all."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAME_BYTES = 200  # of a file's name, at most, in the name of its unfinished part


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder to fill, which replaces `folder` at the end.

    After an error the temporary folder is removed and `folder` is unchanged. Leftovers of a killed
    run are removed first.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     with whole_folder(Path(root) / "out") as part:
    ...         (part / "a.txt").touch()
    ...     [file.name for file in (Path(root) / "out").iterdir()]
    ['a.txt']
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
    """The path of a temporary file to write, which replaces `path` at the end.

    The folder of `path` is created. After an error the temporary file is removed and `path` is
    unchanged.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     with whole_file(Path(root) / "new/a.txt") as part:
    ...         _ = part.write_text("complete")
    ...     (Path(root) / "new/a.txt").read_text()
    'complete'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Shortened: most file systems limit a name to 255 bytes.
    name = os.fsdecode(os.fsencode(path.name)[:NAME_BYTES])
    part = path.with_name(f".{name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write `content` as readable JSON: indented, UTF-8, keys in their order.

    Bytes of file names that are not UTF-8 are escaped.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     write_json(Path(root) / "report.json", {"photos": 3})
    ...     print((Path(root) / "report.json").read_text(), end="")
    {
      "photos": 3
    }
    """
    with whole_file(path) as part:
        text = json.dumps(content, indent=2, ensure_ascii=False)
        part.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
