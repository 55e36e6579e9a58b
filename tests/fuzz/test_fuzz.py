"""Broken files are restored or refused with a message that names them, whatever is broken."""

from pathlib import Path

import pytest
from fuzz.cases import make_case
from fuzz.run import run_cases

COUNT, NIGHTLY_COUNT, SERVICE_COUNT = 100, 1000, 300


def test_the_same_numbers_make_the_same_files() -> None:
    assert [make_case(3, index) for index in range(9)] == [
        make_case(3, index) for index in range(9)
    ]


def test_broken_files_are_restored_or_refused(tmp_path: Path) -> None:
    summary = run_cases(0, range(COUNT), tmp_path)
    assert not summary.faults, "\n".join(summary.faults)
    assert summary.counts["restored"] > COUNT // 10
    assert summary.counts["refused"] > COUNT // 10


@pytest.mark.nightly
def test_a_thousand_broken_files(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    summary = run_cases(1, range(NIGHTLY_COUNT), tmp_path)
    with capfd.disabled():
        print(f"\nfuzz: {summary}")
    assert not summary.faults, "\n".join(summary.faults)


@pytest.mark.nightly
def test_broken_files_sent_to_the_service(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    summary = run_cases(2, range(SERVICE_COUNT), tmp_path, "service")
    with capfd.disabled():
        print(f"\nfuzz, service: {summary}")
    assert not summary.faults, "\n".join(summary.faults)
