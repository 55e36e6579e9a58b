"""Networks that a person can stop: before each run they look whether the work is still wanted.

They stop as Ctrl-C does, with KeyboardInterrupt: nothing takes that for an error of a photograph.
"""

import threading
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rechroma.imaging.types import Luma, Mask, Planes
from rechroma.inference.backend import Backend, NetworkOutput
from rechroma.inference.find_print_damage import FinderBackend
from rechroma.inference.restorer import Restorer
from rechroma.settings import Model


@dataclass(frozen=True)
class StoppableBackend:
    """A backend of a restorer that ends its thread's work once `stopped` is set."""

    backend: Backend
    stopped: threading.Event

    @property
    def engine(self) -> str:
        """As of the backend."""
        return self.backend.engine

    @property
    def device(self) -> str:
        """As of the backend."""
        return self.backend.device

    @property
    def model(self) -> Model:
        """As of the backend."""
        return self.backend.model

    def __call__(self, luma: Luma, mask: Mask) -> NetworkOutput:
        """As of the backend.

        Raises:
            KeyboardInterrupt: the work was stopped.
        """
        check_wanted(self.stopped)
        return self.backend(luma, mask)

    def with_threads(self, threads: int) -> Backend:
        """As of the backend."""
        return replace(self, backend=self.backend.with_threads(threads))


@dataclass(frozen=True)
class StoppableFinder:
    """A network that finds damage, which ends its thread's work once `stopped` is set."""

    finder: FinderBackend
    stopped: threading.Event

    def __call__(self, lumas: NDArray[np.uint8]) -> Planes:
        """As of the network.

        Raises:
            KeyboardInterrupt: the work was stopped.
        """
        check_wanted(self.stopped)
        return self.finder(lumas)


def make_stoppable(restorer: Restorer, stopped: threading.Event) -> Restorer:
    """A restorer that ends its thread's work with KeyboardInterrupt once `stopped` is set."""
    return replace(restorer, backend=StoppableBackend(restorer.backend, stopped))


def check_wanted(stopped: threading.Event) -> None:
    """Go on unless the work was stopped.

    Raises:
        KeyboardInterrupt: it was.

    >>> check_wanted(threading.Event())
    """
    if stopped.is_set():
        raise KeyboardInterrupt
