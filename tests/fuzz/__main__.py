"""Broken files given to rechroma: `python -m tests.fuzz --seed 0 --count 1000`."""

import argparse
import sys
import tempfile
from pathlib import Path

from .cases import SHARES, SLOW_KINDS, make_case
from .run import run_cases
from .worker import Worker


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=100, help="number of files")
    parser.add_argument("--index", type=int, help="this file alone")
    parser.add_argument("--kind", choices=(*SHARES, *SLOW_KINDS), help="default: all but service")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write the file of --index")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if chosen.index is None:
            indices = range(chosen.count)
            summary = run_cases(chosen.seed, indices, Path(folder), chosen.kind, verbose=True)
            print(f"seed {chosen.seed}, {summary}")
            return min(len(summary.faults), 1)
        case = make_case(chosen.seed, chosen.index, chosen.kind)
        if chosen.keep:
            chosen.keep.write_bytes(case.files[case.name])
        worker = Worker(Path(folder))
        result = worker.run(case)
        worker.close()
        print(f"{case.kind} {case.name} ({case.note}): {result.result} {result.message}")
        print(f"{result.seconds:.2f} s, +{result.memory >> 20} MB\n{result.fault or 'no fault'}")
        return int(bool(result.fault))


if __name__ == "__main__":
    sys.exit(main())
