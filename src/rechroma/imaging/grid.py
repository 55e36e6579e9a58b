"""Several pictures on one: strips, grids, contact sheets."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from rechroma.imaging.types import Luma, Photo

SIDE, GAP, LINE, FONT = 256, 8, 30, 18  # px: width of a picture, spacing, line and font height
PAPER, INK = (255, 255, 255), (40, 40, 40)  # RGB
HEADINGS = ("damaged", "restored", "truth")


class StripRow(NamedTuple):
    """One row of a strip.

    Attributes:
        damaged: `(H, W)` uint8 gray.
        restored: `(H, W, 3)` uint8 RGB.
        target: `(H, W, 3)` uint8 RGB.
        caption: a line under the row, or nothing.
    """

    damaged: Luma
    restored: Photo
    target: Photo
    caption: str = ""


def strip(rows: Sequence[StripRow], headings: Sequence[str] = HEADINGS) -> Photo:
    """One picture with a row of photographs for each of `rows`: `(H, W, 3)` uint8 RGB.

    Args:
        rows: the photographs of each row and its caption.
        headings: over the columns.

    >>> photo = np.zeros((8, 8, 3), np.uint8)
    >>> strip([StripRow(photo[..., 0], photo, photo)]).shape
    (302, 800, 3)
    """
    return grid(
        [(row.damaged, row.restored, row.target) for row in rows],
        headings,
        [row.caption for row in rows],
    )


def grid(
    rows: Sequence[Sequence[Photo]], headings: Sequence[str], captions: Sequence[str]
) -> Photo:
    """One picture with a table of pictures: `(H, W, 3)` uint8 RGB.

    Args:
        rows: of pictures, `(h, w)` or `(h, w, 3)` uint8 each, one for each column.
        headings: over the columns.
        captions: under the rows, one for each; an empty one takes no space.

    Raises:
        ValueError: the numbers of rows and captions differ.

    >>> grid([[np.zeros((8, 8), np.uint8)]], ["black"], ["8 x 8 px"]).shape
    (332, 272, 3)
    """
    pictures = [[_fit(picture) for picture in row] for row in rows]
    # Lay out: a row is as high as its highest picture, with a line for the caption.
    heights = [
        max(picture.height for picture in row) + GAP + (LINE if caption else 0)
        for row, caption in zip(pictures, captions, strict=True)
    ]
    width = GAP + len(headings) * (SIDE + GAP)
    sheet = Image.new("RGB", (width, LINE + GAP + sum(heights)), PAPER)
    draw = ImageDraw.Draw(sheet)
    # Headings on top, then the rows.
    for column, heading in enumerate(headings):
        draw.text((GAP + column * (SIDE + GAP), GAP), heading, INK, _font())
    top = LINE + GAP
    for row, caption, height in zip(pictures, captions, heights, strict=True):
        for column, picture in enumerate(row):
            sheet.paste(picture, (GAP + column * (SIDE + GAP), top))
        if caption:
            draw.text((GAP, top + height - LINE - GAP + 4), caption, INK, _font())
        top += height
    return np.asarray(sheet)


@lru_cache(maxsize=1)
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(FONT)


def _fit(picture: Photo) -> Image.Image:
    """The picture in RGB and SIDE px wide."""
    image = Image.fromarray(picture).convert("RGB")
    height = max(1, round(image.height * SIDE / image.width))
    return image.resize((SIDE, height), Image.Resampling.LANCZOS)


def sheet(pictures: Mapping[str, Photo], columns: int = 5) -> Photo:
    """A contact sheet of named pictures, `columns` in a row: `(H, W, 3)` uint8 RGB.

    Args:
        pictures: `(h, w)` or `(h, w, 3)` uint8 each, by the name over it.
        columns: at most.

    >>> sheet({"black": np.zeros((8, 8), np.uint8), "white": np.full((8, 8), 255, np.uint8)}).shape
    (302, 536, 3)
    """
    fitted = [(name, _fit(picture)) for name, picture in pictures.items()]
    columns = min(columns, len(fitted))
    cell = max(image.height for _, image in fitted) + LINE + GAP
    size = (GAP + columns * (SIDE + GAP), GAP + cell * -(-len(fitted) // columns))
    page = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(page)
    for number, (name, image) in enumerate(fitted):
        row, column = divmod(number, columns)
        left, top = GAP + column * (SIDE + GAP), GAP + row * cell
        draw.text((left, top), name, INK, _font())
        page.paste(image, (left, top + LINE - GAP))
    return np.asarray(page)
