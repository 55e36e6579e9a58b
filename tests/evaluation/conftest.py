from collections.abc import Callable

import numpy as np
import pytest

from rechroma.data.prepared import HeldOutPhoto, read_held_out
from rechroma.evaluation.baselines import RestoreFunction
from rechroma.settings import Evaluate


@pytest.fixture
def test_photos(prepared) -> list[HeldOutPhoto]:
    return list(read_held_out(prepared, "test"))


@pytest.fixture
def perfect(test_photos) -> RestoreFunction:
    """A restorer that knows the target of every test photograph."""
    targets = {photo.damaged.tobytes(): photo.target for photo in test_photos}
    return lambda damaged, _: targets[damaged.tobytes()]


@pytest.fixture
def evaluate_settings(make_settings) -> Callable[..., Evaluate]:
    """The settings of evaluation, with few resamples and without appearance.

    Changes are given by name: `evaluate_settings(confidence=0.5)`.
    """

    def make(**changes):
        changes = {f"evaluate.{name}": value for name, value in changes.items()}
        return make_settings(
            **({"evaluate.resamples": 100, "evaluate.appearance_photos": 0} | changes)
        ).evaluate

    return make


@pytest.fixture
def uniform_hues() -> np.ndarray:
    """A mean hue histogram in which every hue is equally frequent: `(181,)` float32."""
    return np.full(181, 1 / 181, np.float32)
