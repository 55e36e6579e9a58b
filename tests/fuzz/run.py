"""Many broken inputs, one after the other, and a line about them all."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .cases import make_case
from .worker import Worker


@dataclass
class Summary:
    """Of a run.

    Attributes:
        counts: how many inputs were restored and refused.
        faults: a text for each input with a fault, with the command that repeats it.
        seconds: of all together, and of the slowest.
        memory: the highest peak above what the process had before, bytes.
    """

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0
    slowest: float = 0.0
    memory: int = 0

    def __str__(self) -> str:
        return (
            f"{self.counts.total()} files: {self.counts['restored']} restored or read, "
            f"{self.counts['refused']} refused, {len(self.faults)} faults; "
            f"{self.seconds:.0f} s, slowest {self.slowest:.1f} s, "
            f"peak memory +{self.memory >> 20} MB"
        )


def run_cases(
    seed: int,
    indices: Iterable[int],
    folder: Path,
    kind: str | None = None,
    verbose: bool = False,
) -> Summary:
    """Try the inputs of these numbers, of one kind or of all; `folder` is used for their files."""
    summary = Summary()
    started = time.perf_counter()
    worker = Worker(folder)
    try:
        for index in indices:
            case = make_case(seed, index, kind)
            result = worker.run(case)
            summary.counts[result.result] += 1
            summary.slowest = max(summary.slowest, result.seconds)
            summary.memory = max(summary.memory, result.memory)
            if result.fault:
                of_kind = f" --kind {kind}" if kind else ""
                command = (
                    f"python -m tests.fuzz --seed {seed} --index {index}{of_kind} "
                    f"--keep {case.name}"
                )
                text = f"{case.kind} {case.note}: {result.fault}\n  repeat: {command}"
                summary.faults.append(text)
                if verbose:
                    print(text, flush=True)
    finally:
        worker.close()
    summary.seconds = time.perf_counter() - started
    return summary
