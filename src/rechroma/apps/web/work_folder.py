"""The folder of the page's files, which nobody else reads and which does not outlive the page."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None  # type: ignore[assignment]

PREFIX = "rechroma-web-"


@contextmanager
def work_folder() -> Iterator[Path]:
    """A new folder for all temporary files of this process, removed at the end.

    Gradio and `tempfile` write only into it. Its name has the number of the process. Folders of
    servers that were killed are removed first, whatever process has their number by now: a lock,
    which ends with its process, tells whether a folder is in use.
    """
    parent = Path(tempfile.gettempdir())
    remove_leftovers(parent)
    folder, lock = _make_folder(parent)
    before = tempfile.tempdir, os.environ.get("GRADIO_TEMP_DIR")
    tempfile.tempdir = os.environ["GRADIO_TEMP_DIR"] = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before[0]
        os.environ.pop("GRADIO_TEMP_DIR")
        if before[1] is not None:
            os.environ["GRADIO_TEMP_DIR"] = before[1]
        if fcntl is None:  # an open file cannot be removed
            os.close(lock)
        shutil.rmtree(folder, ignore_errors=True)
        if fcntl is not None:
            os.close(lock)
        # A thread that still restores may write a last file; Python ends after all threads.
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


def remove_leftovers(parent: Path) -> None:
    """Remove the folders in `parent` that servers of this user left when they were killed."""
    for folder in parent.glob(f"{PREFIX}*"):
        if folder.is_symlink() or not folder.is_dir():
            continue
        lock = _lock(folder)  # None also for a folder of another user
        if lock is not None:
            if fcntl is None:
                os.close(lock)
            shutil.rmtree(folder, ignore_errors=True)
            if fcntl is not None:
                os.close(lock)


def _make_folder(parent: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
        lock = _lock(folder)
        # Until it is locked, a server that starts at the same moment takes it for a leftover.
        if lock is not None and folder.exists():
            return folder, lock
        if lock is not None:
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """A handle that keeps others from locking the folder; None where it is locked or not ours."""
    if fcntl is None:
        with suppress(OSError):  # an open file cannot be removed
            (folder / "in-use").unlink(missing_ok=True)
            return os.open(folder / "in-use", os.O_CREAT | os.O_EXCL)
        return None
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle
