"""A table of speed: how many times as fast as the plain way rechroma does its work.

The plain way and ours take turns on one thread each, and a ratio compares times of one run. Other
programs on the machine still disturb it. The goals are for processors with AMX, where ours computes
in bfloat16. Other reports: python -m benchmarks.bench_onnx (torch beside ONNX), bench_finding
(damage detection), bench_joint (borders of filled holes), bench_large (memory), each with --help.
"""

import argparse
import importlib
import math
import os
import platform
import sys
from collections.abc import Sequence

from benchmarks.timing import QUICK_NOTE, Measurement

# In the order of the table; each is benchmarks/bench_<name>.py with a function `measure`.
BENCHMARKS = ("sampling", "step", "scoring", "restoring")


def table(measurements: Sequence[Measurement]) -> str:
    """A Markdown table with a row for each measurement."""
    rows = [
        "| benchmark | plain ms | ours ms | ratio | goal | reached |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for each in measurements:
        reached = "yes" if each.reached else "no"
        rows.append(
            f"| {each.name} | {each.plain_ms:.2f} | {each.ours_ms:.2f} "
            f"| {_rounded_down(each.ratio)} | {each.goal:g} | {reached} |"
        )
    return "\n".join(rows)


def missed_goals(measurements: Sequence[Measurement]) -> str:
    """A line with the goals that are missed, and by how much."""
    missed = [
        f"{each.name} ({_rounded_down(each.ratio)} of {each.goal:g})"
        for each in measurements
        if not each.reached
    ]
    return f"Goal missed: {', '.join(missed)}." if missed else "Every goal is reached."


def _rounded_down(ratio: float) -> str:
    """Two decimals; rounded down, so that no missed goal looks reached."""
    return f"{math.floor(100 * ratio) / 100:.2f}"


def machine() -> str:
    """A line about the machine and how busy it is."""
    import torch

    from rechroma.models.precision import pays_bfloat16

    precision = "bfloat16" if pays_bfloat16("cpu") else "float32"
    load = f", load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    return (
        f"Machine: {platform.machine()}, {os.cpu_count()} cores{load}; ours in {precision}; "
        f"torch {torch.__version__}, one thread each"
    )


def main() -> None:
    """Run the benchmarks that the command line names, or all, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}; without one, all"
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that all runs")
    chosen = parser.parse_args()
    names = chosen.names or BENCHMARKS
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark is called '{unknown[0]}', choose from {', '.join(BENCHMARKS)}")
    before = machine()
    measurements: list[Measurement] = []
    for name in names:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        module = importlib.import_module(f"benchmarks.bench_{name}")
        measurements.append(module.measure(chosen.quick))
    below = QUICK_NOTE if chosen.quick else missed_goals(measurements)
    print(f"{before}\n\n{table(measurements)}\n\n{below}")


if __name__ == "__main__":
    main()
