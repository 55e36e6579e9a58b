"""The pipeline's verbs, one stage a module, run as `python -m stages.NAME`.

This checkout's `src` goes first on the path: a queued DVC experiment runs in a copy of the
project, and an editable install would hand it the modules of the original.
"""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
# Errors of the file system that name no file.
NAMELESS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
sys.path.insert(0, str(ROOT / "src"))
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


def real_root(checkout: Path = ROOT) -> Path:
    """The project a checkout belongs to: DVC runs queued experiments in passing copies of it."""
    for folder in (checkout, *checkout.parents):
        if folder.parts[-3:] == (".dvc", "tmp", "exps"):
            return folder.parents[2]
    return checkout


def run(stage: Callable[[], None]) -> None:
    """Run `stage`; a user's mistake ends with its message and exit code 2, without a traceback.

    So does an error of the file system: a full disk, a folder that cannot be written.
    """
    from rechroma.errors import UserError

    # Names of files that are not UTF-8 can be printed, escaped.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        stage()
    except UserError as error:
        _exit(str(error))
    except OSError as error:
        if error.filename is None and error.errno not in NAMELESS:
            raise
        _exit(f"{error.filename or 'a file'}: {error.strerror or error}")
    except KeyboardInterrupt:
        _exit("stopped; start it again to go on", 130)


def _exit(message: str, code: int = 2) -> NoReturn:
    sys.stderr.write(f"{Path(sys.argv[0]).stem}: {message}\n")
    sys.exit(code)
