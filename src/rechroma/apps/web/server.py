"""A web server: it is addressed as this machine alone, and its pages ask no other address."""

import errno
import ipaddress
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rechroma.errors import UserError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from uvicorn import Server


ADDRESS = "127.0.0.1"
# Gradio's page has inline scripts and styles; its pictures are data and blob URLs.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
SHUTDOWN_TIMEOUT = 1  # s that open connections may last when the server ends


def listen(port: int, host: str = ADDRESS) -> socket.socket:
    """A socket that accepts connections; port 0 is any free one.

    Args:
        port: where it listens.
        host: the address, or its name, on which it listens: by default that of this machine alone.

    Raises:
        UserError: the port is in use, not allowed, or not a port, or the host is not of this
            machine.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise UserError(_not_here(host)) from None
    family, _, _, _, address = found[0]
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address[0], port, *address[2:]))
        listening.listen()
    except OverflowError:
        listening.close()
        raise UserError(f"--port is {port}, expected 0 to 65535") from None
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise UserError(_not_here(host)) from None
        in_use = error.errno == errno.EADDRINUSE
        reason = "is taken" if in_use else f"cannot be opened ({error.strerror})"
        raise UserError(f"port {port} {reason}, choose another one with --port") from None
    return listening


def _not_here(host: str) -> str:
    return f"--host is '{host}', expected an address of this machine, such as {ADDRESS} or 0.0.0.0"


def is_reachable(listening: socket.socket) -> bool:
    """Whether other machines may reach a socket of `listen`."""
    return not ipaddress.ip_address(listening.getsockname()[0]).is_loopback


def page_address(listening: socket.socket) -> str:
    """What a browser of this machine opens to reach a socket of `listen`."""
    name, port = listening.getsockname()[:2]
    host = ipaddress.ip_address(name)
    if host.is_unspecified:  # all addresses of this machine
        host = ipaddress.ip_address("::1" if host.version == 6 else ADDRESS)
    return f"http://[{host}]:{port}" if host.version == 6 else f"http://{host}:{port}"


def is_own_host(host: str, reachable: bool = False) -> bool:
    """Whether the header `Host` of a request names this machine.

    A page of another site may reach this machine under a name of its own (DNS rebinding), but never
    under a number or a name of this machine.

    Args:
        host: the header, with or without a port.
        reachable: whether other machines are served, under any number.

    >>> is_own_host("localhost:7860"), is_own_host("192.168.0.7:7860"), is_own_host("example.org")
    (True, False, False)
    >>> is_own_host("192.168.0.7:7860", reachable=True), is_own_host("example.org", reachable=True)
    (True, False)
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in (ADDRESS, "::1", "localhost"):
        return True
    own = socket.gethostname().lower()
    return reachable and (name in (own, f"{own}.local") or _is_number(name))


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def guard(application: "ASGIApp", reachable: bool = False) -> "ASGIApp":
    """`application` with a content security policy: its pages load nothing from other addresses.

    Only requests addressed to this machine are answered, and none that a page of another site
    makes.

    Args:
        application: what is guarded.
        reachable: as of `is_own_host`.
    """
    from starlette.datastructures import Headers, MutableHeaders
    from starlette.responses import PlainTextResponse

    async def guarded(scope: "Scope", receive: "Receive", send: "Send") -> None:
        async def send_with_policy(message: "Message") -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = POLICY
                headers["Referrer-Policy"] = "no-referrer"
            await send(message)

        if scope["type"] in ("http", "websocket"):
            headers = Headers(scope=scope)
            host, origin = headers.get("host", ""), headers.get("origin")
            refused = None
            if not is_own_host(host, reachable):
                refused = PlainTextResponse("Invalid host header", 400)
            elif origin is not None and origin.partition("://")[2].lower() != host.lower():
                refused = PlainTextResponse("Requests of other sites are not answered", 403)
            if refused is not None:
                await refused(scope, receive, send)
                return
        await application(scope, receive, send_with_policy)

    return guarded


def make_server(application: "ASGIApp", reachable: bool = False) -> "Server":
    """The server of `application`, guarded: `run(sockets=[…])` with the socket of `listen`."""
    import uvicorn

    return uvicorn.Server(
        uvicorn.Config(
            guard(application, reachable),
            log_level="critical",
            timeout_graceful_shutdown=SHUTDOWN_TIMEOUT,
        )
    )
