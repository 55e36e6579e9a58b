import asyncio
import socket

import pytest

from rechroma.apps.web.server import guard, is_reachable, listen, page_address
from rechroma.errors import UserError


def ask(
    host: str, origin: str | None = None, reachable: bool = False
) -> tuple[int, dict[str, str]]:
    """Status and headers of the answer to a request to `host`, made by a page of `origin`."""

    async def application(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    sent = []

    async def send(message):
        sent.append(message)

    headers = [(b"host", host.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    asyncio.run(guard(application, reachable)(scope, None, send))
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
    "host", ["localhost", "192.168.0.1:7860", "[fd00::1]:7860", socket.gethostname()]
)
def test_others_in_the_network_are_served_under_a_number_or_the_name_of_the_machine(host):
    assert ask(host, reachable=True)[0] == 200


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", "", "[::1", "localhost."])
def test_no_other_name_is_served_to_the_network(host):
    assert ask(host, reachable=True)[0] == 400


@pytest.mark.parametrize("reachable", [True, False])
@pytest.mark.parametrize("origin", ["http://example.org", "null", "http://127.0.0.1:80", ""])
def test_requests_that_pages_of_other_sites_make_are_refused(origin, reachable):
    assert ask("127.0.0.1:7860", origin, reachable)[0] == 403
    assert ask("127.0.0.1:7860", "http://127.0.0.1:7860", reachable)[0] == 200


@pytest.mark.parametrize(
    ("host", "reachable", "address"),
    [
        ("127.0.0.1", False, "http://127.0.0.1:"),
        ("localhost", False, "http://"),
        ("0.0.0.0", True, "http://127.0.0.1:"),
    ],
)
def test_an_address_to_listen_on_may_be_chosen(host, reachable, address):
    with listen(0, host) as listening:
        assert is_reachable(listening) is reachable
        assert page_address(listening).startswith(address)


@pytest.mark.parametrize("host", ["192.0.2.7", "no host", "a..b"])
def test_an_address_of_another_machine_is_an_error(host):
    with pytest.raises(UserError, match=f"--host is '{host}', expected an address of this machine"):
        listen(0, host)


@pytest.mark.parametrize(
    ("port", "message"),
    [(70_000, "--port is 70000, expected 0 to 65535"), (-1, "--port is -1, expected")],
)
def test_a_number_that_is_not_a_port_is_an_error(port, message):
    with pytest.raises(UserError, match=message):
        listen(port)
