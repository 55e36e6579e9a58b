"""Errors for users: where, what was expected, what was given, what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """A mistake that the user can correct. Commands print its message and exit with code 2."""


def unknown(where: str, name: str, choices: Iterable[str]) -> UserError:
    """The error for a name that is not one of `choices`; it suggests the nearest one, if any.

    Args:
        where: the setting or argument, at the start of the message.
        name: as given by the user.
        choices: all valid names.

    >>> print(unknown("params.yaml: optim", "adm", ["adam", "sgd"]))
    params.yaml: optim is 'adm', did you mean 'adam'?
    """
    known = sorted(choices)
    nearest = get_close_matches(name, known, n=1)
    if nearest:
        return UserError(f"{where} is '{name}', did you mean '{nearest[0]}'?")
    shown = ", ".join(known) if len(known) <= 30 else f"{', '.join(known[:30])}, …"
    return UserError(f"{where} is '{name}', expected one of: {shown}")
