"""The pipeline's verbs, one stage a module, run as `python -m stages.NAME`.

This checkout's `src` goes first on the path: a queued DVC experiment runs in a copy of the
project, and an editable install would hand it the modules of the original.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


def real_root(checkout: Path = ROOT) -> Path:
    """The project a checkout belongs to: DVC runs queued experiments in passing copies of it."""
    for folder in (checkout, *checkout.parents):
        if folder.parts[-3:] == (".dvc", "tmp", "exps"):
            return folder.parents[2]
    return checkout


def run(stage: Callable[[], None]) -> None:
    """Run `stage`; a user's mistake ends with its message and exit code 2, without a traceback."""
    from rechroma.errors import UserError

    try:
        stage()
    except UserError as error:
        sys.stderr.write(f"{Path(sys.argv[0]).stem}: {error}\n")
        sys.exit(2)
