"""What the page does when a person chooses, changes or presses something."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rechroma.apps.web.damage_status import describe_damage, format_share
from rechroma.apps.web.damage_step import editor_value
from rechroma.apps.web.session import (
    MaskSession,
    corrected_mask,
    look_again,
    lost_groups,
    open_session,
    restore_session,
)
from rechroma.apps.web.strokes import read_corrections
from rechroma.apps.web.theme import comparison_slider, status_line
from rechroma.deployment.time_limit import TimeLimit, TimeLimitError
from rechroma.errors import UserError
from rechroma.imaging.io import write_png
from rechroma.imaging.types import Photo
from rechroma.inference.find_choices import Find, uses_network
from rechroma.inference.stoppable import check_wanted

if TYPE_CHECKING:
    from rechroma.inference.restorer import Restorer

Result = TypeVar("Result")

TIME_LIMIT = 300  # s for finding damage, and for restoring, waiting for others included


class Handlers:
    """Handlers of the page's events; each returns the new values of its outputs.

    Attributes:
        gr: the module gradio.
        restorer: the model.
        downloads: the folder into which restored files are written.
    """

    def __init__(self, gr: Any, restorer: "Restorer", downloads: Path):
        self.gr, self.restorer, self.downloads = gr, restorer, downloads
        self.time_limit = TimeLimit(TIME_LIMIT, at_once=1)

    def hide_steps(self) -> tuple[Any, ...]:
        """Hide the steps 2 and 3."""
        return self.gr.Column(visible=False), self.gr.Column(visible=False)

    def open_photograph(
        self, file: str | None, find: Find, sensitivity: float, groups: list[str]
    ) -> tuple[Any, ...]:
        """Look for the damage of the uploaded photograph and show it in step 2."""
        gr = self.gr
        if file is None:
            shown = ["", None, gr.Slider(visible=False), gr.CheckboxGroup(visible=False)]
            return None, *shown, gr.Checkbox(visible=False), gr.Column(visible=False)
        with _errors_shown(gr):
            session = self.time_limit.run(lambda: open_session(Path(file)))
        return (
            session,
            *self._show(session, find, sensitivity, groups),
            gr.Checkbox(value=session.keeps_color, visible=session.in_color),
            gr.Column(visible=True),
        )

    def look_again(
        self, session: MaskSession | None, find: Find, sensitivity: float, groups: list[str]
    ) -> tuple[Any, ...]:
        """Look for other damage of the photograph and show it; what is corrected stays."""
        with _errors_shown(self.gr):
            opened = _require(session)
            stopped = opened.switch.stopped
            looked = self._run(lambda: look_again(opened, find, stopped), stopped)
        return looked, *self._show(looked, find, sensitivity, groups)

    def describe(
        self, session: MaskSession | None, find: Find, sensitivity: float, groups: list[str]
    ) -> str:
        """The sentence about the damage, after its weights were changed."""
        if session is None:
            return ""
        return status_line(describe_damage(session, find, sensitivity, lost_groups(find, groups)))

    def _show(
        self, session: MaskSession, find: Find, sensitivity: float, groups: list[str]
    ) -> tuple[Any, ...]:
        gr, lost = self.gr, lost_groups(find, groups)
        return (
            self.describe(session, find, sensitivity, groups),
            editor_value(session, find, sensitivity, lost),
            gr.Slider(visible=uses_network(find)),
            gr.CheckboxGroup(visible=uses_network(find)),
        )

    def begin_looking(self, session: MaskSession | None, find: Find) -> tuple[Any, ...]:
        """Show Cancel where looking for damage takes long."""
        if session is None or session.looked or not uses_network(find):
            return self.end()
        return self.begin_restoring(session)

    def begin_restoring(self, session: MaskSession | None) -> tuple[Any, ...]:
        """Show Cancel in place of Restore."""
        if session is not None:
            session.switch.renew()
        return self.gr.Button(visible=False), self.gr.Button(visible=True)

    def end(self) -> tuple[Any, ...]:
        """Show Restore in place of Cancel."""
        return self.gr.Button(visible=True), self.gr.Button(visible=False)

    def cancel(self, session: MaskSession | None, find: Find) -> tuple[Any, ...]:
        """Stop the work that runs; what the network has not found is not looked for."""
        if session is not None:
            session.switch.stopped.set()
            find = find if session.looked or not uses_network(find) else "flat"
        self.gr.Info("Canceled.")
        visible = uses_network(find)
        weights = self.gr.Slider(visible=visible), self.gr.CheckboxGroup(visible=visible)
        return *self.end(), find, *weights

    def restore_photograph(
        self,
        session: MaskSession | None,
        corrections: str | None,
        find: Find,
        sensitivity: float,
        groups: list[str],
        keep_color: bool,
    ) -> tuple[Any, ...]:
        """Restore the photograph with the corrected mask and show it in step 3."""
        gr = self.gr
        started = time.monotonic()
        with _errors_shown(gr):
            opened, strokes = _require(session), read_corrections(corrections)
            stopped = opened.switch.stopped
            lost = lost_groups(find, groups)
            mask = corrected_mask(opened, lost, sensitivity, strokes)
            before, after = self._run(
                lambda: restore_session(self.restorer, opened, mask, keep_color, stopped), stopped
            )
            target = self._write(opened.download_name, after, stopped)
        seconds = time.monotonic() - started
        share = format_share(float(mask.mean()))
        return (
            status_line(f"{share} of the photograph restored in {seconds:.1f} s."),
            comparison_slider(before, after),
            gr.DownloadButton(value=target),
            gr.Column(visible=True),
        )

    def _run(self, work: Callable[[], Result], stopped: threading.Event) -> Result:
        """The result of work; it stops where it takes too long."""
        try:
            return self.time_limit.run(work)
        except TimeLimitError:
            stopped.set()
            raise

    def _write(self, name: str, restored: Photo, stopped: threading.Event) -> Path:
        """Write the file to download; nothing is left of one that was canceled meanwhile."""
        folder = Path(tempfile.mkdtemp(dir=self.downloads))
        try:
            check_wanted(stopped)
            write_png(folder / name, restored)
            check_wanted(stopped)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return folder / name


def _require(session: MaskSession | None) -> MaskSession:
    """The session that a request names; a stale page names none."""
    if session is None:
        raise UserError("The photograph is no longer here, choose it again.")
    return session


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
    except KeyboardInterrupt:
        raise gr.Error("Canceled.", print_exception=False) from None
    except UserError as error:
        raise gr.Error(escape(str(error)), print_exception=False) from None
    except MemoryError:
        raise gr.Error(
            "This machine has too little memory for a photograph of this size.",
            print_exception=False,
        ) from None
