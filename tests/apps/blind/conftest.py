"""Fixtures of the tests of blind comparisons: a key and pictures of one color."""

import numpy as np
import pytest

from rechroma.apps.blind.page import Deck
from rechroma.apps.blind.pairs import Key, draw_pairs, key_pairs

PHOTOS, MODELS = ("a", "b", "c"), ("old", "new")


@pytest.fixture
def deck() -> Deck:
    """Three pairs of two models; the pictures of `new` are lighter."""
    deck = Deck(draw_pairs(PHOTOS, MODELS, seed=1))
    for photo in range(len(PHOTOS)):
        deck.add(photo, [np.full((48, 64, 3), level + photo, np.uint8) for level in (90, 150)])
    return deck


@pytest.fixture
def key(deck: Deck) -> Key:
    return Key(
        page=deck.page_id(),
        photos="album",
        seed=1,
        size=900,
        holes="color",
        models={name: name for name in MODELS},
        pairs=key_pairs(deck.pairs, PHOTOS, MODELS),
    )
