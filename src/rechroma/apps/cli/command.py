"""How a module of commands adds them to the command line."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rechroma.settings import Aim

AIMS = ("eye", "score")  # as of `settings.Aim`, which imports much


class AddCommand(Protocol):
    """Adds one command to the command line."""

    def __call__(
        self,
        name: str,
        summary: str,
        details: str,
        run: Callable[[argparse.Namespace], int],
    ) -> argparse.ArgumentParser:
        """Add the command `name` and return its parser, to which its arguments are added.

        Args:
            name: of the command.
            summary: one line in the list of commands.
            details: the text of its own help.
            run: called with the parsed arguments; returns the exit code.
        """


def add_aim_option(command: argparse.ArgumentParser, default: "Aim | None" = "eye") -> None:
    """Add `--aim`, which says what photographs are restored for; None stands for both."""
    command.add_argument(
        "--aim",
        choices=AIMS,
        default=default,
        help="restore for the eye, as people prefer, or for the competition's official score; "
        f"default: {default or 'both'}",
    )


def add_backend_options(command: argparse.ArgumentParser) -> None:
    """Add `--backend` and `--device`, which say what runs the network and where."""
    command.add_argument(
        "--backend",
        choices=("auto", "onnx", "torch"),
        default="auto",
        help="what runs the network; default: auto, ONNX if the model has it",
    )
    command.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda", "mps", "coreml", "directml"),
        default="auto",
        help="where; the CPU if it is not available here",
    )
