"""The process that bench_large measures: restores a small photograph, then a large one.

python -m benchmarks.large_process SMALL LARGE OUT [MODEL]
"""

import json
import resource
import sys
from pathlib import Path

from rechroma.apps.batch.jobs import Job, RestoreOptions
from rechroma.apps.batch.restore_files import restore_file
from rechroma.apps.model_catalog import load_named_model


def peak_bytes() -> int:
    """The most memory that this process has had so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    """Restore both photographs, and print the time and memory of the large one as JSON."""
    small, large, out = map(Path, sys.argv[1:4])
    _, restorer = load_named_model(sys.argv[4] if len(sys.argv) > 4 else None)
    peaks = []
    for photo in (small, large):
        entry = restore_file(Job(photo, out / photo.name), restorer, RestoreOptions())
        if entry.status != "restored":
            sys.exit(entry.error)
        peaks.append(peak_bytes())
    base, peak = peaks
    print(json.dumps({"seconds": entry.seconds, "lost": entry.lost, "base": base, "peak": peak}))


if __name__ == "__main__":
    main()
