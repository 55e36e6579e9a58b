"""`rechroma web` as a process of its own, and the requests that a browser makes to it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from picture_files import file

WEIGHTS = ("flat", 0.5, ["flat"])  # what is looked for, the sensitivity, the groups that are filled
CALL = "import sys; from rechroma.apps.cli.main import main; main(sys.argv[1:])"


def damaged(seed: int, size: tuple[int, int] = (96, 128)) -> bytes:
    """The PNG of a gray photograph with a hole."""
    gray = np.random.default_rng(seed).integers(100, 200, size).astype(np.uint8)
    gray[20:50, 30:70] = 60
    return file(gray)


class PageServer:
    """A running `rechroma web`, whose folders for temporary files, home and work are in `root`."""

    def __init__(self, root: Path, *arguments: str):
        self.temporary = root / "temporary"
        for folder in (self.temporary, root / "home", root / "work"):
            folder.mkdir(exist_ok=True)
        folders = {"TMPDIR": str(self.temporary), "HOME": str(root / "home")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", CALL, "web", "--port", "0", *arguments],
            cwd=root / "work",
            env=os.environ | folders | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"},
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())
            if match := re.match(r"(http://\S+)  \(Ctrl-C", line):
                self.address = match[1]
                break
        else:
            raise AssertionError("\n".join(self.lines))
        end = time.monotonic() + 120
        while not self._answers():
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < end
            time.sleep(0.1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=60)

    def files(self) -> list[Path]:
        """All files in the folder for temporary files."""
        return [path for path in self.temporary.rglob("*") if path.is_file()]

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """Status and body of the answer."""
        request = urllib.request.Request(self.address + path, body, headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def _answers(self) -> bool:
        try:
            return self.ask("/config")[0] == 200
        except OSError:
            return False


class Visitor:
    """A browser with a session of its own."""

    def __init__(self, server: PageServer, session: str):
        self.server, self.session = server, session
        self.config = json.loads(server.ask("/config")[1])

    def upload(self, name: str, content: bytes) -> tuple[int, Any]:
        """Status, and the paths on the server or the message."""
        head = (
            f'--edge\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
            "Content-Type: image/png\r\n\r\n"
        )
        status, body = self.server.ask(
            "/gradio_api/upload",
            head.encode() + content + b"\r\n--edge--\r\n",
            **{"Content-Type": "multipart/form-data; boundary=edge"},
        )
        return status, json.loads(body) if status == 200 else body.decode()

    def call(self, name: str, *values: Any) -> Any:
        """Wait for the outputs of the page's function `name`; the message of the queue."""
        (function,) = (
            each["id"] for each in self.config["dependencies"] if each["api_name"] == name
        )
        content = {"data": values, "fn_index": function, "session_hash": self.session}
        status, body = self.server.ask(
            "/gradio_api/queue/join?",
            json.dumps(content).encode(),
            **{"Content-Type": "application/json"},
        )
        assert status == 200, body
        _, stream = self.server.ask(f"/gradio_api/queue/data?session_hash={self.session}")
        messages = [json.loads(line[6:]) for line in stream.decode().splitlines() if line]
        (last,) = (each for each in messages if each["msg"] == "process_completed")
        return last

    def open(self, path: str, name: str) -> Any:
        """Choose the uploaded file."""
        file = {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}
        return self.call("open_photograph", file, *WEIGHTS)

    def restore(self, opened: Any) -> Any:
        """Restore it with the found damage, as the answer of `open` shows it."""
        shown = json.loads(opened["output"]["data"][2])
        corrections = json.dumps({"photo": shown["photo"]})
        return self.call("restore_photograph", None, corrections, *WEIGHTS, False)

    def look(self, path: str) -> tuple[int, bytes]:
        """Status and content of a file that the page shows."""
        return self.server.ask(f"/gradio_api/file={path}")
