"""The processes that bench_album measures: `rechroma restore`, with its memory or its profile.

python -m benchmarks.album_process (memory | profile) ARGUMENT...

It runs `rechroma restore ARGUMENT...` and prints JSON at the end: the peak of memory, MiB, or the
seconds that each part took.
"""

import contextlib
import functools
import json
import sys
import time
from collections import defaultdict
from importlib import import_module
from typing import Any

STARTED = time.perf_counter()

# Where each part is called from: module and name. The first that is entered counts, with all that
# it calls.
PARTS = {
    "loading the model": [("rechroma.apps.model_catalog", "load_model")],
    "network": [("rechroma.deployment.onnx_backend.OnnxBackend", "__call__")],
    "colors": [
        ("rechroma.inference.backend", "decode_bins"),
        ("rechroma.inference.restorer", "give_predicted_hues"),
    ],
    "filling and joining holes": [
        ("rechroma.inference.restorer", "make_view"),
        ("rechroma.inference.restorer", "fill_hole"),
        ("rechroma.inference.restorer", "mend_thin_damage"),
        ("rechroma.inference.hole_texture.TextureFill", "__call__"),
    ],
    "merging gray and color": [("rechroma.inference.restorer", "merge_enlarged")],
    "reading files": [("rechroma.apps.batch.restore_files", "read_image_file")],
    "writing files": [("rechroma.apps.batch.restore_files", "write_image_file")],
    "finding damage": [("rechroma.imaging.detect_damage", "find_damage")],
}
USERS = ("rechroma.apps.batch.restore_files", "rechroma.apps.batch.choose_mask")


def peak_memory(arguments: list[str]) -> dict[str, float | None]:
    """The peak of this process, MiB, after the command."""
    from benchmarks.onnx_process import peak_mib

    run(arguments)
    return {"peak": peak_mib()}


def profile(arguments: list[str]) -> dict[str, float]:
    """The seconds of each of `PARTS`, of the imports before them, and of all else."""
    # What is imported on the way, first.

    with contextlib.suppress(ImportError):
        import lap  # noqa: F401
        import onnxruntime  # noqa: F401
    seconds: dict[str, float] = defaultdict(float)
    seconds["imports"] = time.perf_counter() - STARTED
    for part, functions in PARTS.items():
        for owner, name in functions:
            _measure(seconds, part, owner, name)
    run(arguments)
    whole = time.perf_counter() - STARTED
    return {**seconds, "all else": whole - sum(seconds.values()), "in all": whole}


def run(arguments: list[str]) -> None:
    """Run `rechroma restore` in this process.

    Raises:
        SystemExit: it failed.
    """
    from rechroma.apps.cli.main import main

    try:
        main(["restore", *arguments])
    except SystemExit as end:
        if end.code:
            raise


def _measure(seconds: dict[str, float], part: str, owner: str, name: str) -> None:
    """Replace a function, wherever it was imported, by one that adds its time to `seconds`."""
    holder = _resolve(owner)
    function = getattr(holder, name)

    @functools.wraps(function)
    def timed(*arguments: Any, **options: Any) -> Any:
        start = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            seconds[part] += time.perf_counter() - start

    holders = [holder, *(sys.modules[user] for user in USERS if user in sys.modules)]
    for each in holders:
        if getattr(each, name, None) is function:
            setattr(each, name, timed)


def _resolve(path: str) -> Any:
    """The module or class at `path`."""
    try:
        return import_module(path)
    except ModuleNotFoundError:
        module, _, name = path.rpartition(".")
        return getattr(import_module(module), name)


if __name__ == "__main__":
    work = {"memory": peak_memory, "profile": profile}[sys.argv[1]]
    print(json.dumps(work(sys.argv[2:])))
