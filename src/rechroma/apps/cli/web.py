"""`rechroma web`."""

import argparse
import signal
import sys

from rechroma.apps.cli.command import AddCommand, add_aim_option, add_backend_options
from rechroma.apps.web.server import ADDRESS

PORT = 7860

WEB = """\
Opens a page for the browsers of this machine alone: drop a photograph, see the damage that was
found, correct it with brush and eraser, restore, compare, and download at full size. The page
loads nothing from other addresses. Ctrl-C ends it and removes its files. With --host others in
your network can use the page, too; each sees only the own photographs.

  rechroma web                          http://127.0.0.1:7860
  rechroma web --model models/restorer --port 8000
"""


def add_to(add_command: AddCommand) -> None:
    """Add the command."""
    command = add_command("web", "restore photographs in the browser", WEB, _web)
    command.add_argument("--model", metavar="MODEL", help="as for rechroma restore")
    command.add_argument(
        "--host",
        default=ADDRESS,
        metavar="ADDRESS",
        help=f"listen on this address of the machine; 0.0.0.0: all of them (default: {ADDRESS})",
    )
    command.add_argument("--port", type=int, default=PORT, metavar="N", help=f"default: {PORT}")
    add_aim_option(command)
    add_backend_options(command)


def _web(chosen: argparse.Namespace) -> int:
    from rechroma.apps.web.work_folder import work_folder

    # However it is ended, the server removes its files, as after Ctrl-C.
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        with work_folder():
            _serve(chosen)
    except KeyboardInterrupt:
        return 0
    return 0


def _serve(chosen: argparse.Namespace) -> None:
    from rechroma.apps.model_catalog import BUNDLED_DESCRIPTION, load_named_model, model_line
    from rechroma.apps.web.application import require_gradio, serve_page
    from rechroma.apps.web.server import is_reachable, listen, page_address

    require_gradio()
    with listen(chosen.port, chosen.host) as listening:
        model, restorer = load_named_model(chosen.model, chosen.backend, chosen.device, chosen.aim)
        print(model_line(model, restorer), file=sys.stderr)
        if is_reachable(listening):
            print(
                f"others in the network can reach the page (--host {chosen.host}); it asks for no "
                "password",
                file=sys.stderr,
            )
        print(f"{page_address(listening)}  (Ctrl-C ends it)", file=sys.stderr)
        serve_page(restorer, listening, bundled=model == BUNDLED_DESCRIPTION)
