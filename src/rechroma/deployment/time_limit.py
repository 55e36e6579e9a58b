"""Work that is given up when it takes too long, so that whoever waits gets an answer."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from rechroma.errors import UserError

Result = TypeVar("Result")


class TimeLimitError(UserError):
    """The error for work that took too long."""


class TimeLimit:
    """A limit for the time that work may take, waiting for its turn included.

    Work that is given up cannot be stopped: it ends in its own thread and its result is dropped.
    Until then it keeps its place among those `at_once`, so that memory stays bounded.

    Args:
        seconds: the limit, s.
        at_once: how much work runs at the same time.

    >>> TimeLimit(9, at_once=1).run(lambda: 2 + 3)
    5
    """

    def __init__(self, seconds: float, at_once: int):
        self.seconds = seconds
        self._places = threading.Semaphore(at_once)

    def run(self, work: Callable[[], Result], seconds: float | None = None) -> Result:
        """The result of `work`, or its error.

        Args:
            work: runs in another thread.
            seconds: what is left of the limit, s; all of it by default.

        Raises:
            TimeLimitError: it took longer. Work that has not begun by then never begins.

        >>> TimeLimit(0.01, at_once=1).run(threading.Event().wait)
        Traceback (most recent call last):
        rechroma.deployment.time_limit.TimeLimitError: took longer than 0.01 s
        """
        given_up = threading.Event()
        outcome: list[Any] = []

        def work_in_turn() -> None:
            with self._places:
                if given_up.is_set():
                    return
                try:
                    outcome.append((work(), None))
                except BaseException as error:
                    outcome.append((None, error))

        thread = threading.Thread(target=work_in_turn, daemon=True)
        thread.start()
        thread.join(max(0.0, self.seconds if seconds is None else seconds))
        if not outcome:
            given_up.set()
            raise TimeLimitError(f"took longer than {self.seconds:g} s")
        result, error = outcome[0]
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]
