"""`rechroma web`."""

import argparse
import signal
import sys

from rechroma.apps.cli.command import Add

PORT = 7860

WEB = """\
Opens a page for the browsers of this machine alone: drop a photograph, see the damage that was
found, correct it with brush and eraser, restore, compare, and download at full size. The page asks
no other address for anything. Ctrl-C ends it and removes its files.

  rechroma web                          http://127.0.0.1:7860
  rechroma web --model models/restorer --port 8000
"""


def add_to(add: Add) -> None:
    """Add the command."""
    web = add("web", "restore photographs in the browser", WEB, _web)
    web.add_argument("--model", metavar="MODEL", help="as for rechroma restore")
    web.add_argument("--port", type=int, default=PORT, metavar="N", help=f"default: {PORT}")


def _web(chosen: argparse.Namespace) -> int:
    from rechroma.apps import model_catalog as finding
    from rechroma.apps.web import page as web
    from rechroma.apps.web import server as localhost

    web.require_gradio()
    with localhost.listen(chosen.port) as listening:
        model, restorer = finding.choose(chosen.model)
        print(f"model: {model}", file=sys.stderr)
        address = "http://{}:{}".format(*listening.getsockname())
        print(f"{address}  (Ctrl-C ends it)", file=sys.stderr)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C, which tidies up
        try:
            web.serve(restorer, listening, carried=model == finding.CARRIED)
        except KeyboardInterrupt:
            return 0
    return 0
