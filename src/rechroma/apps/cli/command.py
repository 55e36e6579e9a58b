"""What each command of `rechroma` does, a module for commands that belong together."""

import argparse
from collections.abc import Callable
from typing import Protocol


class Add(Protocol):
    """Adds one command to the command line."""

    def __call__(
        self,
        name: str,
        summary: str,
        details: str,
        run: Callable[[argparse.Namespace], int],
    ) -> argparse.ArgumentParser:
        """The command's parser; `run` gives its exit code."""
