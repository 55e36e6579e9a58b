"""Pictures about photographs and trainings: strips of restored ones, and learning curves."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Photo = NDArray[np.uint8]

SIDE, GAP, LINE, FONT = 256, 8, 30, 18  # px
PAPER, INK = (255, 255, 255), (40, 40, 40)
HEADINGS = ("damaged", "restored", "truth")


class Restored(NamedTuple):
    """One row of a strip.

    Attributes:
        damaged: `(H, W)` uint8 gray.
        restored: `(H, W, 3)` uint8 RGB.
        truth: `(H, W, 3)` uint8 RGB.
        caption: a line under the row, or nothing.
    """

    damaged: Photo
    restored: Photo
    truth: Photo
    caption: str = ""


def strip(rows: Sequence[Restored], headings: Sequence[str] = HEADINGS) -> Photo:
    """Photographs beside each other under `headings`, a row each: `(H, W, 3)` uint8 RGB."""
    return grid(
        [(row.damaged, row.restored, row.truth) for row in rows],
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


def curves(history: Sequence[Mapping[str, float]], path: Path) -> None:
    """Plot a training's losses, scores and learning rate by epoch into the PNG file `path`."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import MaxNLocator

    epochs = range(1, len(history) + 1)
    names = sorted({name for record in history for name in record})
    panels = {
        "loss": [name for name in names if name.startswith("train/")],
        "validation score": [name for name in names if name.startswith("validation/")],
        "learning rate": ["lr"],
    }
    figure, axes = pyplot.subplots(1, len(panels), figsize=(15, 4.2), layout="constrained")
    for axis, (title, shown) in zip(axes, panels.items(), strict=True):
        for name in shown:
            values = [record.get(name, float("nan")) for record in history]
            label = name.rpartition("/")[2]
            bold = label in ("loss", "score", "lr")
            axis.plot(epochs, values, label=label, linewidth=2.4 if bold else 1.2, marker=".")
        axis.set(title=title, xlabel="epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
        if len(shown) > 1:
            axis.legend(frameon=False)
    skipped = [
        epoch for epoch, record in zip(epochs, history, strict=True) if record["skipped_steps"]
    ]
    for epoch in skipped:
        axes[0].axvline(epoch, color="red", alpha=0.4, linestyle=":")
    if skipped:
        axes[0].set_xlabel("epoch (red: steps skipped, loss not finite)")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, metadata={"Software": None})
    pyplot.close(figure)
