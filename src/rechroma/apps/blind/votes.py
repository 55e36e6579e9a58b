"""Votes of people, from the JSON that the page gives, or from a small CSV or JSON by hand."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rechroma.apps.blind.pairs import Key
from rechroma.errors import UserError

Choice = Literal["left", "right", "none"]
CHOICES: dict[str, Choice] = {
    **dict.fromkeys(("left", "l"), "left"),
    **dict.fromkeys(("right", "r"), "right"),
    **dict.fromkeys(("none", "n", "tie", "="), "none"),
}
"""What a vote may be, by how it may be written."""
HEADINGS = ("pair", "number")  # of the first column of a CSV


class Votes(NamedTuple):
    """The votes of one person.

    Attributes:
        voter: the name in the file, or else the name of the file.
        file: that they were read from.
        choices: by the number of the pair in the key; pairs without a vote are missing.
    """

    voter: str
    file: Path
    choices: dict[int, Choice]


class _Entry(NamedTuple):
    """One vote as it stands in a file."""

    where: str
    pair: str
    vote: str


def read_all_votes(files: Sequence[Path], key: Key) -> list[Votes]:
    """The votes in several files, one of each person.

    Raises:
        UserError: two are of one person, or as `read_votes`.
    """
    votes: dict[str, Votes] = {}
    for file in files:
        read = read_votes(file, key)
        earlier = votes.setdefault(read.voter, read)
        if earlier is not read:
            raise UserError(
                f"{file}: is of '{read.voter}', as {earlier.file} is; expected one file of each "
                "person, leave one out or change its name of the voter"
            )
    return list(votes.values())


def read_votes(file: Path, key: Key) -> Votes:
    """The votes in a file.

    - JSON of the page: `{"page": …, "voter": …, "votes": {ID: "left", …}}`.
    - JSON by hand: `{"1": "left", "2": "none"}`, by the numbers of the pairs.
    - CSV: lines `1,left`; before them perhaps `page,…` and a heading.

    Args:
        file: with the suffix .json or .csv, in any case.
        key: of the page.

    Raises:
        UserError: the file is missing or in another form, is of another page, names a pair that
            the page does not have or has twice, or holds no vote.
    """
    suffix = file.suffix.lower()
    if suffix not in (".json", ".csv"):
        raise UserError(f"{file}: expected votes in a file with the suffix .json or .csv")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{file}: is missing, expected votes") from None
    except UnicodeDecodeError:
        raise UserError(f"{file}: is no text in UTF-8, save it as such") from None
    read = _read_json if suffix == ".json" else _read_csv
    page, voter, entries = read(file, text)
    if page is not None and page != key.page:
        raise UserError(
            f"{file}: is of the page {page}, expected {key.page}, that of the key; "
            "name the other key with --key"
        )
    choices = _choices(entries, key)
    if not choices:
        raise UserError(f"{file}: holds no vote, expected at least one")
    return Votes(voter or file.stem, file, choices)


def _choices(entries: Iterable[_Entry], key: Key) -> dict[int, Choice]:
    """Checked votes by the number of their pair; empty ones are left out."""
    numbers = {pair.id: pair.number for pair in key.pairs}
    numbers |= {str(pair.number): pair.number for pair in key.pairs}
    choices: dict[int, Choice] = {}
    for where, pair, vote in entries:
        if pair not in numbers:
            raise UserError(
                f"{where}: has the pair '{pair}', which the page {key.page} does not have; "
                f"expected 1 to {len(key.pairs)}, or an id of the key"
            )
        if not vote:
            continue
        choice = CHOICES.get(vote.casefold())
        if choice is None:
            raise UserError(f"{where}: is '{vote}', expected left, right or none")
        number = numbers[pair]
        if number in choices:
            raise UserError(f"{where}: has the pair '{pair}' again, expected each pair once")
        choices[number] = choice
    return choices


def _read_json(file: Path, text: str) -> tuple[str | None, str, list[_Entry]]:
    """Page, voter and votes of a JSON file."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        tree = dict(pairs)
        if len(tree) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in tree if names.count(name) > 1)
            raise UserError(f"{file}: has '{twice}' twice, expected each pair once")
        return tree

    expected = 'expected the result of the page, or {"1": "left", …}'
    try:
        tree = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise UserError(f"{file}: is no JSON ({error}), {expected}") from None
    if not isinstance(tree, dict):
        raise UserError(f"{file}: holds no votes, {expected}")
    page, voter, votes = tree.get("page"), tree.get("voter", ""), tree.get("votes")
    if votes is None:  # by hand
        page, voter, votes = None, "", tree
    if not isinstance(votes, dict) or not isinstance(voter, str):
        raise UserError(f"{file}: holds no votes, {expected}")
    entries = [_Entry(f"{file} pair {pair}", pair, str(vote)) for pair, vote in votes.items()]
    return page, voter.strip(), entries


def _read_csv(file: Path, text: str) -> tuple[str | None, str, list[_Entry]]:
    """Page and votes of a CSV; the voter is not in it."""
    page: str | None = None
    entries = []
    for number, cells in _rows(text):
        name, value = cells[0], cells[1] if len(cells) > 1 else ""
        if name.casefold() == "page":
            page = value
        elif name.casefold() not in HEADINGS:
            if len(cells) != 2:
                raise UserError(f"{file} line {number}: expected a number and a vote, as 1,left")
            entries.append(_Entry(f"{file} line {number}", name, value))
    return page, "", entries


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines with anything in them, and their cells; commas or semicolons are between these."""
    lines = text.splitlines()
    delimiter = ";" if any(";" in line for line in lines) else ","
    for number, cells in enumerate(csv.reader(lines, delimiter=delimiter), start=1):
        stripped = [cell.strip() for cell in cells]
        while stripped and not stripped[-1] and len(stripped) > 2:
            stripped.pop()
        if any(stripped):
            yield number, stripped
