"""Restoring by torch and by onnxruntime side by side, with the model that the package carries.

Each is measured in fresh processes, the two taking turns; both may use every processor. The start
is that of an interpreter until a photograph of 64 x 48 px is restored.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks.photographs import photographs
from rechroma.deployment.onnx_export import export_onnx
from rechroma.imaging.color import to_luma
from rechroma.models.card import WEIGHTS
from rechroma.models.store import load_network
from rechroma.models.weights import BUNDLED_FOLDER

ROUNDS = 3  # processes of each
REPEATS = 5  # photographs of 512 x 512 px in each
SIZES = {"small": (48, 64), "square": (512, 512), "large": (3000, 4000)}  # px, height and width
LOST, FILLING = 0.25, 128  # share of each side that is damaged, and its gray

# What a process does: restore a small photograph, say so, and then measure.
PROGRAM = """
import json, re, sys, time
import numpy as np
from pathlib import Path
from rechroma.deployment.load import load_model
model, folder, repeats = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
restorer = load_model(model)
def seconds(name, times):
    damaged, mask = (np.load(folder / f"{name}-{kind}.npy") for kind in ("damaged", "mask"))
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        restorer(damaged, mask)
        taken.append(time.perf_counter() - start)
    return taken
seconds("small", 1)
print(flush=True)
square, large = seconds("square", repeats + 1)[1:], seconds("large", 1)
status = Path("/proc/self/status")  # getrusage would count what the parent had, too
found = re.search(r"VmHWM:\\s*(\\d+) kB", status.read_text()) if status.exists() else None
peak = int(found[1]) / 2**10 if found else None
print(json.dumps({"square": square, "large": large, "peak": peak}))
"""


class Measured(NamedTuple):
    """What one way of restoring costs; the peak of memory is known on Linux alone."""

    file_mib: float
    start_s: float
    square_s: float
    large_s: float
    peak_mib: float | None


class _Round(NamedTuple):
    start: float
    square: list[float]
    large: list[float]
    peak: float | None


def measure() -> dict[str, Measured]:
    """Both ways on the same photographs, by the name of the way."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        onnx = folder / "restorer.onnx"
        export_onnx(load_network(BUNDLED_FOLDER), onnx)
        _write_photographs(folder)
        models = {"torch": BUNDLED_FOLDER, "ONNX": onnx}
        files = {"torch": BUNDLED_FOLDER / WEIGHTS, "ONNX": onnx}
        rounds: dict[str, list[_Round]] = {name: [] for name in models}
        for _ in range(ROUNDS):
            for name, model in models.items():
                rounds[name].append(_run(model, folder))
        return {
            name: Measured(
                files[name].stat().st_size / 2**20,
                median(each.start for each in found),
                median(taken for each in found for taken in each.square),
                median(taken for each in found for taken in each.large),
                max((each.peak for each in found if each.peak), default=None),
            )
            for name, found in rounds.items()
        }


def _write_photographs(folder: Path) -> None:
    gray = to_luma(photographs(512)[0])
    for name, (height, width) in SIZES.items():
        damaged = cv2.resize(gray, (width, height), interpolation=cv2.INTER_CUBIC)
        mask = np.zeros((height, width), dtype=bool)
        mask[height // 3 :, width // 3 :][: round(LOST * height), : round(LOST * width)] = True
        damaged[mask] = FILLING
        np.save(folder / f"{name}-damaged.npy", damaged)
        np.save(folder / f"{name}-mask.npy", mask)


def _run(model: Path, folder: Path) -> _Round:
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(model), str(folder), str(REPEATS)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        started = time.perf_counter() - start
        told = process.stdout.readline()
    assert process.returncode == 0, f"restoring with {model} failed"
    return _Round(started, **json.loads(told))


def table(measured: dict[str, Measured]) -> str:
    """Markdown: a row a quantity, a column a way."""
    rows = {
        "file, MiB": [f"{each.file_mib:.1f}" for each in measured.values()],
        "start, s": [f"{each.start_s:.2f}" for each in measured.values()],
        "512 x 512 photograph, s": [f"{each.square_s:.3f}" for each in measured.values()],
        "4000 x 3000 photograph, s": [f"{each.large_s:.2f}" for each in measured.values()],
        "peak memory, MiB": [
            f"{each.peak_mib:.0f}" if each.peak_mib else "-" for each in measured.values()
        ],
    }
    return "\n".join(
        [
            f"| restoring | {' | '.join(measured)} |",
            f"| --- |{' ---: |' * len(measured)}",
            *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()),
        ]
    )


def main() -> None:
    """Print the table."""
    print("measuring torch and ONNX …", file=sys.stderr, flush=True)
    print(table(measure()))


if __name__ == "__main__":
    main()
