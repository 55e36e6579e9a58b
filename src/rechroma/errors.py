"""Errors made for the person who reads them: where, what was expected, what came, what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """A mistake the user can mend. Commands print its message alone and end with exit code 2."""


def unknown(where: str, name: str, choices: Iterable[str]) -> UserError:
    """The error for a `name` that is not one of `choices`, with the nearest one if there is any."""
    known = sorted(choices)
    nearest = get_close_matches(name, known, n=1)
    if nearest:
        return UserError(f"{where} is '{name}', did you mean '{nearest[0]}'?")
    shown = ", ".join(known) if len(known) <= 30 else f"{', '.join(known[:30])}, …"
    return UserError(f"{where} is '{name}', expected one of: {shown}")
