import threading
from types import SimpleNamespace

import numpy as np
import pytest

from rechroma.apps.web import page as page_module
from rechroma.apps.web.page import Page
from rechroma.apps.web.session import MaskSession


class PageError(Exception):
    def __init__(self, message, print_exception):
        super().__init__(message)
        assert not print_exception


@pytest.mark.parametrize("lacks", ["session", "editor"])
def test_a_request_of_a_stale_page_is_one_message(tmp_path, lacks):
    page = Page(SimpleNamespace(Error=PageError), None, [], bundled=False)
    mask = np.zeros((2, 3), bool)
    session = MaskSession(tmp_path / "old.png", mask, mask, in_color=False)
    given = (None, {"layers": []}) if lacks == "session" else (session, None)
    with pytest.raises(PageError, match="no longer here, choose it again"):
        page.restore_photograph(*given, keep_color=False)


def test_a_photograph_that_takes_too_long_is_one_message(tmp_path, monkeypatch):
    monkeypatch.setattr(page_module, "TIME_LIMIT", 0.05)
    end = threading.Event()
    monkeypatch.setattr(page_module, "open_session", lambda _: end.wait())
    page = Page(SimpleNamespace(Error=PageError), None, [], bundled=False)
    with pytest.raises(PageError, match=r"it took longer than 0\.05 s\. Choose a smaller"):
        page.open_photograph(str(tmp_path / "old.png"))
    end.set()
