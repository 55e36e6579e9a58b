"""The page as a web application, and served on a socket."""

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rechroma.apps.web.damage_status import group_styles
from rechroma.apps.web.examples import write_examples
from rechroma.apps.web.page import Page
from rechroma.apps.web.server import is_reachable, make_server
from rechroma.apps.web.session import MEGABYTE_LIMIT
from rechroma.apps.web.theme import STYLE, make_theme
from rechroma.errors import UserError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from rechroma.inference.restorer import Restorer


UPLOAD_LIMIT = MEGABYTE_LIMIT * 10**6  # bytes


def make_application(
    restorer: "Restorer", examples: list[Path], bundled: bool = False
) -> "FastAPI":
    """The page as a web application.

    Args:
        restorer: the model.
        examples: files of photographs to try.
        bundled: whether the model is the bundled one; the page then shows its license.

    Raises:
        UserError: gradio is not installed.
    """
    from fastapi import FastAPI

    gr = require_gradio()
    application: FastAPI = gr.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        Page(gr, restorer, examples, bundled).build(),
        "/",
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=UPLOAD_LIMIT,
        ssr_mode=False,
        theme=make_theme(gr),
        css=group_styles(),
        css_paths=STYLE,
    )
    return application


def serve_page(restorer: "Restorer", listening: socket.socket, bundled: bool = False) -> None:
    """Serve the page on a socket of `server.listen` until interrupted, inside a `work_folder`."""
    with _no_proxies():
        examples = write_examples(Path(tempfile.gettempdir(), "examples"))
        application = make_application(restorer, examples, bundled)
        make_server(application, is_reachable(listening)).run(sockets=[listening])


def require_gradio() -> Any:
    """The module gradio, its telemetry switched off.

    Raises:
        UserError: it is not installed.
    """
    os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}
    try:
        with _no_proxies():
            import gradio
    except ModuleNotFoundError as error:
        if error.name != "gradio":
            raise
        raise UserError("rechroma web needs gradio: pip install 'rechroma[web]'") from None
    return gradio


@contextmanager
def _no_proxies() -> Iterator[None]:
    """Without proxies inside the block: the page asks nobody, but gradio prepares for it.

    Its library for requests fails on proxies that it cannot use, such as SOCKS.
    """
    names = [name for name in os.environ if name.lower().endswith("_proxy")]
    removed = {name: os.environ.pop(name) for name in names}
    os.environ["NO_PROXY"] = "*"  # those of the system's settings, too
    try:
        yield
    finally:
        del os.environ["NO_PROXY"]
        os.environ.update(removed)
