import numpy as np
import pytest

from rechroma.evaluation.finder_thresholds import HIGHEST, LOWEST, choose_thresholds
from rechroma.imaging.print_damage import GROUPS


class Sure:
    """Takes every pixel brighter than a level for a line of some probability."""

    def __init__(self, level, probability):
        self.level, self.probability = level, probability

    def __call__(self, lumas):
        planes = np.zeros((len(lumas), 4, *lumas.shape[1:]), np.float32)
        planes[:, 0] = self.probability * (lumas > self.level)
        return planes


@pytest.fixture
def chosen(luma, make_settings):
    def choose(finder):
        return choose_thresholds(finder, [luma], make_settings().print_damage, 1)

    return choose


def test_groups_that_are_never_found_have_the_lowest_thresholds(chosen):
    assert chosen(Sure(255, 0.5)) == dict.fromkeys(GROUPS, (LOWEST, LOWEST, LOWEST))


def test_thresholds_lie_above_false_alarms(chosen):
    thresholds = chosen(Sure(60, 0.6))
    assert all(threshold > 0.6 for threshold in thresholds["line"])
    assert thresholds["spot"] == (LOWEST, LOWEST, LOWEST)


def test_a_network_that_is_always_sure_gets_the_highest(chosen):
    assert chosen(Sure(-1, 1.0))["line"] == (HIGHEST, HIGHEST, HIGHEST)


def test_more_sensitivity_never_needs_more(chosen):
    def noisy(lumas):
        generator = np.random.default_rng(int(lumas.sum()))
        return generator.random((len(lumas), 4, *lumas.shape[1:])).astype(np.float32) ** 8 / 2

    for high, middle, low in chosen(noisy).values():
        assert HIGHEST >= high >= middle >= low >= LOWEST
