"""Pictures beside each other on one sheet: strips, grids, contact sheets."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from rechroma.imaging.types import Photo

SIDE, GAP, LINE, FONT = 256, 8, 30, 18  # px
PAPER, INK = (255, 255, 255), (40, 40, 40)
HEADINGS = ("damaged", "restored", "truth")


class StripRow(NamedTuple):
    """One row of a strip.

    Attributes:
        damaged: `(H, W)` uint8 gray.
        restored: `(H, W, 3)` uint8 RGB.
        target: `(H, W, 3)` uint8 RGB.
        caption: a line under the row, or nothing.
    """

    damaged: Photo
    restored: Photo
    target: Photo
    caption: str = ""


def strip(rows: Sequence[StripRow], headings: Sequence[str] = HEADINGS) -> Photo:
    """Photographs beside each other under `headings`, a row each: `(H, W, 3)` uint8 RGB."""
    return grid(
        [(row.damaged, row.restored, row.target) for row in rows],
        headings,
        [row.caption for row in rows],
    )


def grid(
    rows: Sequence[Sequence[Photo]], headings: Sequence[str], captions: Sequence[str]
) -> Photo:
    """Pictures `(H, W)` or `(H, W, 3)` uint8 in columns under `headings`, a caption under a row."""
    pictures = [[_fit(picture) for picture in row] for row in rows]
    heights = [
        max(picture.height for picture in row) + GAP + (LINE if caption else 0)
        for row, caption in zip(pictures, captions, strict=True)
    ]
    width = GAP + len(headings) * (SIDE + GAP)
    sheet = Image.new("RGB", (width, LINE + GAP + sum(heights)), PAPER)
    draw = ImageDraw.Draw(sheet)
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
    """In RGB and SIDE px wide."""
    image = Image.fromarray(picture).convert("RGB")
    height = max(1, round(image.height * SIDE / image.width))
    return image.resize((SIDE, height), Image.Resampling.LANCZOS)


def sheet(pictures: Mapping[str, Photo], columns: int = 5) -> Photo:
    """Pictures `(H, W)` or `(H, W, 3)` uint8, each under its name, in rows: `(H, W, 3)` uint8."""
    fitted = [(name, _fit(picture)) for name, picture in pictures.items()]
    columns = min(columns, len(fitted))
    cell = max(image.height for _, image in fitted) + LINE + GAP
    size = (GAP + columns * (SIDE + GAP), GAP + cell * -(-len(fitted) // columns))
    page = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(page)
    for place, (name, image) in enumerate(fitted):
        row, column = divmod(place, columns)
        left, top = GAP + column * (SIDE + GAP), GAP + row * cell
        draw.text((left, top), name, INK, _font())
        page.paste(image, (left, top + LINE - GAP))
    return np.asarray(page)
