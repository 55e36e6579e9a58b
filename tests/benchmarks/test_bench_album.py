import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.bench_album import Row, peaks_table, profile_table, times_table
from rechroma.imaging.io import write_png
from rechroma.models.weights import BUNDLED_FOLDER

ROOT = Path(__file__).resolve().parents[2]


def test_times_have_their_ratio():
    assert times_table([Row("an album of 100", 60.0, 7.5)]).splitlines()[2:] == [
        "| an album of 100 | 60.00 | 7.50 | 8.0 |"
    ]


def test_the_peak_of_memory_has_a_row_for_each_number_of_photographs():
    assert peaks_table({50: 200.4, 500: None}).splitlines()[2:] == ["| 50 | 200 |", "| 500 | - |"]


def test_the_profile_starts_with_what_takes_longest():
    seconds = {"imports": 0.5, "network": 1.5, "in all": 2.0}
    assert profile_table(seconds, 20).splitlines()[2:] == [
        "| network | 1.50 | 75% |",
        "| imports | 0.50 | 25% |",
        "| in all | 2.00 | 100% |",
    ]


@pytest.mark.parametrize(("kind", "key"), [("memory", "peak"), ("profile", "network")])
def test_a_process_reports_an_album(desk, damaged, kind, key):
    for number in range(2):
        write_png(Path(f"album/{number}.png"), np.roll(damaged, number, axis=1))
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.album_process", kind),
            *(str(desk / "album"), "--out", str(desk / "new"), "--jobs", "1", "--quiet"),
            *("--model", str(BUNDLED_FOLDER)),
        ],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    assert json.loads(ran.stdout)[key] > 0
