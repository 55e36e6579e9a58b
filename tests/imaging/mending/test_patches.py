import numpy as np
import pytest

from rechroma.imaging.mending.patches import DIRECTIONS, SIDE, SMOOTH, STEEP, patch_models


def edge(angle, height=60.0):
    """A straight edge across a patch, of mean 0: `(1, SIDE²)`."""
    places = np.arange(SIDE) - (SIDE - 1) / 2
    x, y = np.meshgrid(places, places)
    drawn = height * np.tanh(x * np.cos(angle) + y * np.sin(angle))
    return (drawn - drawn.mean()).reshape(1, -1).astype(np.float32)


@pytest.mark.parametrize("direction", range(DIRECTIONS))
def test_an_edge_is_told_by_its_direction(direction):
    models = patch_models(2)
    chosen = int(models.choose(edge(direction * np.pi / DIRECTIONS))[0]) - len(SMOOTH)
    each = (len(models.offsets) - len(SMOOTH)) // DIRECTIONS
    assert each % len(STEEP) == 0
    assert abs(chosen // each - direction) in (0, 1, DIRECTIONS - 1)


def test_a_plain_patch_is_smooth():
    noise = np.random.default_rng(0).normal(0, 2, (50, SIDE**2)).astype(np.float32)
    assert (patch_models(2).choose(noise) < len(SMOOTH)).all()


def test_precisions_are_inverse_covariances():
    for precision in patch_models(3).precisions:
        values = np.linalg.eigvalsh(precision)
        assert values.min() > 0
        assert values.max() <= 1 / 9
