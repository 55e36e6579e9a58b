"""`rechroma restore --watch`: photographs restored as they are added to a folder."""

import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.errors import UserError

if TYPE_CHECKING:
    from rechroma.apps.batch.jobs import Job, Problem

logger = logging.getLogger(__name__)

INTERVAL = 1.0  # s between two listings of the folder

State = tuple[float, int, "Problem | None"]  # time of change, size


def watch(
    plan: "Callable[[], list[Job]]", done: "list[Job]", work: "Callable[[list[Job]], None]"
) -> None:
    """Restore new and changed photographs until Ctrl-C.

    A photograph is restored once two listings show the same time and size: then it is complete.

    Args:
        plan: lists the photographs that are in the folder now.
        done: those that have been restored.
        work: restores photographs.
    """
    print("watching for photographs; Ctrl-C ends it", file=sys.stderr, flush=True)
    restored = {job.source: _state(job) for job in done}
    previous: dict[Path, State | None] = {}
    printed = ""
    try:
        while True:
            time.sleep(INTERVAL)
            try:
                jobs = plan()
            except (UserError, OSError) as error:  # until somebody corrects it
                if str(error) != printed:
                    print(f"rechroma: {error}", file=sys.stderr, flush=True)
                    logger.debug("cannot list the photographs", exc_info=True)
                printed = str(error)
                continue
            complete = []
            for job in jobs:
                state = _state(job)
                changed = state != restored.get(job.source)
                if state and changed and state == previous.get(job.source):
                    complete.append(job)
                    restored[job.source] = state
                previous[job.source] = state
            work(complete)
    except KeyboardInterrupt:
        print("no longer watching", file=sys.stderr)


def _state(job: "Job") -> State | None:
    """What changes when a photograph is written to, or clashes with another one; None if gone."""
    try:
        status = job.source.stat()
    except OSError:
        return None
    return status.st_mtime, status.st_size, job.problem
