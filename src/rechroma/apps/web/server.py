"""A web application for this machine alone: nobody else reaches it, and it reaches nobody else."""

import errno
import socket
from typing import TYPE_CHECKING

from rechroma.errors import UserError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from uvicorn import Server


ADDRESS = "127.0.0.1"
# Scripts and styles stand in Gradio's page itself; pictures come as data and blobs of the page.
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
CLOSING = 1  # s that open connections get when the server ends


def listen(port: int) -> socket.socket:
    """A socket that waits for browsers of this machine; 0 takes any free port.

    Raises:
        UserError: the port is taken, or not ours to take.
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
        why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be had ({error.strerror})"
        raise UserError(f"port {port} {why}, choose another one with --port") from None
    return listening


def guard(application: "ASGIApp") -> "ASGIApp":
    """`application` with a policy under which browsers ask no other address for anything.

    Only requests addressed to this machine are answered, so that no other site's page can reach
    the application through a name of its own.
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
    """What serves `application`, guarded: `run(sockets=[…])` with the socket of `listen`."""
    import uvicorn

    return uvicorn.Server(
        uvicorn.Config(guard(application), log_level="critical", timeout_graceful_shutdown=CLOSING)
    )
