"""Restoring by torch beside restoring by onnxruntime, both with the bundled model.

python -m benchmarks.bench_onnx [--quick]

The two take turns, each in new processes that may use every processor. The start is the time from
the start of the interpreter until a photograph of 64 x 48 px is restored.
"""

import argparse
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
from benchmarks.timing import QUICK_NOTE
from rechroma.deployment.onnx_export import export_onnx
from rechroma.imaging.color import to_luma
from rechroma.models.card import WEIGHTS
from rechroma.models.store import load_network
from rechroma.models.weights import BUNDLED_FOLDER

ROUNDS, REPEATS = 3, 5  # processes of each way, square photographs in each process
SIZES = {"small": (48, 64), "square": (512, 512), "large": (3000, 4000)}  # px, height and width
QUICK_SIZES = {"small": (48, 64), "square": (64, 64), "large": (300, 400)}
LOST, FILLING = 0.25, 128  # share of each side that is damaged, and its gray

Sizes = dict[str, tuple[int, int]]


class Measured(NamedTuple):
    """The cost of one way of restoring; the peak of memory is measured on Linux only."""

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


def measure(sizes: Sizes, rounds: int, repeats: int) -> dict[str, Measured]:
    """The costs of both ways on the same photographs, by the name of the way."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        onnx = folder / "restorer.onnx"
        export_onnx(load_network(BUNDLED_FOLDER), onnx)
        write_photographs(folder, sizes)
        models = {"torch": BUNDLED_FOLDER, "ONNX": onnx}
        files = {"torch": BUNDLED_FOLDER / WEIGHTS, "ONNX": onnx}
        measured: dict[str, list[_Round]] = {name: [] for name in models}
        for _ in range(rounds):
            for name, model in models.items():
                measured[name].append(_run(model, folder, repeats))
        return {
            name: Measured(
                files[name].stat().st_size / 2**20,
                median(each.start for each in own),
                median(seconds for each in own for seconds in each.square),
                median(seconds for each in own for seconds in each.large),
                max((each.peak for each in own if each.peak), default=None),
            )
            for name, own in measured.items()
        }


def write_photographs(folder: Path, sizes: Sizes) -> None:
    """Write a damaged photograph and its mask in each size, as arrays."""
    gray = to_luma(photographs(512)[0])
    for name, (height, width) in sizes.items():
        damaged = cv2.resize(gray, (width, height), interpolation=cv2.INTER_CUBIC)
        mask = np.zeros((height, width), dtype=bool)
        mask[height // 3 :, width // 3 :][: round(LOST * height), : round(LOST * width)] = True
        damaged[mask] = FILLING
        np.save(folder / f"{name}-damaged.npy", damaged)
        np.save(folder / f"{name}-mask.npy", mask)


def _run(model: Path, folder: Path, repeats: int) -> _Round:
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.onnx_process", str(model), str(folder), str(repeats)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        start_seconds = time.perf_counter() - start
        times = process.stdout.readline()
    assert process.returncode == 0, f"restoring with {model} failed"
    return _Round(start_seconds, **json.loads(times))


def table(measured: dict[str, Measured], sizes: Sizes) -> str:
    """A Markdown table with a row for each quantity and a column for each way."""
    square, large = ("{1} x {0}".format(*sizes[name]) for name in ("square", "large"))
    rows = {
        "file, MiB": [f"{each.file_mib:.1f}" for each in measured.values()],
        "start, s": [f"{each.start_s:.2f}" for each in measured.values()],
        f"{square} photograph, s": [f"{each.square_s:.3f}" for each in measured.values()],
        f"{large} photograph, s": [f"{each.large_s:.2f}" for each in measured.values()],
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
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench_onnx",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that all runs")
    quick = parser.parse_args().quick
    print("measuring torch and ONNX …", file=sys.stderr, flush=True)
    sizes, rounds, repeats = (QUICK_SIZES, 1, 1) if quick else (SIZES, ROUNDS, REPEATS)
    print(table(measure(sizes, rounds, repeats), sizes))
    if quick:
        print(f"\n{QUICK_NOTE}")


if __name__ == "__main__":
    main()
