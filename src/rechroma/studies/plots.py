"""Plots of several trainings: learning curves by arm."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rechroma.training.plots import load_pyplot, save_figure


class LearningCurve(NamedTuple):
    """One training in a plot of several.

    Attributes:
        arm: its name in the comparison; trainings of one arm share a color.
        loss: by epoch.
        score: of the validation photographs, by epoch.
        divergence: divergent intervals: the first epoch, counted from 1, and the first epoch after
            it that recovered, or None.
    """

    arm: str
    loss: Sequence[float]
    score: Sequence[float]
    divergence: Sequence[tuple[int, int | None]] = ()


def plot_learning_curves(curves: Sequence[LearningCurve], title: str, path: Path) -> None:
    """Plot losses and validation scores of several trainings by epoch into the PNG file `path`.

    A cross marks where a training diverged, a ring where it recovered.
    """
    from matplotlib.ticker import MaxNLocator

    pyplot = load_pyplot()
    arms = list(dict.fromkeys(curve.arm for curve in curves))
    colors = pyplot.colormaps["tab20" if len(arms) > 10 else "tab10"]
    figure, axes = pyplot.subplots(1, 2, figsize=(15, 5.5), layout="constrained")
    score_axis, loss_axis = axes
    labeled: set[str] = set()
    for curve in curves:
        epochs = range(1, len(curve.score) + 1)
        color = colors(arms.index(curve.arm) % colors.N)
        label = None if curve.arm in labeled else curve.arm
        labeled.add(curve.arm)
        for axis, values in zip(axes, (curve.score, curve.loss), strict=True):
            axis.plot(epochs, values, color=color, marker=".", linewidth=1.6, label=label)
        marks = {"color": color, "markersize": 11}
        for began, recovered in curve.divergence:
            loss_axis.plot(began, curve.loss[began - 1], "x", **marks)
            if recovered is not None:
                loss_axis.plot(recovered, curve.loss[recovered - 1], "o", fillstyle="none", **marks)
    score_axis.set(title=f"{title}: validation score", xlabel="epoch")
    loss_axis.set(
        title="training loss (not comparable between losses)", xlabel="epoch", yscale="log"
    )
    if any(curve.divergence for curve in curves):
        loss_axis.set_xlabel("epoch (cross: diverged, ring: recovered)")
    for axis in axes:
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
    figure.legend(*score_axis.get_legend_handles_labels(), loc="outside right upper", frameon=False)
    save_figure(figure, path)
