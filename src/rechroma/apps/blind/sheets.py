"""Numbered pairs on PNGs, for people who vote without a browser."""

import base64
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from rechroma.apps.blind.page import Deck
from rechroma.imaging.io import write_png
from rechroma.imaging.types import Photo
from rechroma.outputs import whole_folder

WIDTH, GAP, LINE, FONT = 760, 12, 40, 24  # px: of a picture, spacing, height of a line and its font
SHEET_HEIGHT = 1200  # px, at most, unless one pair alone is higher
PAPER, INK = (38, 38, 38), (242, 242, 242)  # RGB, as on the page
VOTES = "votes.csv"


def write_sheets(deck: Deck, folder: Path) -> list[Path]:
    """Write the pairs as sheets, and the file votes.csv to be filled in: the paths of all.

    The folder appears complete or not at all.
    """
    names = [VOTES]
    with whole_folder(folder) as part:
        lines = [f"page,{deck.page_id()}", "pair,vote"]
        lines += [f"{number}," for number in range(1, len(deck.pairs) + 1)]
        (part / VOTES).write_text("\n".join(lines) + "\n", encoding="utf-8")
        for first, last, sheet in _make_sheets(deck):
            digits = len(str(len(deck.pairs)))
            numbers = [f"{number:0{digits}}" for number in sorted({first, last})]
            names.append(f"pairs-{'-'.join(numbers)}.png")
            write_png(part / names[-1], sheet)
    return [folder / name for name in names]


def _make_sheets(deck: Deck) -> Iterator[tuple[int, int, Photo]]:
    """The first and the last number on each sheet, and the sheet, `(H, W, 3)` uint8 RGB."""
    place = max(_decode(deck.shown(pair)[0]).width for pair in deck.pairs)  # px, of each side
    rows: list[Image.Image] = []
    first = 1
    for number, pair in enumerate(deck.pairs, start=1):
        row = _draw_row(number, [_decode(uri) for uri in deck.shown(pair)], min(place, WIDTH))
        if rows and sum(each.height for each in rows) + row.height > SHEET_HEIGHT:
            yield first, number - 1, _stack(rows)
            rows, first = [], number
        rows.append(row)
    if rows:
        yield first, len(deck.pairs), _stack(rows)


def _draw_row(number: int, pictures: Sequence[Image.Image], place: int) -> Image.Image:
    """A pair under a line with its number, each picture in a place so many px wide."""
    left, right = pictures
    # Pictures keep their size, if they are not larger than their place.
    if left.width > place:
        shape = (place, max(1, round(left.height * place / left.width)))
        left, right = (each.resize(shape, Image.Resampling.LANCZOS) for each in pictures)
    row = Image.new("RGB", (3 * GAP + 2 * place, LINE + left.height + 2 * GAP), PAPER)
    draw = ImageDraw.Draw(row)
    font = ImageFont.load_default(FONT)
    # Narrow ones meet in the middle.
    starts = (GAP + place - left.width, 2 * GAP + place)
    for start, picture, side in zip(starts, (left, right), ("left", "right"), strict=True):
        draw.text((start, 6), f"{number} {side}", INK, font)
        row.paste(picture, (start, LINE))
    return row


def _stack(rows: Sequence[Image.Image]) -> Photo:
    return np.vstack([np.asarray(row) for row in rows])


def _decode(uri: str) -> Image.Image:
    """The picture in a `data:` URI."""
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
