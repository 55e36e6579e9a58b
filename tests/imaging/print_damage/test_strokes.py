import numpy as np
import pytest

from rechroma.imaging.print_damage.strokes import Stroke, fill, render, walk


def straight(width: float, opacity: float = 1.0, y: float = 10.0) -> Stroke:
    points = np.array([(5, y), (25, y)], np.float32)
    return Stroke(points, np.full(2, width, np.float32), np.full(2, opacity, np.float32))


@pytest.mark.parametrize("width", [1.0, 1.5, 2.0, 3.25])
@pytest.mark.parametrize("y", [10.0, 10.4])
def test_a_stroke_covers_as_much_as_its_width(width: float, y: float) -> None:
    patch = render((20, 32), [straight(width, y=y)])
    assert patch is not None
    whole = np.zeros((20, 32), np.float32)
    whole[patch.box] = patch.coverage
    assert whole[:, 12:18].sum(axis=0) == pytest.approx(width, abs=0.26)
    center = (np.arange(20) * whole[:, 15]).sum() / whole[:, 15].sum()
    assert center == pytest.approx(y, abs=0.25)


def test_opacity_is_coverage() -> None:
    patch = render((20, 32), [straight(5, opacity=0.5)])
    assert patch is not None
    assert patch.coverage.max() == pytest.approx(0.5, abs=0.03)


def test_strokes_outside_of_the_picture_are_left_out() -> None:
    assert render((20, 32), [straight(2, y=-30)]) is None
    assert render((20, 32), []) is None


def test_a_polygon_covers_its_area() -> None:
    outline = np.array([(2.5, 3), (10, 3), (10, 8.25), (2.5, 8.25)], np.float32)
    coverage = fill((20, 16), outline)
    assert coverage.sum() == pytest.approx(7.5 * 5.25, rel=0.1)
    assert coverage[5, 5] == 1
    assert coverage[0].max() == 0


def test_a_walk_is_as_long_as_asked() -> None:
    path = walk((3, 4), 0.0, 30, 1.5, 0.1, np.random.default_rng(0))
    assert path[0].tolist() == [3, 4]
    assert np.hypot(*np.diff(path, axis=0).T).sum() == pytest.approx(30, rel=0.01)
