"""How commands of the documentation run nightly: as they stand, a page after the other, in a clone.

Each function takes the command and the terminal, and gives what is printed.
"""

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_blocks import Command

MAKE = ("make", "-o", ".venv/.ready")  # never installs anything
WAIT = 120  # s, at most, until a server answers


class Terminal:
    """Runs the commands of a page one after the other; servers run on until the end."""

    def __init__(self, project: Path, environment: dict[str, str]):
        self.project = project
        self.environment = dict(environment)
        self.servers = contextlib.ExitStack()

    def run(self, text: str) -> str:
        ran = subprocess.run(
            ["bash", "-c", text], cwd=self.project, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert ran.returncode == 0, f"$ {text}\n{ran.stdout[-4000:]}"
        return ran.stdout


def run_nightly(command: Command, terminal: Terminal) -> str:
    return terminal.run(command.text)


def make_nightly(command: Command, terminal: Terminal) -> str:
    return terminal.run(shlex.join([*MAKE, *command.words[1:]]))


def make_weights_nightly(command: Command, terminal: Terminal) -> str:
    """With the folder that has train/, validation/ and large/, which the page calls photos/."""
    words = [word.replace("photos/", "splits") for word in command.words[1:]]
    return terminal.run(shlex.join([*MAKE, *words, "FINDER_SAMPLES=16"]))


def serve_nightly(command: Command, terminal: Terminal) -> str:
    words = [*MAKE, *command.words[1:]] if command.words[0] == "make" else command.words
    return terminal.servers.enter_context(
        served(words, terminal.project, terminal.environment, await_port(command))
    )


def await_port(command: Command) -> int | None:
    """The port that a server of MLflow answers at."""
    if command.words[:2] == ["make", "ui"]:
        return int(dict(word.split("=") for word in command.words[2:]).get("PORT", 5000))
    return int(command.words[command.words.index("--port") + 1])


def export_nightly(command: Command, terminal: Terminal) -> str:
    terminal.environment |= dict(word.split("=", 1) for word in command.words[1:])
    return ""


def queue_nightly(command: Command, terminal: Terminal) -> str:
    """Start the queue, wait until all of its experiments are done, and stop its workers."""
    printed = terminal.run(command.text)
    deadline = time.monotonic() + 1500
    while re.search(r"\b(Queued|Running)\b", terminal.run("dvc queue status")):
        assert time.monotonic() < deadline, "the queue did not end"
        time.sleep(5)
    terminal.run("dvc queue stop")
    assert "Failed" not in terminal.run("dvc queue status")
    return printed


@contextlib.contextmanager
def served(
    words: list[str], folder: Path, environment: dict[str, str], port: int | None = None
) -> Iterator[str]:
    """A program that runs until Ctrl-C: its first line, once it answers at `port`, if any."""
    with subprocess.Popen(
        words, cwd=folder, env=environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            first = process.stdout.readline()
            assert first, f"{shlex.join(words)} ended with {process.wait()}"
            while not re.search("https?://|watching", first) and port is None:
                line = process.stdout.readline()
                assert line, first
                first += line
            if port is not None:
                wait_for_port(port, process)
            yield first
        finally:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def wait_for_port(port: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + WAIT
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.5)
    pytest.fail(f"nothing answers at port {port}")
