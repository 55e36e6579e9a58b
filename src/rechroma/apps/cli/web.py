"""`rechroma web`."""

import argparse
import signal
import sys

from rechroma.apps.cli.command import AddCommand, add_backend_options

PORT = 7860

WEB = """\
Opens a page for the browsers of this machine alone: drop a photograph, see the damage that was
found, correct it with brush and eraser, restore, compare, and download at full size. The page
loads nothing from other addresses. Ctrl-C ends it and removes its files.

  rechroma web                          http://127.0.0.1:7860
  rechroma web --model models/restorer --port 8000
"""


def add_to(add_command: AddCommand) -> None:
    """Add the command."""
    command = add_command("web", "restore photographs in the browser", WEB, _web)
    command.add_argument("--model", metavar="MODEL", help="as for rechroma restore")
    command.add_argument("--port", type=int, default=PORT, metavar="N", help=f"default: {PORT}")
    add_backend_options(command)


def _web(chosen: argparse.Namespace) -> int:
    from rechroma.apps.model_catalog import BUNDLED_DESCRIPTION, load_named_model, model_line
    from rechroma.apps.web.application import require_gradio, serve_page
    from rechroma.apps.web.server import listen

    require_gradio()
    with listen(chosen.port) as listening:
        model, restorer = load_named_model(chosen.model, chosen.backend, chosen.device)
        print(model_line(model, restorer), file=sys.stderr)
        address = "http://{}:{}".format(*listening.getsockname())
        print(f"{address}  (Ctrl-C ends it)", file=sys.stderr)
        # A terminated server removes its files, as after Ctrl-C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            serve_page(restorer, listening, bundled=model == BUNDLED_DESCRIPTION)
        except KeyboardInterrupt:
            return 0
    return 0
