"""Restoring by torch beside restoring by onnxruntime, both with the bundled model on the CPU.

python -m benchmarks.bench_onnx [--quick]

The two take turns, each in new processes that may use every processor; a ratio compares times of
one run. The start is the time from the start of the interpreter until a photograph of 64 x 48 px is
restored. `rechroma restore` is timed as a command, from its start to its end.
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
from benchmarks.timing import QUICK_NOTE, start_benchmark
from rechroma.imaging.color import to_luma
from rechroma.imaging.io import write_png
from rechroma.models.card import ONNX, WEIGHTS
from rechroma.models.weights import BUNDLED_FOLDER

ROUNDS, REPEATS = 3, 5  # processes of each way, square photographs in each process
ALBUM, QUICK_ALBUM = 50, 2  # square photographs
SIZES = {"small": (48, 64), "square": (512, 512), "large": (3000, 4000)}  # px, height and width
QUICK_SIZES = {"small": (48, 64), "square": (64, 64), "large": (300, 400)}
LOST, FILLING = 0.25, 128  # share of each side that is damaged, and its gray
FILES = {"torch": WEIGHTS, "onnx": ONNX}  # of each way, in its order in the table

Sizes = dict[str, tuple[int, int]]


class Measured(NamedTuple):
    """The cost of one way of restoring; the peak of memory is measured on Linux only.

    Attributes:
        file_mib: size of the model's file.
        start_s: from the start of the interpreter to the first small photograph.
        command_s: `rechroma restore` of one square photograph, from file to file.
        album_s: the same for each photograph of an album.
        square_s, large_s: restoring alone.
        peak_mib: the most memory of a process that has restored all sizes.
    """

    file_mib: float
    start_s: float
    command_s: float
    album_s: float
    square_s: float
    large_s: float
    peak_mib: float | None


class _Round(NamedTuple):
    start: float
    command: float
    album: float
    square: list[float]
    large: list[float]
    peak: float | None


def measure(sizes: Sizes, rounds: int, repeats: int, album: int) -> dict[str, Measured]:
    """The costs of both ways on the same photographs, by the name of the backend."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_photographs(folder, sizes)
        write_album(folder, album)
        measured: dict[str, list[_Round]] = {backend: [] for backend in FILES}
        for _ in range(rounds):
            for backend, own in measured.items():
                own.append(_measure_round(backend, folder, repeats, album))
        return {
            backend: Measured(
                (BUNDLED_FOLDER / FILES[backend]).stat().st_size / 2**20,
                median(each.start for each in own),
                median(each.command for each in own),
                median(each.album for each in own),
                median(seconds for each in own for seconds in each.square),
                median(seconds for each in own for seconds in each.large),
                max((each.peak for each in own if each.peak), default=None),
            )
            for backend, own in measured.items()
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


def write_album(folder: Path, count: int) -> None:
    """Write `count` copies of the square photograph into the subfolder album, as PNG."""
    damaged = np.load(folder / "square-damaged.npy")
    for number in range(count):
        write_png(folder / "album" / f"{number:03}.png", np.roll(damaged, 7 * number, axis=1))


def _measure_round(backend: str, folder: Path, repeats: int, album: int) -> _Round:
    command = _command_seconds(backend, folder / "album/000.png", folder / "out/one.png")
    whole = _command_seconds(backend, folder / "album", folder / "out/album")
    start = time.perf_counter()
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "benchmarks.onnx_process"),
            *(str(BUNDLED_FOLDER), backend, str(folder), str(repeats)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        start_seconds = time.perf_counter() - start
        times = process.stdout.readline()
    assert process.returncode == 0, f"restoring with {backend} failed"
    return _Round(start_seconds, command, whole / album, **json.loads(times))


def _command_seconds(backend: str, photos: Path, out: Path) -> float:
    """The time that `rechroma restore` takes with the bundled model, s."""
    start = time.perf_counter()
    subprocess.run(
        [
            *(sys.executable, "-m", "rechroma.apps.cli.main", "restore", str(photos)),
            *("--out", str(out), "--model", str(BUNDLED_FOLDER)),
            *("--backend", backend, "--device", "cpu"),
        ],
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - start


def table(measured: dict[str, Measured], sizes: Sizes, album: int) -> str:
    """A Markdown table: a row for each quantity, a column for each way, and torch over ONNX."""
    square, large = ("{1} x {0}".format(*sizes[name]) for name in ("square", "large"))
    rows: dict[str, tuple[str, list[float] | list[float | None]]] = {
        "file, MiB": ("{:.1f}", [each.file_mib for each in measured.values()]),
        "start, s": ("{:.2f}", [each.start_s for each in measured.values()]),
        f"command, one {square} photograph, s": (
            "{:.2f}",
            [each.command_s for each in measured.values()],
        ),
        f"command, {album} of them, s for each": (
            "{:.3f}",
            [each.album_s for each in measured.values()],
        ),
        f"{square} photograph alone, s": ("{:.3f}", [each.square_s for each in measured.values()]),
        f"{large} photograph alone, s": ("{:.2f}", [each.large_s for each in measured.values()]),
        "peak memory, MiB": ("{:.0f}", [each.peak_mib for each in measured.values()]),
    }
    lines = [f"| restoring | {' | '.join(measured)} | ratio |", "| --- | ---: | ---: | ---: |"]
    for name, (form, values) in rows.items():
        cells = ["-" if value is None else form.format(value) for value in values]
        torch, onnx = values
        ratio = f"{torch / onnx:.1f}" if torch and onnx else "-"
        lines.append(f"| {name} | {' | '.join(cells)} | {ratio} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    quick = start_benchmark("benchmarks.bench_onnx", __doc__, "torch and ONNX")
    sizes, album = (QUICK_SIZES, QUICK_ALBUM) if quick else (SIZES, ALBUM)
    rounds, repeats = (1, 1) if quick else (ROUNDS, REPEATS)
    print(table(measure(sizes, rounds, repeats, album), sizes, album))
    if quick:
        print(f"\n{QUICK_NOTE}")


if __name__ == "__main__":
    main()
