"""How `rechroma restore` runs and what it prints: for a person, for a script, or for both."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from rechroma.apps.cli.standard_streams import broken_pipe_named

if TYPE_CHECKING:
    from rechroma.apps.batch.jobs import ReportEntry

MOST_JOBS = 256

Item = TypeVar("Item")


def add_run_options(command: argparse.ArgumentParser) -> None:
    """Add `--jobs`, `--quiet` and `--json`."""
    command.add_argument(
        "--jobs",
        type=_job_count,
        metavar="N",
        help="photographs restored at once; default: auto, as processors and memory allow",
    )
    command.add_argument("--quiet", action="store_true", help="print errors alone")
    command.add_argument(
        "--json", action="store_true", help="print a line of JSON for each photograph"
    )


def _job_count(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or not 1 <= int(text) <= MOST_JOBS:
        expected = f"auto, or a number from 1 to {MOST_JOBS}"
        raise argparse.ArgumentTypeError(f"is '{text}', expected {expected}")
    return int(text)


class Console(NamedTuple):
    """Prints notes and errors on standard error, and JSON lines on standard output.

    Attributes:
        quiet: errors alone are printed on standard error.
        as_json: each photograph is a line of JSON on standard output, and so is the summary.
    """

    quiet: bool = False
    as_json: bool = False

    def note(self, text: str) -> None:
        """Print what is no error."""
        if not self.quiet:
            print(text, file=sys.stderr)

    def error(self, text: str) -> None:
        """Print an error."""
        print(f"rechroma: {text}", file=sys.stderr)

    def track(self, items: Iterable[Item], description: str, total: int) -> Iterator[Item]:
        """The items, with their progress as of `progress.track`."""
        from rechroma.progress import track

        return iter(items) if self.quiet else track(items, description, total)

    def entry(self, entry: "ReportEntry") -> None:
        """Print the line of one photograph, with the keys that it has in the report."""
        from rechroma.apps.batch.summary import summarize_entries

        if self.as_json:
            self._line(summarize_entries([entry], "")["photographs"][0])

    def summary(self, report: dict[str, Any], seconds: float) -> None:
        """Print the last line: the report without its photographs, and the time, s."""
        if self.as_json:
            counts = {key: value for key, value in report.items() if key != "photographs"}
            self._line({**counts, "seconds": round(seconds, 3)})

    def _line(self, content: dict[str, Any]) -> None:
        with broken_pipe_named():
            print(json.dumps(content), flush=True)  # letters beyond ASCII are escaped
