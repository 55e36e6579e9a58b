"""The page in the browser: choose a photograph, correct its damage, restore and download it."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rechroma.apps.web.mask_overlay import BRUSH, paint_mask
from rechroma.apps.web.session import (
    MEGABYTE_LIMIT,
    PIXEL_LIMIT,
    MaskSession,
    corrected_mask,
    describe_damage,
    format_share,
    open_session,
    restore_session,
)
from rechroma.apps.web.theme import (
    add_alt_texts,
    comparison_slider,
    editor_height,
    scroll_to,
    status_line,
    step_heading,
)
from rechroma.apps.web.uploads import refuse_addresses
from rechroma.deployment.time_limit import TimeLimit, TimeLimitError
from rechroma.errors import UserError
from rechroma.imaging.formats import SUFFIXES
from rechroma.imaging.io import write_png

if TYPE_CHECKING:
    from gradio import Blocks

    from rechroma.inference.restorer import Restorer


TIME_LIMIT = 300  # s for finding damage, and for restoring, waiting for others included
FILE_LIFETIME = 24 * 3600  # s that uploaded and restored files are kept while the page is served
QUEUE_LIMIT = 16  # requests that wait; Gradio rejects further ones

TITLE = (
    "<h1>rechroma</h1><p>Gives a damaged gray photograph its color and its missing part back.</p>"
)
LIMITS = f"Photograph of up to {PIXEL_LIMIT // 10**6} megapixels and {MEGABYTE_LIMIT} MB"
LICENSE = "The bundled model is for research use only."


class Page:
    """The page: three steps, each shown when the one before is done.

    Attributes:
        gr: the module gradio.
        restorer: the model.
        examples: files of photographs to try.
        bundled: whether the model is the bundled one, whose license is then shown.
    """

    def __init__(self, gr: Any, restorer: "Restorer", examples: list[Path], bundled: bool):
        self.gr, self.restorer, self.examples, self.bundled = gr, restorer, examples, bundled
        self.time_limit = TimeLimit(TIME_LIMIT, at_once=1)

    def build(self) -> "Blocks":
        """The page as Gradio's blocks."""
        gr = self.gr
        blocks: Blocks
        lifetime = (FILE_LIFETIME, FILE_LIFETIME)
        with gr.Blocks(title="rechroma", analytics_enabled=False, delete_cache=lifetime) as blocks:
            self.session = gr.State(time_to_live=FILE_LIFETIME)
            gr.HTML(TITLE, elem_id="title")
            self._add_photograph_step()
            self._add_damage_step()
            self._add_restored_step()
            if self.bundled:
                gr.HTML(f"<p>{LICENSE}</p>", elem_id="license")
            blocks.load(None, js=add_alt_texts("examples"))
            self._connect_events()
        # What Gradio's own `launch` sets: without it a request may name any file of this machine.
        blocks.has_launched = True
        for component in (self.upload, self.editor):
            refuse_addresses(component)
        blocks.queue(api_open=False, max_size=QUEUE_LIMIT, default_concurrency_limit=1)
        return blocks

    def _add_photograph_step(self) -> None:
        """Step 1: a file to upload, or one of the examples."""
        gr = self.gr
        with gr.Column(elem_classes="step"):
            gr.HTML(step_heading(1, "Photograph"), elem_classes="heading")
            self.upload = gr.File(
                file_types=sorted(SUFFIXES),
                label=LIMITS,
                height=150,
                elem_id="file",
            )
            self.gallery = gr.Dataset(
                components=[gr.Image(render=False)],
                samples=[[str(example)] for example in self.examples],
                label="Or try one of these",
                elem_id="examples",
            )

    def _add_damage_step(self) -> None:
        """Step 2: the damage as paint over the photograph, with brush and eraser."""
        gr = self.gr
        with gr.Column(visible=False, elem_classes="step", elem_id="damage") as self.damage_step:
            gr.HTML(step_heading(2, "Damage"), elem_classes="heading")
            self.damage_status = gr.HTML(elem_classes="status")
            self.editor = gr.ImageEditor(
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
            self.keep_color = gr.Checkbox(
                label="Keep its color, restore only the damage", elem_id="keep-color"
            )
            self.restore_button = gr.Button("Restore", variant="primary", elem_id="restore")

    def _add_restored_step(self) -> None:
        """Step 3: before and after behind a slider, and the download."""
        gr = self.gr
        with gr.Column(visible=False, elem_classes="step", elem_id="restored") as self.result_step:
            gr.HTML(step_heading(3, "Restored"), elem_classes="heading")
            self.result_status = gr.HTML(elem_classes="status")
            self.comparison = gr.HTML(elem_id="comparison")
            self.download = gr.DownloadButton(
                "Download at full size", variant="primary", elem_id="download"
            )

    def _connect_events(self) -> None:
        private: dict[str, Any] = {"api_visibility": "private"}
        # Detecting and restoring share one worker: both need much memory.
        working = {"concurrency_id": "work", "concurrency_limit": 1, **private}
        # A file chosen while another one is opened is opened next, not dropped.
        repeated: dict[str, Any] = {"trigger_mode": "multiple"}

        self.gallery.click(
            lambda sample: sample[0], self.gallery, self.upload, show_progress="hidden", **private
        )
        # Hidden first: an editor that stays visible keeps the size of the previous photograph.
        self.upload.change(
            self.hide_steps,
            None,
            [self.damage_step, self.result_step],
            queue=False,
            **private,
            **repeated,
        ).then(
            self.open_photograph,
            self.upload,
            [
                self.session,
                self.damage_status,
                self.editor,
                self.keep_color,
                self.damage_step,
            ],
            **working,
            **repeated,
        ).success(None, js=scroll_to("damage"))
        self.restore_button.click(
            self.restore_photograph,
            [self.session, self.editor, self.keep_color],
            [self.result_status, self.comparison, self.download, self.result_step],
            **working,
        ).success(None, js=scroll_to("restored"))

    def hide_steps(self) -> tuple[Any, ...]:
        """Hide the steps 2 and 3."""
        return self.gr.Column(visible=False), self.gr.Column(visible=False)

    def open_photograph(self, file: str | None) -> tuple[Any, ...]:
        """Detect the damage of the uploaded photograph and show it in step 2."""
        gr = self.gr
        if file is None:
            return None, "", None, gr.Checkbox(visible=False), gr.Column(visible=False)
        with _errors_shown(gr):
            session, preview = self.time_limit.run(lambda: open_session(Path(file)))
        height, width = session.preview_mask.shape
        layers = [paint_mask(session.preview_mask)]
        return (
            session,
            status_line(describe_damage(session)),
            gr.ImageEditor(
                value={"background": preview, "layers": layers, "composite": None},
                canvas_size=(width, height),
                height=editor_height(height, width),
            ),
            gr.Checkbox(value=session.keeps_color, visible=session.in_color),
            gr.Column(visible=True),
        )

    def restore_photograph(
        self, session: MaskSession | None, edited: dict[str, Any] | None, keep_color: bool
    ) -> tuple[Any, ...]:
        """Restore the photograph with the corrected mask and show it in step 3."""
        gr = self.gr
        started = time.monotonic()
        with _errors_shown(gr):
            if session is None or edited is None:  # a request without them, as of a stale page
                raise UserError("The photograph is no longer here, choose it again.")
            mask = corrected_mask(session, edited["layers"])
            before, after = self.time_limit.run(
                lambda: restore_session(self.restorer, session, mask, keep_color)
            )
        target = Path(tempfile.mkdtemp(dir=self.download.GRADIO_CACHE), session.download_name)
        write_png(target, after)
        seconds = time.monotonic() - started
        return (
            status_line(f"{format_share(mask)} of the photograph restored in {seconds:.1f} s."),
            comparison_slider(before, after),
            gr.DownloadButton(value=target),
            gr.Column(visible=True),
        )


@contextmanager
def _errors_shown(gr: Any) -> Iterator[None]:
    """Show a user error, and too little memory, as a message on the page."""
    try:
        yield
    except TimeLimitError as error:
        raise gr.Error(
            f"Stopped: it {error}. Choose a smaller photograph, or use the command line.",
            print_exception=False,
        ) from None
    except UserError as error:
        raise gr.Error(escape(str(error)), print_exception=False) from None
    except MemoryError:
        raise gr.Error(
            "This machine has too little memory for a photograph of this size.",
            print_exception=False,
        ) from None
