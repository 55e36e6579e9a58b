import numpy as np
from matplotlib import pyplot
from PIL import Image

from rechroma.studies.plots import LearningCurve, plot_learning_curves


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_learning_curves_mark_divergent_intervals(tmp_path):
    plain = LearningCurve("a", [2.0, 1.0, 0.5], [0.1, 0.2, 0.3])
    for name, marks in (("calm", []), ("interval", [(2, 3)]), ("lost", [(2, None)])):
        plot_learning_curves([plain._replace(spells=marks)], "trial", tmp_path / f"{name}.png")
    calm, interval, lost = (
        pixels(tmp_path / f"{name}.png") for name in ("calm", "interval", "lost")
    )
    assert (calm != lost).any()
    assert (lost != interval).any()
    assert not pyplot.get_fignums()
