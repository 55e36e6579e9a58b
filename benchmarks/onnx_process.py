"""The process that bench_onnx measures: loads a model and restores photographs of three sizes.

python -m benchmarks.onnx_process MODEL BACKEND FOLDER REPEATS

It imports only what restoring needs, because its start is measured. It prints an empty line after
the first photograph, and its times as JSON at the end.
"""

import json
import re
import sys
import time
from pathlib import Path

import numpy as np

from rechroma.deployment.load import load_model


def peak_mib() -> float | None:
    """The most memory that this process has had so far, MiB; None where it is not known.

    `getrusage` would also count the memory of the process that started this one.
    """
    status = Path("/proc/self/status")
    peak = re.search(r"VmHWM:\s*(\d+) kB", status.read_text()) if status.exists() else None
    return int(peak[1]) / 2**10 if peak else None


def main() -> None:
    """Restore the photographs of FOLDER with MODEL, and print how long that takes."""
    model, backend = sys.argv[1:3]
    folder, repeats = Path(sys.argv[3]), int(sys.argv[4])
    restorer = load_model(model, backend, "cpu")

    def seconds(size: str, times: int) -> list[float]:
        damaged, mask = (np.load(folder / f"{size}-{kind}.npy") for kind in ("damaged", "mask"))
        durations = []
        for _ in range(times):
            start = time.perf_counter()
            restorer(damaged, mask)
            durations.append(time.perf_counter() - start)
        return durations

    seconds("small", 1)
    print(flush=True)
    # The first square photograph is not counted.
    square, large = seconds("square", repeats + 1)[1:], seconds("large", 1)
    print(json.dumps({"square": square, "large": large, "peak": peak_mib()}))


if __name__ == "__main__":
    main()
