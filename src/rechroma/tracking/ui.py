"""MLflow's page, as `make ui` starts it: python -m rechroma.tracking.ui PORT."""

import os
import socket
import sys
from pathlib import Path

from rechroma.errors import UserError

ADDRESS = "127.0.0.1"
PROBE_SECONDS = 2


def parse_port(text: str) -> int:
    """A port at which nothing listens yet.

    Raises:
        UserError: it is no port, is taken, or may not be used.
    """
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 2**16):
        raise UserError(f"PORT is '{text}', expected 1 to 65535: make ui PORT=5001")
    port = int(text)
    # Connecting finds what listens at all addresses, too; binding, what may not be used.
    try:
        socket.create_connection((ADDRESS, port), PROBE_SECONDS).close()
    except OSError:
        pass
    else:
        raise UserError(f"port {port} is taken, choose another one: make ui PORT={_other(port)}")
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((ADDRESS, port))
    except OSError as error:
        raise UserError(
            f"port {port} cannot be opened ({error.strerror}), choose another one: "
            f"make ui PORT={_other(port)}"
        ) from error
    return port


def ui_command(root: Path, port: int) -> list[str]:
    """The command that serves the page of the store of the project in `root`, which is the cwd.

    The project's own store is created before: MLflow's page, interrupted meanwhile, would leave an
    unfinished one.

    Raises:
        UserError: the store cannot be reached, or is a server, which has a page of its own.
    """
    from rechroma.tracking.project_store import STORE
    from rechroma.tracking.store import connect

    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{STORE}"
    if uri.startswith(("http://", "https://")):
        raise UserError(f"MLFLOW_TRACKING_URI is the server {uri}, open that in a browser")
    connect(root)
    options = ["--host", ADDRESS, "--port", str(port), "--backend-store-uri", uri]
    return [sys.executable, "-m", "mlflow", "ui", *options]


def main() -> None:
    """Serve the page at the port in the first argument, until Ctrl-C."""
    try:
        port = parse_port(sys.argv[1])
        command = ui_command(Path.cwd(), port)
    except UserError as error:
        sys.stderr.write(f"make: {error}\n")
        sys.exit(2)
    os.execv(command[0], command)


def _other(port: int) -> int:
    return port + 1 if 1024 <= port < 2**16 - 1 else 5001


if __name__ == "__main__":
    main()
