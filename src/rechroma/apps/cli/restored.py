"""What `rechroma restore` checks before its work, and says after it."""

import argparse
import sys
from typing import TYPE_CHECKING

from rechroma.apps.cli.console import Console
from rechroma.errors import UserError

if TYPE_CHECKING:
    from rechroma.apps.batch.jobs import Job, ReportEntry
    from rechroma.apps.batch.summary import Counts


def check_before(chosen: argparse.Namespace, jobs: "list[Job]", console: Console) -> None:
    """Check the places to write to; name what is told apart, and little room on the disk.

    Raises:
        UserError: as `check_outputs.check_outputs`.
    """
    from rechroma.apps.batch.check_outputs import check_outputs

    inputs = [path for job in jobs for path in (job.source, job.mask) if path]
    warning = check_outputs(chosen.out, chosen.save_masks, chosen.report, inputs)
    if warning:
        console.note(f"rechroma: {warning}")
    apart = [job for job in jobs if job.target.stem == job.source.name]
    if apart:
        example = f"{apart[0].source} becomes {apart[0].target}"
        console.note(
            f"{len(apart)} photographs share their name with another, but for the suffix, and keep "
            f"it: {example}"
        )


def keeps_index(chosen: argparse.Namespace) -> bool:
    """Whether it is noted what the restored photographs were made of, for `--skip-done`.

    For a folder always, for a single file where it is asked for.
    """
    from rechroma.apps.batch.image_file import format_of

    is_file = format_of(chosen.out) is not None and not chosen.out.is_dir()
    return bool(chosen.skip_done) or not is_file


def finish(
    chosen: argparse.Namespace,
    entries: "list[ReportEntry]",
    model: str,
    seconds: float,
    console: Console,
) -> None:
    """Print the counts and write the report."""
    from rechroma.apps.batch.summary import summarize_entries

    counts = _count(chosen, entries)
    if not console.quiet:
        print_counts(counts, seconds)
    report = summarize_entries(entries, model, counts)
    console.summary(report, seconds)
    if chosen.report:
        from rechroma.outputs import write_json

        try:
            write_json(chosen.report, report)
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"--report: {chosen.report} cannot be written ({reason})") from error


def print_counts(counts: "Counts", seconds: float) -> None:
    """Print the counts on standard error: a table on a terminal, else lines."""
    from rechroma.apps.batch.summary import summary_rows, summary_text
    from rechroma.progress import format_duration, on_terminal, terminal

    if not on_terminal():
        print(summary_text(counts, seconds), file=sys.stderr)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"in {format_duration(seconds)}", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, count in summary_rows(counts) or [("nothing restored", "")]:
        table.add_row(Text(name), count)
    terminal().print(table)


def _count(chosen: argparse.Namespace, entries: "list[ReportEntry]") -> "Counts":
    from rechroma.apps.batch.image_file import format_suffix
    from rechroma.apps.batch.match_pictures import real_place
    from rechroma.apps.batch.plan_album import count_suffixes, plan_album
    from rechroma.apps.batch.summary import count_entries

    suffix = format_suffix(chosen.format or "png")
    try:
        album = plan_album(chosen.photos, chosen.out, suffix, chosen.save_masks, chosen.mask)
    except UserError:  # the folder changed meanwhile
        return count_entries(entries)
    report = real_place(chosen.report) if chosen.report else None
    skipped = count_suffixes(path for path in album.skipped if real_place(path) != report)
    used = {entry.mask_file for entry in entries}
    beside = [file for files in album.beside.values() for file in files if str(file) not in used]
    return count_entries(entries, skipped, len(beside))
