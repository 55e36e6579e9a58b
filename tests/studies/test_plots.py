import numpy as np
from matplotlib import pyplot
from PIL import Image

from rechroma.studies.plots import LearningCurve, plot_learning_curves


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_learning_curves_mark_divergence_and_recovery(tmp_path):
    curve = LearningCurve("a", [2.0, 1.0, 0.5], [0.1, 0.2, 0.3])
    intervals = {"calm": [], "recovered": [(2, 3)], "lost": [(2, None)]}
    for name, divergence in intervals.items():
        path = tmp_path / f"{name}.png"
        plot_learning_curves([curve._replace(divergence=divergence)], "trial", path)
    calm, recovered, lost = (pixels(tmp_path / f"{name}.png") for name in intervals)
    assert (calm != lost).any()
    assert (lost != recovered).any()
    assert not pyplot.get_fignums()


def test_trainings_of_one_arm_share_a_color_and_one_entry_of_the_legend(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(
        "rechroma.studies.plots.save_figure", lambda figure, _: figures.append(figure)
    )
    curves = [LearningCurve(arm, [2.0, 1.0], [0.1, 0.2]) for arm in ("a", "b", "a")]
    plot_learning_curves(curves, "trial", tmp_path / "curves.png")
    (figure,) = figures
    first, second, third = (line.get_color() for line in figure.axes[0].lines)
    assert first == third != second
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]
    pyplot.close(figure)
