"""The pairs of a blind comparison, in which order and on which sides, and their key."""

import zlib
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from rechroma.errors import UserError
from rechroma.outputs import write_json

KEY_SUFFIX = ".key.json"
ID_BYTES = 6  # of a pair's id, in hexadecimal digits twice as many


class Pair(NamedTuple):
    """Two pictures of one photograph, as they are shown.

    Attributes:
        id: opaque, unique in the comparison.
        photo: index of the photograph.
        left: index of the side whose picture is on the left.
        right: likewise.
    """

    id: str
    photo: int
    left: int
    right: int


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KeyPair(_Checked):
    """What was shown as one pair."""

    number: int
    """From 1, in the order in which they are shown."""
    id: str
    photo: str
    left: str
    """The name of a model."""
    right: str


class Key(_Checked):
    """The key of a page: which side of which pair is whose."""

    page: str
    """The id of the page."""
    photos: str
    """Their folder."""
    seed: int
    size: int
    """Longer side of the pictures, px, at most."""
    holes: Literal["color", "all", "none"]
    """The photographs that holes were drawn on, of those without a mask."""
    models: dict[str, str]
    """The source of each, by name."""
    pairs: tuple[KeyPair, ...]


def draw_pairs(photos: Sequence[str], names: Sequence[str], seed: int) -> list[Pair]:
    """Every two sides of every photograph as a pair, in random order and on random sides.

    Each side is on the left as often as on the right, but for one pair.

    Args:
        photos: ids of the photographs.
        names: of the sides.
        seed: same arguments, same pairs.

    >>> [pair.photo for pair in draw_pairs(["a", "b", "c"], ["old", "new"], seed=1)]
    [2, 1, 0]
    """
    # Pages of other photographs or models get other pairs, from the same seed.
    content = zlib.crc32("\n".join([*names, "", *photos]).encode("utf-8", "surrogateescape"))
    generator = np.random.default_rng([seed, content])
    drawn: list[tuple[int, int, int]] = []
    for first, second in combinations(range(len(names)), 2):
        swapped = generator.permutation(len(photos)) % 2
        for photo, swap in enumerate(swapped):
            drawn.append((photo, second, first) if swap else (photo, first, second))
    order = generator.permutation(len(drawn))
    return [Pair(generator.bytes(ID_BYTES).hex(), *drawn[index]) for index in order]


def key_pairs(
    pairs: Iterable[Pair], photos: Sequence[str], names: Sequence[str]
) -> tuple[KeyPair, ...]:
    """The pairs with the names of their photographs and sides."""
    return tuple(
        KeyPair(
            number=number,
            id=pair.id,
            photo=photos[pair.photo],
            left=names[pair.left],
            right=names[pair.right],
        )
        for number, pair in enumerate(pairs, start=1)
    )


def write_key(key: Key, path: Path) -> None:
    """Write the key as JSON."""
    write_json(path, key.model_dump())


def read_key(path: Path) -> Key:
    """The key in a file.

    Raises:
        UserError: it is missing, or no key.
    """
    try:
        return Key.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise UserError(
            f"{path}: is missing, expected the key that rechroma compare --blind wrote beside its "
            "page; name it with --key"
        ) from None
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"])) or "JSON"
        raise UserError(
            f"{path}: is no key of a blind comparison ({place}: {error.errors()[0]['msg']})"
        ) from None
