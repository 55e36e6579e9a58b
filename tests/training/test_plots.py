import numpy as np
from matplotlib import pyplot
from PIL import Image

from rechroma.training.plots import plot_curves


def record(epoch, skipped=0.0):
    losses = {"train/loss": 1 / epoch, "train/l1": 0.5 / epoch}
    scores = {"validation/score": 0.1 * epoch, "validation/ssim": 0.2 * epoch}
    return {**losses, **scores, "lr": 1e-3, "images": 8, "skipped_steps": skipped}


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_curves_depend_on_the_history_alone(tmp_path):
    history = [record(epoch) for epoch in (1, 2, 3)]
    for name, shown in (("a", history), ("b", history), ("c", history[:2])):
        plot_curves(shown, tmp_path / "new" / f"{name}.png")
    first, again, shorter = ((tmp_path / "new" / f"{name}.png").read_bytes() for name in "abc")
    assert first == again != shorter
    assert first.startswith(b"\x89PNG")
    assert not pyplot.get_fignums()


def test_divergent_epochs_are_marked_red(tmp_path):
    reds = []
    for skipped in (0, 4):
        plot_curves([record(1), record(2, skipped), record(3)], tmp_path / "curves.png")
        red, green, blue = np.moveaxis(pixels(tmp_path / "curves.png"), -1, 0)
        reds.append(int(((red > 240) & (green < 170) & (abs(green - blue) < 5)).sum()))
    assert reds[0] == 0 < reds[1]


def test_an_epoch_without_a_finite_loss_leaves_a_gap(tmp_path):
    bare = {name: value for name, value in record(2, 4).items() if not name.startswith("train/")}
    plot_curves([record(1), bare, record(3)], tmp_path / "gap.png")
    plot_curves([record(1), record(2, 4), record(3)], tmp_path / "whole.png")
    assert (pixels(tmp_path / "gap.png") != pixels(tmp_path / "whole.png")).any()
