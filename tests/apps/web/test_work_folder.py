import os
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

import pytest
from page_server import PageServer, Visitor, damaged

from rechroma.apps.web.work_folder import PREFIX, work_folder


def use_page(server: PageServer, seed: int = 0) -> None:
    """Upload, correct and restore a photograph; its files are in the folder of the server."""
    visitor = Visitor(server, f"visitor{seed}")
    _, (path,) = visitor.upload("mine.png", damaged(seed))
    assert visitor.restore(visitor.open(path, "mine.png"))["success"]
    names = [file.name for file in server.files()]
    assert {"mine.png", "mine-restored.png"} <= set(names)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """An empty folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_temporary_files_are_in_a_folder_of_this_process_until_its_end(temporary, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", "before")
    with work_folder() as folder:
        assert folder.parent == temporary
        assert folder.name.startswith(f"{PREFIX}{os.getpid()}-")
        assert folder.stat().st_mode & 0o077 == 0
        assert os.environ["GRADIO_TEMP_DIR"] == tempfile.gettempdir() == str(folder)
        with tempfile.NamedTemporaryFile() as file:
            assert Path(file.name).parent == folder
        (folder / "photo").mkdir()
        (folder / "photo/mine.png").write_bytes(b"")
    assert list(temporary.iterdir()) == []
    assert os.environ["GRADIO_TEMP_DIR"] == "before"
    assert tempfile.tempdir == str(temporary)


def test_the_start_removes_what_no_server_uses_whatever_process_has_its_number(temporary):
    left = temporary / f"{PREFIX}{os.getpid()}-left"  # in a container each server has the number 1
    other, link, file = (temporary / name for name in ("gradio", f"{PREFIX}1-b", f"{PREFIX}1-c"))
    for folder in (left, other):
        folder.mkdir()
        (folder / "mine.png").write_bytes(b"")
    link.symlink_to(other)
    file.write_bytes(b"")
    with work_folder() as folder, work_folder() as second:
        assert not left.exists()
        assert folder.exists()  # in use when the second one started
        assert second.exists()
    assert sorted(temporary.iterdir()) == sorted([other, link, file])
    assert (other / "mine.png").exists()


def test_the_files_of_a_thread_that_outlives_the_server_are_removed(tmp_path):
    program = """
import threading, time
from rechroma.apps.web.work_folder import work_folder
def restore(folder):
    time.sleep(0.5)
    folder.mkdir()
    (folder / "late.png").write_bytes(b"")
with work_folder() as folder:
    threading.Thread(target=restore, args=[folder]).start()
"""
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "SIGTERM",
        pytest.param("SIGINT", marks=pytest.mark.nightly),
        pytest.param("SIGHUP", marks=pytest.mark.nightly),
    ],
)
def test_a_server_that_is_ended_leaves_no_file(name, tmp_path):
    with PageServer(tmp_path) as server:
        use_page(server)
        assert server.end(signal.Signals[name]) == 0
        assert list(server.temporary.iterdir()) == []
    assert list((tmp_path / "work").iterdir()) == []
    assert list((tmp_path / "home").rglob("*.png")) == []


@pytest.mark.nightly
def test_a_server_that_is_ended_while_it_restores_leaves_no_file(tmp_path):
    with PageServer(tmp_path) as server:
        visitor = Visitor(server, "first")
        _, (path,) = visitor.upload("mine.png", damaged(0, (3000, 4000)))
        opened = visitor.open(path, "mine.png")
        restoring = threading.Thread(target=_restore_in_vain, args=[visitor, opened])
        restoring.start()
        restoring.join(0.5)
        assert server.end(signal.SIGTERM) == 0
        restoring.join()
        assert list(server.temporary.iterdir()) == []


def _restore_in_vain(visitor, opened):
    with suppress(OSError, HTTPException, AssertionError):  # the server ends
        visitor.restore(opened)


def test_what_a_killed_server_left_is_removed_by_the_next_start(tmp_path):
    with PageServer(tmp_path) as server:
        use_page(server)
        server.end(signal.SIGKILL)
        (left,) = server.temporary.iterdir()
        assert list(left.rglob("mine.png"))
    with PageServer(tmp_path) as server:
        assert not left.exists()
        assert [file.name for file in server.files() if "mine" in file.name] == []
        with PageServer(tmp_path) as second:  # which leaves the first one's files alone
            use_page(server)
            second.end(signal.SIGTERM)
        server.end(signal.SIGTERM)
        assert list(server.temporary.iterdir()) == []
