"""The command `rechroma`: restore photographs, judge restorations, compare trainings."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from rechroma.apps.cli import evaluate as judge
from rechroma.apps.cli import export, restore, ship, study, web
from rechroma.errors import UserError
from rechroma.extras import missing_package

INTRODUCTION = """\
Gives damaged gray photographs their color and their missing part back.

  rechroma restore old.jpg --out restored       a photograph, or a folder of them
  rechroma models                               what --model can name
  rechroma find-mask old.jpg --out masks        where it is damaged: white where lost
  rechroma web                                  the same in the browser, damage corrected by hand
  rechroma score --target T --restored R --masks M
                                                the competition's official score, as JSON
  rechroma evaluate photos --model A --model B  damage photographs, restore and score them
  rechroma study optimizers                     run a comparison of studies.yaml
  rechroma compare optimizers                   its table, plots and pictures
  rechroma export --onnx restorer.onnx          the network for use without torch
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exits with 0, 1 (something failed) or 2 (a user's mistake)."""
    chosen = _parser().parse_args(arguments)
    try:
        sys.exit(chosen.command(chosen))
    except UserError as error:
        sys.stderr.write(f"rechroma: {error}\n")
        sys.exit(2)
    except ModuleNotFoundError as error:
        missing = missing_package(error)
        if missing is None:
            raise
        sys.stderr.write(f"rechroma: {missing}\n")
        sys.exit(2)
    except OSError as error:
        sys.stderr.write(f"rechroma: {error.filename or 'a file'}: {error.strerror or error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("rechroma: stopped; what is written is whole\n")
        sys.exit(130)


class _Parser(argparse.ArgumentParser):
    """Tells a mistake in one line, and where help is."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    kept = argparse.RawDescriptionHelpFormatter
    parser = _Parser(prog="rechroma", description=INTRODUCTION, formatter_class=kept)
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)

    def add(
        name: str, summary: str, details: str, run: Callable[[argparse.Namespace], int]
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary, description=details, formatter_class=kept)
        command.set_defaults(command=run)
        return command

    for module in (restore, web, judge, study, ship, export):
        module.add_to(add)
    return parser


if __name__ == "__main__":
    main()
