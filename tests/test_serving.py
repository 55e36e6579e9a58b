import base64
import io

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from rechroma import serving, storage
from rechroma.errors import UserError
from rechroma.networks import RestorationNetwork
from rechroma.serving import ServedRestorer

HOLE = np.s_[20:50, 30:70]


@pytest.fixture
def hole():
    mask = np.zeros((96, 128), bool)
    mask[HOLE] = True
    return mask


def text(picture, kind="PNG"):
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, kind)
    return base64.b64encode(stream.getvalue()).decode()


def opened(restored):
    picture = Image.open(io.BytesIO(base64.b64decode(restored)))
    assert (picture.format, picture.mode) == ("PNG", "RGB")
    return np.asarray(picture)


def show_what_came(damaged, lost):
    """A restorer whose picture is what it was given: the gray, and the mask in red."""
    return np.dstack([np.where(lost, 255, 0).astype(np.uint8), damaged, damaged])


def served(table):
    found = ServedRestorer(show_what_came).predict(pd.DataFrame(table))
    assert list(found) == ["restored"]
    return [opened(each) for each in found["restored"]]


def test_a_served_model_restores_as_the_model_does(damaged, hole, tiny_settings, tmp_path):
    settings = tiny_settings()
    torch.manual_seed(0)
    storage.save(RestorationNetwork(settings.model), settings.restore, tmp_path)
    model = serving._load_pyfunc(str(tmp_path))
    found = model.predict(pd.DataFrame({"photo": [text(damaged)]}))
    expected = storage.load(tmp_path)(damaged, hole)
    assert np.array_equal(opened(found["restored"][0]), expected)


@pytest.mark.parametrize("mask", ["", None, float("nan")])
def test_without_a_mask_the_damage_is_found(damaged, hole, mask):
    (found,) = served({"photo": [text(damaged, "BMP")], "mask": [mask]})
    assert np.array_equal(found, show_what_came(damaged, hole))


def test_a_given_mask_is_taken_light_is_lost(damaged):
    given = np.zeros(damaged.shape, bool)
    given[:5] = True
    mask = text(np.where(given, 128, 127).astype(np.uint8))
    (found,) = served({"photo": [text(damaged)], "mask": [mask]})
    assert np.array_equal(found, show_what_came(damaged, given))


def test_each_photograph_keeps_its_place_mask_and_size(damaged, hole):
    small = damaged[:40, :60]
    given = np.zeros(small.shape, bool)
    table = {
        "photo": [text(damaged), text(small)],
        "mask": ["", text(np.zeros(small.shape, np.uint8))],
    }
    first, second = served(table)
    assert np.array_equal(first, show_what_came(damaged, hole))
    assert np.array_equal(second, show_what_came(small, given))


PICTURE = text(np.zeros((9, 8), np.uint8))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"photo": "not base64!"}, "photo: expected a picture file as base64 text"),
        ({"photo": "Grün"}, "photo: expected a picture file as base64 text"),
        ({"photo": None}, "photo: expected a picture file as base64 text"),
        ({"photo": 7}, "photo: expected a picture file as base64 text"),
        ({"photo": ""}, "photo: is empty"),
        ({"photo": base64.b64encode(b"no picture").decode()}, "photo: is no picture"),
        ({"photo": PICTURE, "mask": "?"}, "mask: expected a picture file as base64 text"),
        (
            {"photo": PICTURE, "mask": text(np.zeros((8, 9), np.uint8))},
            r"mask: expected its photograph's size \(9, 8\), got \(8, 9\)",
        ),
    ],
)
def test_what_cannot_be_restored_is_one_clear_message(row, message):
    table = pd.DataFrame([row])
    with pytest.raises(UserError, match=message):
        ServedRestorer(show_what_came).predict(table)
