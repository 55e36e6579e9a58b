"""One table: how many times as fast as the plain way rechroma does its work.

Every ratio is measured inside the run, the plain way and ours taking turns on one thread each.
What else the machine does still counts: let it rest. How well damage is found, and what torch and
ONNX cost, are other reports: python -m benchmarks.bench_finding --help, benchmarks.bench_onnx
"""

import argparse
import importlib
import math
import os
import platform
import sys
from collections.abc import Sequence

from benchmarks.timing import Measurement

# In the order of the table; each is benchmarks/bench_<name>.py with a function `measure`.
BENCHMARKS = ("sampling", "step", "scoring", "restoring")


def table(measurements: Sequence[Measurement]) -> str:
    """Markdown: a row a measurement, and below it a line about the targets."""
    rows = [
        "| benchmark | plain ms | ours ms | ratio | target | reached |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for found in measurements:
        reached = "yes" if found.reached else "no"
        rows.append(
            f"| {found.name} | {found.plain_ms:.2f} | {found.ours_ms:.2f} "
            f"| {_shown(found.ratio)} | {found.target:g} | {reached} |"
        )
    return "\n".join([*rows, "", verdict(measurements)])


def verdict(measurements: Sequence[Measurement]) -> str:
    """Which targets are missed, and by how much."""
    missed = [
        f"{found.name} ({_shown(found.ratio)} of {found.target:g})"
        for found in measurements
        if not found.reached
    ]
    return f"Target missed: {', '.join(missed)}." if missed else "Every target is reached."


def _shown(ratio: float) -> str:
    """Two decimals, rounded down: a ratio below its target never looks as if it reached it."""
    return f"{math.floor(100 * ratio) / 100:.2f}"


def machine() -> str:
    """What the figures were measured on, and how busy it was."""
    import torch

    from rechroma.models.precision import pays_bfloat16

    amx = "AMX" if torch.cpu._is_amx_tile_supported() else "no AMX"
    precision = "bfloat16" if pays_bfloat16("cpu") else "float32"
    load = f", load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    return (
        f"Machine: {platform.machine()}, {os.cpu_count()} cores{load}; {amx}, ours in {precision}; "
        f"torch {torch.__version__}, one thread each"
    )


def main() -> None:
    """Measure what the command line names, or everything, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}; without one, all"
    )
    names = parser.parse_args().names or BENCHMARKS
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark '{unknown[0]}', choose from {', '.join(BENCHMARKS)}")
    described = machine()
    measurements = []
    for name in names:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        measurements.append(importlib.import_module(f"benchmarks.bench_{name}").measure())
    print(f"{described}\n\n{table(measurements)}")


if __name__ == "__main__":
    main()
