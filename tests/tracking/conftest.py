import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import torch

from rechroma.models.restoration import RestorationNetwork
from rechroma.models.store import save_model

START_SECONDS, END_SECONDS = 120, 30  # at most; a start takes 5 s on an idle machine


@pytest.fixture(scope="session")
def dataset() -> dict:
    """The description of prepared data."""
    return {"name": "tiny", "digest": "d" * 64, "photos": {"train": 8}}


@pytest.fixture
def model_path(tmp_path, tiny_settings) -> Path:
    """A folder with an untrained model."""
    settings = tiny_settings()
    torch.manual_seed(0)
    save_model(RestorationNetwork(settings.model), settings.restore, tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def small_package(tmp_path) -> Path:
    """A package to log with a model that is loaded without its code."""
    folder = tmp_path / "package" / "rechroma"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory, migrated_store) -> Iterator[str]:
    """The address of an MLflow server with a store and a root of artifacts of its own."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(migrated_store, folder / "server.db")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    options = {
        "--host": "127.0.0.1",
        "--port": str(port),
        "--workers": "1",
        "--backend-store-uri": f"sqlite:///{folder / 'server.db'}",
        "--artifacts-destination": str(folder / "artifacts"),
    }
    arguments = [word for option in options.items() for word in option]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--serve-artifacts", *arguments],
            cwd=folder,
            # Without the processes that run the server's jobs, which nothing here uses.
            env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=log,
            stderr=log,
        )
    try:
        _wait_until_healthy(address, process, folder / "log")
        yield address
    finally:
        _end(process)


def _wait_until_healthy(address: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:
                assert answer.status == 200
                return
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)


def _end(process: subprocess.Popen) -> None:
    """End the server and the worker processes that it started."""
    processes = [process, *psutil.Process(process.pid).children(recursive=True)]
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        for each in processes:
            each.kill()
        process.wait()
