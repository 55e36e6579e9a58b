"""A web server for this machine alone: it accepts no other host, and its pages ask no other."""

import errno
import socket
from typing import TYPE_CHECKING

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


def listen(port: int) -> socket.socket:
    """A socket that accepts connections of this machine; port 0 is any free one.

    Raises:
        UserError: the port is in use, not allowed, or not a port.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((ADDRESS, port))
        listening.listen()
    except OverflowError:
        listening.close()
        raise UserError(f"--port is {port}, expected 0 to 65535") from None
    except OSError as error:
        listening.close()
        in_use = error.errno == errno.EADDRINUSE
        reason = "is taken" if in_use else f"cannot be opened ({error.strerror})"
        raise UserError(f"port {port} {reason}, choose another one with --port") from None
    return listening


def guard(application: "ASGIApp") -> "ASGIApp":
    """`application` with a content security policy: its pages load nothing from other addresses.

    Only requests addressed to this machine are answered. A page of another site cannot reach the
    application through a host name of its own (DNS rebinding).
    """
    from starlette.datastructures import MutableHeaders
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    async def with_policy(scope: "Scope", receive: "Receive", send: "Send") -> None:
        async def send_with_policy(message: "Message") -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = POLICY
                headers["Referrer-Policy"] = "no-referrer"
            await send(message)

        await application(scope, receive, send_with_policy)

    return TrustedHostMiddleware(with_policy, allowed_hosts=[ADDRESS, "localhost"])


def make_server(application: "ASGIApp") -> "Server":
    """The server of `application`, guarded: `run(sockets=[…])` with the socket of `listen`."""
    import uvicorn

    return uvicorn.Server(
        uvicorn.Config(
            guard(application), log_level="critical", timeout_graceful_shutdown=SHUTDOWN_TIMEOUT
        )
    )
