"""`rechroma --print-completion`: a script with which a shell completes commands and options."""

import argparse
from collections.abc import Sequence
from typing import Any

SHELLS = ("bash", "zsh", "tcsh")


def add_completion_option(parser: argparse.ArgumentParser) -> None:
    """Add `--print-completion`, which prints a script for a shell and exits."""
    parser.add_argument(
        "--print-completion",
        action=_PrintCompletion,
        choices=SHELLS,
        default=argparse.SUPPRESS,
        help="print a script with which the shell completes commands, options and files",
    )


class _PrintCompletion(argparse.Action):
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002, argparse's signature
        values: str | Sequence[Any] | None,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        import shtab

        _complete_files(parser)
        print(shtab.complete(parser, shell=str(values)))
        parser.exit(0)


def _complete_files(parser: argparse.ArgumentParser) -> None:
    """Complete the names of files for arguments that are paths, in all commands."""
    import shtab

    for action in parser._actions:  # as shtab itself reads a parser
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _complete_files(command)
        elif action.choices is None and action.nargs != 0 and _is_path(action):
            action.complete = shtab.FILE  # type: ignore[attr-defined]


def _is_path(action: argparse.Action) -> bool:
    metavar = action.metavar or ""
    return getattr(action.type, "__name__", "") == "Path" or metavar in ("MODEL", "FILE", "DIR")
