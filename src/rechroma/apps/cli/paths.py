"""Paths on the command line: the project's own files, photographs and masks."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.apps.cli.standard_streams import Streams
from rechroma.errors import UserError

if TYPE_CHECKING:
    from rechroma.imaging.types import Mask


logger = logging.getLogger(__name__)

# Seen from the project's folder.
PARAMS, STUDIES = Path("params.yaml"), Path("studies.yaml")


def for_each_photo(
    outputs: dict[Path, Path], work: Callable[[Path, Path], None], streams: Streams
) -> int:
    """Call `work` with every photograph and its output file; the exit code: 1 if any failed.

    A `UserError` is printed and counted, and so is a clash of output files. Messages name
    `streams` where these take part.
    """
    from rechroma.apps.batch.plan_album import find_clashes
    from rechroma.progress import track

    clashes = find_clashes(outputs)
    failed = 0
    printed: set[str] = set()
    for source, target in track(outputs.items(), "photographs", len(outputs)):
        try:
            if source in clashes:
                raise UserError(clashes[source])
            work(source, target)
        except UserError as error:
            failed += 1
            if str(error) not in printed:  # photographs that clash share one message
                print(f"rechroma: {streams.name(str(error))}", file=sys.stderr)
                logger.debug("%s failed", source, exc_info=True)
            printed.add(str(error))
    if failed:
        print(f"rechroma: {failed} of {len(outputs)} photographs failed", file=sys.stderr)
    return min(failed, 1)


def read_mask(path: Path) -> "Mask":
    """`(H, W)` bool, True where the mask is light: where the photograph is lost.

    Raises:
        UserError: it is no picture of two levels.
    """
    from rechroma.apps.batch.mask_file import read_mask_file

    return read_mask_file(path, "white").lost


def format_size(shape: tuple[int, ...]) -> str:
    """The size of an array of this shape as text.

    >>> format_size((480, 640, 3))
    '640x480 px'
    """
    return f"{shape[1]}x{shape[0]} px"
