"""One photograph from standard input, or to standard output: `-` as a path."""

import argparse
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rechroma.errors import UserError

if TYPE_CHECKING:
    from rechroma.apps.batch.jobs import ReportEntry

STREAM = Path("-")
NAMES = ("standard-input", "standard-output")  # of the temporary files, without suffix


class Streams:
    """The temporary files of a command whose input or output is a standard stream.

    Attributes:
        input: whether the photograph is read from standard input.
        output: whether the result is written to standard output.
    """

    def __init__(self, chosen: argparse.Namespace) -> None:
        """The streams that the arguments name.

        Raises:
            UserError: `-` beside other photographs, a terminal as a stream, or options that
                contradict it.
        """
        self.input, self.output = STREAM in chosen.photos, chosen.out == STREAM
        self._folder: Path | None = None
        self._out: Path | None = None
        if self.input and len(chosen.photos) > 1:
            raise UserError("- is the photograph from standard input, expected no other beside it")
        if self.input and sys.stdin.isatty():
            raise UserError("standard input is a terminal, expected a photograph: … - < old.jpg")
        if self.output and sys.stdout.isatty():
            raise UserError("standard output is a terminal, expected a file or a pipe: … > new.png")
        for name in ("watch", "skip_done", "side_by_side", "json"):
            if getattr(chosen, name, False) and (self.output or (self.input and name == "watch")):
                place = "--out" if self.output else "PHOTO"
                raise UserError(f"--{name.replace('_', '-')} does not go with - as {place}")

    def replace_paths(self, chosen: argparse.Namespace, folder: Path) -> None:
        """Read standard input into a file in `folder`, and put paths of files in place of `-`.

        Args:
            chosen: the arguments, which are changed.
            folder: for temporary files.

        Raises:
            UserError: `--out` is a folder, but there is no name for the photograph in it.
        """
        from rechroma.apps.batch.image_file import format_of, format_suffix

        self._folder = folder
        if self.input:
            if not self.output and (format_of(chosen.out) is None or chosen.out.is_dir()):
                raise UserError(f"--out is {chosen.out}, expected a file, or - for standard output")
            photo = folder / NAMES[0]
            with photo.open("wb") as file:
                while block := sys.stdin.buffer.read(1 << 20):
                    file.write(block)
            chosen.photos = [photo]
        if self.output:
            suffix = format_suffix(getattr(chosen, "format", None) or "png")
            chosen.out = self._out = (folder / NAMES[1]).with_suffix(suffix)

    def name(self, text: str) -> str:
        """A message in which the temporary files have the names of their streams."""
        if self._folder is None:
            return text
        paths = rf"{re.escape(str(self._folder))}{re.escape(os.sep)}({'|'.join(NAMES)})(\.\w+)?"
        return re.sub(paths, lambda match: match[1].replace("-", " "), text)

    def rename(self, entry: "ReportEntry") -> None:
        """Name the streams in the entry of a photograph."""
        if self._folder is None:
            return
        entry.photo, entry.restored = self.name(entry.photo), self.name(entry.restored)
        entry.error = self.name(entry.error)
        entry.warnings = [self.name(warning) for warning in entry.warnings]
        entry.doubts = [self.name(doubt) for doubt in entry.doubts]

    def send(self) -> None:
        """Write the finished result to standard output, if it goes there."""
        if self._out is None or not self._out.is_file():
            return
        with broken_pipe_named():
            sys.stdout.buffer.write(self._out.read_bytes())
            sys.stdout.buffer.flush()


@contextmanager
def standard_streams(chosen: argparse.Namespace) -> Iterator[Streams]:
    """A context in which `-` in the arguments of a command is replaced by temporary files.

    Args:
        chosen: the arguments, with `photos` and `out`; they are changed.

    Raises:
        UserError: as `Streams`; errors inside the context name the streams.
    """
    streams = Streams(chosen)
    if not (streams.input or streams.output):
        yield streams
        return
    with TemporaryDirectory(prefix="rechroma-") as folder:
        try:
            streams.replace_paths(chosen, Path(folder))
            yield streams
        except UserError as error:
            raise UserError(streams.name(str(error))) from error


@contextmanager
def broken_pipe_named() -> Iterator[None]:
    """A context in which a closed standard output is a user error.

    Python would try again to write the rest at its end, and print an error of its own.
    """
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise UserError("standard output was closed before all was written") from None
