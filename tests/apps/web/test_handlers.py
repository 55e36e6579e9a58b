import threading
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rechroma.apps.web import handlers as handlers_module
from rechroma.apps.web.handlers import Handlers
from rechroma.apps.web.session import open_session


class PageError(Exception):
    def __init__(self, message, print_exception):
        super().__init__(message)
        assert not print_exception


def component(**properties):
    return SimpleNamespace(**properties)


GRADIO = SimpleNamespace(
    Error=PageError,
    Info=str,
    **dict.fromkeys(
        ("Button", "Checkbox", "CheckboxGroup", "Column", "DownloadButton", "Slider"), component
    ),
)
WEIGHTS = ("flat", 0.5, ["flat"])


@dataclass
class Slow:
    """Stands for a Restorer that runs its network again and again until it is stopped."""

    backend: Any
    begun: threading.Event

    def __call__(self, damaged, mask):
        self.begun.set()
        while True:
            self.backend(damaged, mask)


@pytest.fixture
def old(tmp_path, damaged):
    Image.fromarray(damaged).save(tmp_path / "old.png")
    return tmp_path / "old.png"


@pytest.fixture
def downloads(tmp_path):
    (tmp_path / "downloads").mkdir()
    return tmp_path / "downloads"


def no_strokes(session):
    return f'{{"photo": "{session.name}"}}'


@pytest.mark.parametrize("lacks", ["session", "corrections"])
def test_a_request_of_a_stale_page_is_one_message(old, downloads, lacks):
    handlers = Handlers(GRADIO, None, downloads)
    session = open_session(old)
    given = (None, no_strokes(session)) if lacks == "session" else (session, None)
    with pytest.raises(PageError, match=r"photograph (is no longer here, choose it )?again"):
        handlers.restore_photograph(*given, *WEIGHTS, keep_color=False)


def test_a_photograph_that_takes_too_long_is_one_message(old, downloads, monkeypatch):
    monkeypatch.setattr(handlers_module, "TIME_LIMIT", 0.05)
    end = threading.Event()
    monkeypatch.setattr(handlers_module, "open_session", lambda *_: end.wait())
    handlers = Handlers(GRADIO, None, downloads)
    with pytest.raises(PageError, match=r"it took longer than 0\.05 s\. Choose a smaller"):
        handlers.open_photograph(str(old), *WEIGHTS)
    end.set()


def test_canceling_stops_the_network_and_leaves_no_file(old, downloads, echo):
    begun = threading.Event()
    handlers = Handlers(GRADIO, Slow(lambda *_: None, begun), downloads)
    session = open_session(old)
    errors = []

    def restore():
        with pytest.raises(PageError) as error:
            handlers.restore_photograph(session, no_strokes(session), *WEIGHTS, keep_color=False)
        errors.append(str(error.value))

    restore_button, cancel_button = handlers.begin_restoring(session)
    assert (restore_button.visible, cancel_button.visible) == (False, True)
    working = threading.Thread(target=restore)
    working.start()
    assert begun.wait(timeout=20)
    restore_button, cancel_button, *_ = handlers.cancel(session, "flat")
    assert (restore_button.visible, cancel_button.visible) == (True, False)
    working.join(timeout=20)
    assert errors == ["Canceled."]
    assert not list(downloads.iterdir())

    # The page is usable again, with the same photograph.
    handlers.restorer = echo()
    handlers.begin_restoring(session)
    *_, download, column = handlers.restore_photograph(
        session, no_strokes(session), *WEIGHTS, keep_color=False
    )
    assert column.visible
    assert download.value.is_file()


def test_canceling_while_the_file_is_written_leaves_no_file(old, downloads, echo, monkeypatch):
    session = open_session(old)
    write_png = handlers_module.write_png

    def write(*arguments):
        write_png(*arguments)
        session.switch.stopped.set()

    monkeypatch.setattr(handlers_module, "write_png", write)
    handlers = Handlers(GRADIO, echo(), downloads)
    with pytest.raises(PageError, match="Canceled"):
        handlers.restore_photograph(session, no_strokes(session), *WEIGHTS, keep_color=False)
    assert not list(downloads.iterdir())


def test_work_that_was_canceled_stays_so_while_other_work_begins(old, downloads):
    session = open_session(old)
    handlers = Handlers(GRADIO, None, downloads)
    first = session.switch.stopped
    handlers.cancel(session, "flat")
    handlers.begin_restoring(session)
    assert first.is_set()
    assert not session.switch.stopped.is_set()


@pytest.mark.parametrize(("looked", "find"), [(False, "flat"), (True, "lines")])
def test_what_was_not_found_is_not_looked_for_after_canceling(old, downloads, looked, find):
    session = replace(open_session(old), looked=looked)
    handlers = Handlers(GRADIO, None, downloads)
    _, _, shown, slider, groups = handlers.cancel(session, "lines")
    assert shown == find
    assert slider.visible == groups.visible == looked


def test_work_that_takes_too_long_is_stopped(old, downloads, monkeypatch):
    monkeypatch.setattr(handlers_module, "TIME_LIMIT", 0.05)
    session = open_session(old)
    handlers = Handlers(GRADIO, Slow(lambda *_: None, threading.Event()), downloads)
    with pytest.raises(PageError, match="took longer"):
        handlers.restore_photograph(session, no_strokes(session), *WEIGHTS, keep_color=False)
    assert session.switch.stopped.is_set()


def test_the_slider_changes_the_sentence_alone(old, downloads):
    session = open_session(old)
    handlers = Handlers(GRADIO, None, downloads)
    share = np.round(100 * (session.found.groups > 0).mean(), 1)
    assert f"flat areas</span> {share}%" in handlers.describe(session, *WEIGHTS)
    assert "Not filled" in handlers.describe(session, "lines", 0.5, [])
    assert handlers.describe(None, *WEIGHTS) == ""
