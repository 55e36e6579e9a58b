import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from page_server import PageServer, Visitor, damaged

from rechroma.apps.web import application

BUILD = "from rechroma.apps.web.application import require_gradio; require_gradio()"


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "socks://127.0.0.1:9", "no address"])
def test_no_proxy_of_the_environment_stops_the_page(proxy):
    names = ("ALL_PROXY", "all_proxy", "https_proxy")
    environment = os.environ | dict.fromkeys(names, proxy) | {"NO_PROXY": "[::1],x"}
    command = [sys.executable, "-c", BUILD]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_proxies_are_put_back(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.org")
    before = dict(os.environ)
    with application._no_proxies():
        assert {name for name in os.environ if name.lower().endswith("proxy")} == {"NO_PROXY"}
    assert dict(os.environ) == before


def test_two_users_get_their_own_photographs_and_no_others(tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(damaged(9))
    with PageServer(tmp_path, "--host", "0.0.0.0") as server:
        assert any("others in the network can reach the page" in line for line in server.lines)

        users = [Visitor(server, name) for name in ("first", "second")]
        photos = [damaged(0), damaged(1)]
        paths = [
            user.upload("old.png", photo)[1][0] for user, photo in zip(users, photos, strict=True)
        ]
        opened = [user.open(path, "old.png") for user, path in zip(users, paths, strict=True)]
        # In the other order, so that the last opened photograph is not the last restored one.
        for user, photo, answer in reversed(list(zip(users, photos, opened, strict=True))):
            download = user.restore(answer)["output"]["data"][2]["value"]["path"]
            restored = cv2.imdecode(np.frombuffer(user.look(download)[1], np.uint8), 1)
            gray = cv2.imdecode(np.frombuffer(photo, np.uint8), 0)
            known = gray != 60
            luma = cv2.cvtColor(restored, cv2.COLOR_BGR2GRAY)
            assert np.abs(luma.astype(int) - gray)[known].max() <= 2

        third = Visitor(server, "third")
        answer = third.restore(opened[0])  # which is of another session
        assert "no longer here" in answer["output"]["error"]

        # Neither a file of the machine nor an address can be named in place of an upload.
        for path in (str(secret), "http://127.0.0.1:9/old.png"):
            assert third.open(path, "old.png")["success"] is False
        assert third.look(str(secret))[0] == 403
        assert not [file for file in server.files() if file.name == "secret.png"]

        status, message = third.upload("large.png", bytes(100 * 10**6 + 1))
        assert (status, message) == (
            413,
            "File size exceeded maximum allowed size of 100000000 bytes.",
        )
        huge = third.upload("huge.png", bomb())[1][0]
        error = third.open(huge, "huge.png")["output"]["error"]
        assert error == "huge.png: is 10000x6000 px, expected at most 50 megapixels"


def bomb() -> bytes:
    return cv2.imencode(".png", np.zeros((6000, 10000), np.uint8))[1].tobytes()
