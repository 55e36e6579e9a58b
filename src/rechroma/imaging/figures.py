"""Pictures about photographs and trainings: strips of restored ones, and learning curves."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from rechroma.training.divergence import spells

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Photo = NDArray[np.uint8]

SIDE, GAP, LINE, FONT = 256, 8, 30, 18  # px
PAPER, INK = (255, 255, 255), (40, 40, 40)
NOTE: dict[str, Any] = {"fontsize": 8, "color": "red", "rotation": 90, "va": "top"}
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
    from matplotlib.ticker import MaxNLocator

    pyplot = _pyplot()
    epochs = range(1, len(history) + 1)
    names = sorted({name for record in history for name in record})
    panels = {
        "loss": [name for name in names if name.startswith("train/") and name != "train/loss_peak"],
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
    found = spells(history)
    for spell in found:
        until = len(history) if spell.recovered is None else spell.recovered
        axes[0].axvspan(spell.began, until, color="red", alpha=0.12)
        axes[0].annotate(str(spell), (spell.began, 1), xycoords=("data", "axes fraction"), **NOTE)
    if found:
        axes[0].set_xlabel("epoch (red: out of its way)")
    _save(figure, path)


def _pyplot() -> ModuleType:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _save(figure: "Figure", path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, metadata={"Software": None})
    _pyplot().close(figure)


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


class Curve(NamedTuple):
    """One training in a plot of several.

    Attributes:
        arm: what it is compared as; trainings of one arm share a color.
        loss: by epoch.
        score: of the validation photographs, by epoch.
        spells: epochs at which it left its way and at which it had recovered, None for never.
    """

    arm: str
    loss: Sequence[float]
    score: Sequence[float]
    spells: Sequence[tuple[int, int | None]] = ()


def learning_curves(curves: Sequence[Curve], title: str, path: Path) -> None:
    """Plot losses and validation scores of several trainings by epoch into the PNG file `path`.

    A cross marks where a training left its way, a ring where it had recovered.
    """
    from matplotlib.ticker import MaxNLocator

    pyplot = _pyplot()
    arms = list(dict.fromkeys(curve.arm for curve in curves))
    colors = pyplot.colormaps["tab20" if len(arms) > 10 else "tab10"]
    figure, axes = pyplot.subplots(1, 2, figsize=(15, 5.5), layout="constrained")
    named = set()
    for curve in curves:
        epochs = range(1, len(curve.score) + 1)
        color = colors(arms.index(curve.arm) % colors.N)
        label = None if curve.arm in named else curve.arm
        named.add(curve.arm)
        for axis, values in zip(axes, (curve.score, curve.loss), strict=True):
            axis.plot(epochs, values, color=color, marker=".", linewidth=1.6, label=label)
        for began, recovered in curve.spells:
            axes[1].plot(began, curve.loss[began - 1], "x", color=color, markersize=11)
            if recovered is not None:
                axes[1].plot(
                    recovered,
                    curve.loss[recovered - 1],
                    *("o",),
                    color=color,
                    markersize=11,
                    fillstyle="none",
                )
    axes[0].set(title=f"{title}: validation score", xlabel="epoch")
    axes[1].set(title="training loss (each arm its own)", xlabel="epoch", yscale="log")
    if any(curve.spells for curve in curves):
        axes[1].set_xlabel("epoch (cross: left its way, ring: recovered)")
    for axis in axes:
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", frameon=False)
    _save(figure, path)
