"""Plots of one training: losses, scores and learning rate by epoch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from rechroma.training.divergence import find_divergence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOTE: dict[str, Any] = {"fontsize": 8, "color": "red", "rotation": 90, "va": "top"}


def plot_curves(history: Sequence[Mapping[str, float]], path: Path) -> None:
    """Plot a training's losses, scores and learning rate by epoch into the PNG file `path`.

    Divergent intervals are shaded red in the plot of the loss.

    Args:
        history: a record for each epoch, as in `TrainingProgress.history`.
        path: of the file; its folder is made.
    """
    from matplotlib.ticker import MaxNLocator

    pyplot = load_pyplot()
    # Which columns of the records each panel shows.
    epochs = range(1, len(history) + 1)
    names = sorted({name for record in history for name in record})
    panels = {
        "loss": [name for name in names if name.startswith("train/") and name != "train/loss_peak"],
        "validation score": [name for name in names if name.startswith("validation/")],
        "learning rate": ["lr"],
    }
    # A line for each of them; epochs without the number leave a gap.
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
    # Divergence, with its reason written into it.
    intervals = find_divergence(history)
    for interval in intervals:
        end = len(history) if interval.recovered is None else interval.recovered
        axes[0].axvspan(interval.began, end, color="red", alpha=0.12)
        axes[0].annotate(
            str(interval), (interval.began, 1), xycoords=("data", "axes fraction"), **NOTE
        )
    if intervals:
        axes[0].set_xlabel("epoch (red: diverged)")
    save_figure(figure, path)


def load_pyplot() -> ModuleType:
    """Matplotlib's pyplot, which draws into files and opens no windows."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def save_figure(figure: "Figure", path: Path) -> None:
    """Write a figure as a PNG file and close it; equal figures give equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, metadata={"Software": None})
    load_pyplot().close(figure)
