import os
import subprocess
import sys

import pytest

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
