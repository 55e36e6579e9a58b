"""The page in the browser: choose a photograph, correct its damage, restore and download it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rechroma.apps.web.damage_step import DamageStep
from rechroma.apps.web.handlers import Handlers
from rechroma.apps.web.session import MEGABYTE_LIMIT, PIXEL_LIMIT
from rechroma.apps.web.theme import add_alt_texts, scroll_to, step_heading
from rechroma.apps.web.uploads import refuse_addresses
from rechroma.imaging.formats import SUFFIXES

if TYPE_CHECKING:
    from gradio import Blocks

    from rechroma.inference.restorer import Restorer


FILE_LIFETIME = 24 * 3600  # s that uploaded and restored files are kept while the page is served
QUEUE_LIMIT = 16  # requests that wait; Gradio rejects further ones

PRIVATE: dict[str, Any] = {"api_visibility": "private"}
# Finding and restoring share one worker: both need much memory.
WORKING = {"concurrency_id": "work", "concurrency_limit": 1, **PRIVATE}
# A file chosen while another one is opened is opened next, not dropped.
REPEATED: dict[str, Any] = {"trigger_mode": "multiple"}

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

    def build(self) -> "Blocks":
        """The page as Gradio's blocks."""
        gr = self.gr
        blocks: Blocks
        lifetime = (FILE_LIFETIME, FILE_LIFETIME)
        with gr.Blocks(title="rechroma", analytics_enabled=False, delete_cache=lifetime) as blocks:
            self.session = gr.State(time_to_live=FILE_LIFETIME)
            gr.HTML(TITLE, elem_id="title")
            self._add_photograph_step()
            self.damage = DamageStep(gr)
            self._add_restored_step()
            if self.bundled:
                gr.HTML(f"<p>{LICENSE}</p>", elem_id="license")
            blocks.load(None, js=add_alt_texts("examples"))
            self._connect_events()
        # What Gradio's own `launch` sets: without it a request may name any file of this machine.
        blocks.has_launched = True
        refuse_addresses(self.upload)
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
        handlers = Handlers(self.gr, self.restorer, Path(self.download.GRADIO_CACHE))
        self.gallery.click(
            lambda sample: sample[0], self.gallery, self.upload, show_progress="hidden", **PRIVATE
        )
        looking = self._connect_finding(handlers)
        self._connect_weights(handlers)
        restoring = self._connect_restoring(handlers)
        step = self.damage
        step.cancel.click(
            handlers.cancel,
            [self.session, step.find],
            [*step.buttons, step.find, step.sensitivity, step.groups],
            cancels=[*looking, restoring],
            queue=False,
            **PRIVATE,
        )

    def _connect_finding(self, handlers: Handlers) -> list[Any]:
        """What happens when a photograph, or what to look for, is chosen; the long events."""
        step = self.damage
        shown = [step.status, step.editor, step.sensitivity, step.groups]
        # Hidden first, so that nothing of the previous photograph is shown meanwhile.
        opened = self.upload.change(
            handlers.hide_steps,
            None,
            [step.column, self.result_step],
            queue=False,
            **PRIVATE,
            **REPEATED,
        ).then(
            handlers.open_photograph,
            [self.upload, *step.weights],
            [self.session, *shown, step.keep_color, step.column],
            **WORKING,
            **REPEATED,
        )
        opened.success(None, js=scroll_to("damage"))
        looking = []
        # After opening mostly nothing is left to do: progress would cover the editor for a moment.
        for event, progress in ((opened.then, "hidden"), (step.find.input, "full")):
            begun = event(
                handlers.begin_looking,
                [self.session, step.find],
                step.buttons,
                queue=False,
                **PRIVATE,
            )
            looked = begun.then(
                handlers.look_again,
                [self.session, *step.weights],
                [self.session, *shown],
                show_progress=progress,
                show_progress_on=step.editor,
                **WORKING,
            )
            looked.then(handlers.end, None, step.buttons, queue=False, **PRIVATE)
            looking.append(looked)
        return looking

    def _connect_weights(self, handlers: Handlers) -> None:
        """What happens when the sensitivity or the groups change: the browser paints alone."""
        step = self.damage
        for weight in (step.sensitivity, step.groups):
            weight.input(
                None,
                [step.sensitivity, step.groups],
                js="(...weights) => maskEditor.weigh(...weights)",
            )
            weight.input(
                handlers.describe,
                [self.session, *step.weights],
                step.status,
                trigger_mode="always_last",
                show_progress="hidden",
                queue=False,
                **PRIVATE,
            )

    def _connect_restoring(self, handlers: Handlers) -> Any:
        """What happens when Restore is pressed; the long event."""
        step = self.damage
        begun = step.restore.click(
            handlers.begin_restoring, self.session, step.buttons, queue=False, **PRIVATE
        )
        restored = begun.then(
            handlers.restore_photograph,
            [self.session, step.corrections, *step.weights, step.keep_color],
            [self.result_status, self.comparison, self.download, self.result_step],
            js="(session, _, ...rest) => [session, maskEditor.corrections(), ...rest]",
            show_progress_on=step.editor,
            **WORKING,
        )
        restored.success(None, js=scroll_to("restored"))
        restored.then(handlers.end, None, step.buttons, queue=False, **PRIVATE)
        return restored
