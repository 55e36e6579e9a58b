"""Plots of several trainings: learning curves by arm."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rechroma.training.plots import load_pyplot, save_figure


class LearningCurve(NamedTuple):
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


def plot_learning_curves(curves: Sequence[LearningCurve], title: str, path: Path) -> None:
    """Plot losses and validation scores of several trainings by epoch into the PNG file `path`.

    A cross marks where a training left its way, a ring where it had recovered.
    """
    from matplotlib.ticker import MaxNLocator

    pyplot = load_pyplot()
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
    save_figure(figure, path)
