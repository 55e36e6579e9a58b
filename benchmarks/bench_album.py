"""Albums by the command `rechroma restore`: torch beside ONNX, memory, and where the time goes.

python -m benchmarks.bench_album [--quick]

Torch and ONNX take turns, each in a new process with the bundled model on the CPU, and a ratio
compares times of one run: one photograph from the start of the interpreter on, an album with as
many photographs at once as the command chooses, and 12 megapixels. Memory and profile are those of
ONNX; the profile is that of one photograph after the other.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from benchmarks.bench_onnx import QUICK_SIZES, SIZES, write_album, write_photographs
from benchmarks.timing import QUICK_NOTE, start_benchmark
from rechroma.imaging.io import write_png
from rechroma.models.weights import BUNDLED_FOLDER

ROUNDS = 3  # of each way, but for the album, which is restored once
ALBUM, QUICK_ALBUM = 100, 3  # square photographs
COUNTS, QUICK_COUNTS = (50, 500, 5000), (2, 4)  # small photographs, for the peak of memory
PROFILED, QUICK_PROFILED = 20, 2  # square photographs


class Row(NamedTuple):
    """The times of torch and ONNX for one piece of work, s."""

    name: str
    torch: float
    onnx: float


def measure_times(
    folder: Path, rounds: int, album: int, sizes: dict[str, tuple[int, int]]
) -> list[Row]:
    """The times of both ways for an album, one photograph and a large one.

    With a single round, it is the album alone.
    """
    work = {f"an album of {album}": (folder / "album", 1)}
    if rounds > 1:
        for size, photo in (("square", "album/000.png"), ("large", "large.png")):
            name = "one {1} x {0} photograph".format(*sizes[size])
            work[name] = (folder / photo, rounds)
    rows = []
    for name, (photos, repeats) in work.items():
        times: dict[str, list[float]] = {"torch": [], "onnx": []}
        for _ in range(repeats):
            for backend, own in times.items():
                own.append(_command_seconds(backend, photos, folder / "out" / backend))
        rows.append(Row(name, median(times["torch"]), median(times["onnx"])))
    return rows


def _command_seconds(backend: str, photos: Path, out: Path) -> float:
    start = time.perf_counter()
    _run("rechroma.apps.cli.main", "restore", *_arguments(photos, out, backend))
    return time.perf_counter() - start


def measure_peaks(folder: Path, counts: Sequence[int]) -> dict[int, float | None]:
    """The peak of memory, MiB, for albums of small photographs, by their number."""
    damaged = np.load(folder / "small-damaged.npy")
    peaks = {}
    for count in counts:
        album = folder / f"small-{count}"
        for number in range(count):
            write_png(album / f"{number:05}.png", np.roll(damaged, number, axis=1))
        arguments = _arguments(album, folder / "out" / album.name)
        peaks[count] = _run_process("memory", arguments)["peak"]
    return peaks


def measure_profile(folder: Path, count: int) -> dict[str, float]:
    """The seconds of each part of restoring some square photographs one after the other."""
    photos = [str(photo) for photo in sorted((folder / "album").iterdir())[:count]]
    arguments = [*photos[1:], *_arguments(Path(photos[0]), folder / "out/profile")]
    seconds: dict[str, float] = _run_process("profile", [*arguments, "--jobs", "1"])
    return seconds


def _arguments(photos: Path, out: Path, backend: str = "onnx") -> list[str]:
    chosen = ["--model", str(BUNDLED_FOLDER), "--backend", backend, "--device", "cpu"]
    return [str(photos), "--out", str(out), "--quiet", *chosen]


def _run_process(kind: str, arguments: list[str]) -> Any:
    return json.loads(_run("benchmarks.album_process", kind, *arguments).splitlines()[-1])


def _run(module: str, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    return ran.stdout


def times_table(rows: Sequence[Row]) -> str:
    """A Markdown table: a row for each piece of work, with torch over ONNX."""
    lines = ["| `rechroma restore` | torch, s | onnx, s | ratio |", "| --- | ---: | ---: | ---: |"]
    for name, torch, onnx in rows:
        lines.append(f"| {name} | {torch:.2f} | {onnx:.2f} | {torch / onnx:.1f} |")
    return "\n".join(lines)


def peaks_table(peaks: dict[int, float | None]) -> str:
    """A Markdown table: the peak of memory for each number of photographs."""
    lines = ["| photographs | peak of memory, MiB |", "| ---: | ---: |"]
    for count, peak in peaks.items():
        lines.append(f"| {count} | {'-' if peak is None else f'{peak:.0f}'} |")
    return "\n".join(lines)


def profile_table(seconds: dict[str, float], count: int) -> str:
    """A Markdown table: where the time goes, the most first."""
    whole = seconds["in all"]
    lines = [f"| {count} photographs, one by one | s | share |", "| --- | ---: | ---: |"]
    for part, own in sorted(seconds.items(), key=lambda entry: entry[0] == "in all" or -entry[1]):
        lines.append(f"| {part} | {own:.2f} | {own / whole:.0%} |")
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    quick = start_benchmark("benchmarks.bench_album", __doc__, "albums")
    sizes, rounds = (QUICK_SIZES, 1) if quick else (SIZES, ROUNDS)
    album, counts = (QUICK_ALBUM, QUICK_COUNTS) if quick else (ALBUM, COUNTS)
    profiled = QUICK_PROFILED if quick else PROFILED
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_photographs(folder, sizes)
        write_album(folder, album)
        write_png(folder / "large.png", np.load(folder / "large-damaged.npy"))
        rows = measure_times(folder, rounds, album, sizes)
        print(f"{times_table(rows)}\n", flush=True)
        print(f"The album by ONNX: {album / rows[0].onnx:.1f} photographs/s\n", flush=True)
        print(f"{peaks_table(measure_peaks(folder, counts))}\n", flush=True)
        print(profile_table(measure_profile(folder, profiled), profiled))
    if quick:
        print(f"\n{QUICK_NOTE}")


if __name__ == "__main__":
    main()
