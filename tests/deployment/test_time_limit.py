import threading

import pytest

from rechroma.deployment.time_limit import TimeLimit
from rechroma.errors import UserError


def test_errors_of_the_work_are_raised():
    with pytest.raises(KeyError, match="gone"):
        TimeLimit(9, at_once=1).run(lambda: {}["gone"])


def test_work_that_waits_too_long_for_its_turn_never_begins():
    limit = TimeLimit(0.05, at_once=1)
    end, begun = threading.Event(), threading.Event()
    with pytest.raises(UserError, match="took longer"):
        limit.run(end.wait)
    with pytest.raises(UserError, match="took longer"):
        limit.run(begun.set)
    end.set()
    assert TimeLimit.run(limit, lambda: 7, seconds=9) == 7
    assert not begun.is_set()
