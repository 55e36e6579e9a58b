import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rechroma.errors import UserError
from rechroma.tracking.ui import parse_port, ui_command

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_free_port_is_taken():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert parse_port(str(port)) == port


def test_a_port_at_which_something_listens_is_one_message(taken):
    message = rf"^port {taken} is taken, choose another one: make ui PORT={taken + 1}$"
    with pytest.raises(UserError, match=message):
        parse_port(str(taken))


def test_a_port_that_is_bound_but_does_not_listen_is_one_message():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(UserError, match=r"cannot be opened \(Address already in use\)"):
            parse_port(str(bound.getsockname()[1]))


@pytest.mark.parametrize("text", ["", "0", "-1", "65536", "5e3", "http", "5000 "])
def test_what_is_no_port_is_one_message(text):
    with pytest.raises(UserError, match="expected 1 to 65535: make ui PORT=5001"):
        parse_port(text)


def test_make_hands_its_port_to_the_page():
    for argument, port in (("PORT=5003", "5003"), ("", "5000")):
        make = ["make", "-o", ".venv/.ready", "-n", "ui", *filter(None, [argument])]
        printed = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert re.search(rf"-m rechroma\.tracking\.ui '{port}'$", printed, re.M)


def test_a_taken_port_ends_the_command_at_once(taken):
    command = [sys.executable, "-m", "rechroma.tracking.ui", str(taken)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 2
    assert ran.stderr.startswith(f"make: port {taken} is taken")


def test_the_page_shows_the_store_of_the_project(root):
    command = ui_command(root, 5000)
    assert command[-2:] == ["--backend-store-uri", "sqlite:///mlflow.db"]
    assert command[command.index("--port") + 1] == "5000"


def test_a_server_has_a_page_of_its_own(root, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://example.org:5000")
    with pytest.raises(UserError, match=r"is the server http://example\.org:5000, open that"):
        ui_command(root, 5000)
