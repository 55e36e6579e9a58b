import asyncio

import pytest

from rechroma.apps.web.server import guard, listen
from rechroma.errors import UserError


def ask(host: str) -> tuple[int, dict[str, str]]:
    """Status and headers of the answer to a request that is addressed to `host`."""

    async def application(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    sent = []

    async def send(message):
        sent.append(message)

    headers = [(b"host", host.encode())]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    asyncio.run(guard(application)(scope, None, send))
    message = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], message


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860"])
def test_this_machine_is_served_with_a_policy_that_loads_nothing_from_elsewhere(host):
    status, headers = ask(host)
    assert status == 200
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "http" not in policy
    assert "*" not in policy


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", "192.168.0.1"])
def test_requests_to_other_hosts_are_rejected(host):
    assert ask(host)[0] == 400


def test_only_connections_of_this_machine_are_accepted():
    with listen(0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("port", "message"),
    [(70_000, "--port is 70000, expected 0 to 65535"), (-1, "--port is -1, expected")],
)
def test_a_number_that_is_not_a_port_is_an_error(port, message):
    with pytest.raises(UserError, match=message):
        listen(port)
