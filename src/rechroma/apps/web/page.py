"""The page in the browser: a photograph in, its damage found and corrected, restored, and out."""

import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rechroma.apps.web.mask_overlay import BRUSH, paint_mask
from rechroma.apps.web.session import (
    MaskSession,
    corrected_mask,
    describe_damage,
    format_share,
    open_session,
    restore_session,
)
from rechroma.apps.web.theme import (
    STYLE,
    comparison_slider,
    editor_height,
    make_theme,
    name_pictures,
    scroll_to,
    status_line,
    step_heading,
)
from rechroma.errors import UserError
from rechroma.imaging.decode import SUFFIXES
from rechroma.imaging.io import write_png

if TYPE_CHECKING:
    from fastapi import FastAPI
    from gradio import Blocks

    from rechroma.inference.restorer import Restorer


UPLOAD_LIMIT = 100 * 2**20  # bytes; 50 megapixels of a scanner's gray take half of it as PNG
KEPT = 24 * 3600  # s that uploaded and restored files stay while the page is served
WAITING = 16  # requests in the queue before new ones are told to come back

LICENSE = "The model that rechroma carries is for research use only."


def make_page(restorer: "Restorer", examples: list[Path], carried: bool = False) -> "Blocks":
    """The page: three steps, each shown when the one before is done.

    Args:
        restorer: what restores.
        examples: photographs to try at once.
        carried: the model is the one that rechroma carries; its license is told.
    """
    gr = require_gradio()

    def close() -> tuple[Any, ...]:
        return gr.Column(visible=False), gr.Column(visible=False)

    def open_(file: str | None) -> tuple[Any, ...]:
        if file is None:
            return None, "", None, gr.Checkbox(visible=False), gr.Column(visible=False)
        with _in_words(gr):
            photo, preview = open_session(Path(file))
        height, width = photo.shown.shape
        layers = [paint_mask(photo.shown)]
        return (
            photo,
            status_line(describe_damage(photo)),
            gr.ImageEditor(
                value={"background": preview, "layers": layers, "composite": None},
                canvas_size=(width, height),
                height=editor_height(height, width),
            ),
            gr.Checkbox(value=photo.in_color, visible=photo.in_color),
            gr.Column(visible=True),
        )

    def restore(
        photo: MaskSession | None, edited: dict[str, Any], keep_color: bool
    ) -> tuple[Any, ...]:
        started = time.monotonic()
        with _in_words(gr):
            if photo is None:
                raise UserError("The photograph is no longer here, choose it again.")
            mask = corrected_mask(photo, edited["layers"])
            before, after = restore_session(restorer, photo, mask, keep_color)
        target = Path(tempfile.mkdtemp(dir=download.GRADIO_CACHE), photo.target)
        write_png(target, after)
        took = time.monotonic() - started
        return (
            status_line(f"{format_share(mask)} of the photograph restored in {took:.1f} s."),
            comparison_slider(before, after),
            gr.DownloadButton(value=target),
            gr.Column(visible=True),
        )

    blocks: Blocks
    with gr.Blocks(title="rechroma", analytics_enabled=False, delete_cache=(KEPT, KEPT)) as blocks:
        opened = gr.State(time_to_live=KEPT)
        gr.HTML(
            "<h1>rechroma</h1><p>Gives a damaged gray photograph its color and its missing part "
            "back.</p>",
            elem_id="title",
        )
        with gr.Column(elem_classes="step"):
            gr.HTML(step_heading(1, "Photograph"), elem_classes="heading")
            file = gr.File(
                file_types=sorted(SUFFIXES),
                label="Photograph",
                height=150,
                elem_id="file",
            )
            strip = gr.Dataset(
                components=[gr.Image(render=False)],
                samples=[[str(example)] for example in examples],
                label="Or try one of these",
                elem_id="examples",
            )
        with gr.Column(visible=False, elem_classes="step", elem_id="damage") as damage_step:
            gr.HTML(step_heading(2, "Damage"), elem_classes="heading")
            found = gr.HTML(elem_classes="status")
            editor = gr.ImageEditor(
                label="Damage, painted red",
                show_label=False,
                format="png",
                sources=[],
                transforms=[],
                layers=False,
                buttons=[],
                brush=gr.Brush(colors=[BRUSH], color_mode="fixed"),
                elem_id="editor",
            )
            keep_color = gr.Checkbox(
                label="Keep its color, restore only the damage", elem_id="keep-color"
            )
            start = gr.Button("Restore", variant="primary", elem_id="restore")
        with gr.Column(visible=False, elem_classes="step", elem_id="restored") as restored_step:
            gr.HTML(step_heading(3, "Restored"), elem_classes="heading")
            done = gr.HTML(elem_classes="status")
            comparison = gr.HTML(elem_id="comparison")
            download = gr.DownloadButton(
                "Download at full size", variant="primary", elem_id="download"
            )
        if carried:
            gr.HTML(f"<p>{LICENSE}</p>", elem_id="license")

        blocks.load(None, js=name_pictures("examples"))
        private: dict[str, Any] = {"api_visibility": "private"}
        working = {"concurrency_id": "work", "concurrency_limit": 1, **private}
        strip.click(lambda sample: sample[0], strip, file, show_progress="hidden", **private)
        # Closed first: an editor that stays does not take the size of another photograph.
        every: dict[str, Any] = {"trigger_mode": "multiple"}  # the last one holds, none is dropped
        file.change(
            close, None, [damage_step, restored_step], queue=False, **private, **every
        ).then(
            open_, file, [opened, found, editor, keep_color, damage_step], **working, **every
        ).success(None, js=scroll_to("damage"))
        start.click(
            restore,
            [opened, editor, keep_color],
            [done, comparison, download, restored_step],
            **working,
        ).success(None, js=scroll_to("restored"))
    blocks.queue(api_open=False, max_size=WAITING, default_concurrency_limit=1)
    return blocks


def make_application(
    restorer: "Restorer", examples: list[Path], carried: bool = False
) -> "FastAPI":
    """The page as a web application; arguments as for `page`."""
    from fastapi import FastAPI

    gr = require_gradio()
    served: FastAPI = gr.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        make_page(restorer, examples, carried),
        "/",
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=UPLOAD_LIMIT,
        ssr_mode=False,
        theme=make_theme(gr),
        css_paths=STYLE,
    )
    return served


def serve_page(restorer: "Restorer", listening: socket.socket, carried: bool = False) -> None:
    """Serve the page on a socket of `localhost.listen` until interrupted; its files are removed."""
    from rechroma.apps.web.examples import write_examples
    from rechroma.apps.web.server import make_server

    with tempfile.TemporaryDirectory(prefix="rechroma-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        strip = write_examples(Path(folder, "examples"))
        make_server(make_application(restorer, strip, carried)).run(sockets=[listening])


def require_gradio() -> Any:
    """Gradio, asking nobody for anything.

    Raises:
        UserError: it is not installed.
    """
    os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}
    try:
        import gradio
    except ModuleNotFoundError:
        raise UserError("rechroma web needs gradio: pip install 'rechroma[web]'") from None
    return gradio


@contextmanager
def _in_words(gr: Any) -> Iterator[None]:
    """A mistake, and a machine too small, become a message on the page."""
    try:
        yield
    except UserError as error:
        raise gr.Error(escape(str(error)), print_exception=False) from None
    except MemoryError:
        raise gr.Error(
            "This machine has too little memory for a photograph of this size.",
            print_exception=False,
        ) from None
