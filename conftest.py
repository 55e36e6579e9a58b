"""Of all tests, those in src/ (examples of docstrings) and those in tests/."""

import os

import pytest
import torch

NIGHTLY = "RECHROMA_NIGHTLY"


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Networks as small as those of tests are fastest on one thread, by far on busy machines."""
    torch.set_num_threads(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--nightly", action="store_true", help="also the tests that take minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--nightly") or os.environ.get(NIGHTLY):
        return
    skip = pytest.mark.skip(reason=f"takes minutes, expected --nightly or {NIGHTLY}=1")
    for item in items:
        if item.get_closest_marker("nightly"):
            item.add_marker(skip)
