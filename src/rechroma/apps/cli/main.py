"""The command `rechroma`: restore photographs, score restorations, compare trainings."""

import argparse
import errno
import logging
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn

from rechroma.apps.cli import (
    compare,
    evaluate,
    export,
    find_mask,
    models,
    restore,
    ship,
    study,
    train_finder,
    web,
)
from rechroma.apps.cli.completion import add_completion_option
from rechroma.errors import UserError
from rechroma.extras import missing_package

INTRODUCTION = """\
Gives damaged gray photographs their color and their missing part back.

  rechroma restore old.jpg --out restored       a photograph, or a folder of them
  rechroma models                               the models that --model can name
  rechroma find-mask old.jpg --out masks        where it is damaged: white where lost
  rechroma web                                  the same in the browser, damage corrected by hand
  rechroma score --target T --restored R --masks M
                                                the competition's official score, as JSON
  rechroma evaluate photos --model A --model B  damage photographs, restore and score them
  rechroma study optimizers                     run a comparison of studies.yaml
  rechroma compare optimizers                   its table, plots and pictures
  rechroma compare --blind A B --photos photos  a page for people to vote on, without names
  rechroma export --onnx restorer.onnx          the network for use without torch
"""
COMMANDS = (
    *(restore, models, find_mask, web, evaluate),
    *(study, compare, train_finder, ship, export),
)
# Errors of the file system that name no file: a full disk, a closed pipe.
NAMELESS = (errno.ENOSPC, errno.EDQUOT, errno.EPIPE)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exits with 0, 1 (something failed) or 2 (a user error).

    Other exceptions are errors of the program and keep their traceback.
    """
    chosen = _parser().parse_args(arguments)
    debug = getattr(chosen, "debug", False)
    _configure_logging(2 if debug else getattr(chosen, "verbose", 0))
    try:
        sys.exit(chosen.command(chosen))
    except UserError as error:
        _exit(str(error), debug)
    except ModuleNotFoundError as error:
        missing = missing_package(error)
        if missing is None:
            raise
        _exit(str(missing), debug)
    except OSError as error:
        if error.filename is None and error.errno not in NAMELESS:
            raise
        _exit(f"{error.filename or 'a file'}: {error.strerror or error}", debug)
    except KeyboardInterrupt:
        sys.stderr.write("rechroma: stopped; all files that were written are complete\n")
        sys.exit(130)


class _Parser(argparse.ArgumentParser):
    """Prints a wrong argument in one line, with the command that prints the help."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = _Parser(prog="rechroma", description=INTRODUCTION, formatter_class=formatter)
    _add_global_options(parser)
    add_completion_option(parser)
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)

    def add_command(
        name: str, summary: str, details: str, run: Callable[[argparse.Namespace], int]
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name, help=summary, description=details, formatter_class=formatter
        )
        command.set_defaults(command=run)
        _add_global_options(command)
        return command

    for module in COMMANDS:
        module.add_to(add_command)
    return parser


def _add_global_options(parser: argparse.ArgumentParser) -> None:
    """Options that go before or after the command.

    They have no default: that of the command would replace the value given before it.
    """
    group = parser.add_argument_group("diagnosis")
    group.add_argument(
        "-v",
        "--verbose",
        action="count",
        default=argparse.SUPPRESS,
        help="log decisions and retries; -vv: details, too",
    )
    group.add_argument(
        "--debug",
        action="store_true",
        default=argparse.SUPPRESS,
        help="show the traceback of every error; implies -vv",
    )


def _configure_logging(verbosity: int) -> None:
    """Log rechroma's own messages to standard error: from warnings (0) to details (2)."""
    if verbosity:
        logging.basicConfig(
            stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
        )
    level = {0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG)
    logging.getLogger("rechroma").setLevel(level)


def _exit(message: str, debug: bool) -> NoReturn:
    """Print the message of a user error, with `debug` the traceback before it, and exit with 2."""
    if debug:
        traceback.print_exc()
    sys.stderr.write(f"rechroma: {message}\n")
    sys.exit(2)


if __name__ == "__main__":
    main()
