import shutil

import numpy as np
import pytest

from rechroma import metrics
from rechroma.data.prepared import read_held_out
from rechroma.errors import UserError
from rechroma.inference.backend import TorchBackend
from rechroma.inference.restorer import Restorer
from rechroma.training.validation import Validation


def test_the_score_is_the_mean_over_the_validation_photographs(prepared, tiny_settings, outspoken):
    settings = tiny_settings()
    network = outspoken(settings)
    restorer = Restorer(TorchBackend(network), settings.restore)
    photos = list(read_held_out(prepared, "validation"))
    expected = np.mean(
        [
            metrics.score(photo.target, restorer(photo.damaged, photo.mask), photo.mask)
            for photo in photos
        ],
        axis=0,
    )
    scores = Validation(prepared, settings).score(network.train())
    assert scores == pytest.approx(tuple(expected))
    assert not network.training


@pytest.mark.parametrize(("limit", "count"), [(0, 3), (2, 2), (9, 3)])
def test_a_limit_takes_fewer_photographs(prepared, tiny_settings, limit, count):
    validation = Validation(prepared, tiny_settings(**{"train.validation_photos": limit}))
    assert len(validation.photos) == count


def test_a_strip_shows_three_photographs_at_most(prepared, tiny_settings, outspoken):
    heights = []
    for limit in (1, 2, 3):
        settings = tiny_settings(**{"train.validation_photos": limit})
        picture = Validation(prepared, settings).strip(outspoken(settings))
        assert picture.dtype == np.uint8
        assert picture.ndim == 3
        heights.append(len(picture))
    assert heights[1] - heights[0] == heights[2] - heights[1] > 0


def test_no_validation_photographs_are_one_clear_message(prepared, tiny_settings):
    shutil.rmtree(prepared / "validation")
    with pytest.raises(UserError, match=r"holds no validation photographs, raise data.validation$"):
        Validation(prepared, tiny_settings())
