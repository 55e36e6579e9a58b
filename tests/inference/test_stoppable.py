import threading

import numpy as np
import pytest

from rechroma.inference.find_print_damage import find_print_damage
from rechroma.inference.stoppable import StoppableFinder, make_stoppable


def test_a_network_is_not_run_again_after_it_was_stopped(echo):
    stopped = threading.Event()
    plain = echo()
    restorer = make_stoppable(plain, stopped)
    gray, mask = np.full((48, 64), 90, np.uint8), np.zeros((48, 64), bool)
    assert np.array_equal(restorer(gray, mask), plain(gray, mask))
    assert restorer.backend.model == plain.backend.model
    stopped.set()
    with pytest.raises(KeyboardInterrupt):
        restorer(gray, mask)


def test_damage_is_not_looked_for_further_after_it_was_stopped():
    stopped = threading.Event()
    calls = []

    def finder(lumas):
        calls.append(lumas.shape)
        stopped.set()
        return np.zeros((len(lumas), 4, *lumas.shape[1:]), np.float32)

    with pytest.raises(KeyboardInterrupt):
        find_print_damage(np.zeros((900, 900), np.uint8), StoppableFinder(finder, stopped))
    assert len(calls) == 1
