import numpy as np
import pytest

from rechroma.data.prepared import HeldOutPhoto
from rechroma.evaluation.held_out import draw_held_out
from rechroma.imaging.color import to_luma
from rechroma.imaging.io import write_png
from rechroma.preparation.sources import Rejected


@pytest.fixture
def folder(tmp_path, photo):
    """Two photographs in color, one that is too small, and a file that is no photograph."""
    for number in range(2):
        write_png(tmp_path / "in" / f"{number}.png", np.roll(photo, 9 * number, axis=1))
    write_png(tmp_path / "in" / "small.png", photo[:40, :40])
    (tmp_path / "in" / "broken.png").write_bytes(b"no picture")
    return tmp_path / "in"


@pytest.fixture
def settings(make_settings, folder):
    return make_settings(**{"data.source": "photos", "data.path": str(folder), "data.size": 64})


def photographs(settings, folder):
    return [each for each in draw_held_out(settings, folder) if isinstance(each, HeldOutPhoto)]


def test_photographs_are_damaged_as_the_pipeline_does(settings, folder):
    photos = photographs(settings, folder)
    assert [photo.id for photo in photos] == ["0", "1"]
    for photo in photos:
        assert photo.target.shape == (64, 64, 3)
        gray = to_luma(photo.target)
        np.testing.assert_array_equal(photo.damaged[~photo.mask], gray[~photo.mask])


def test_the_damage_depends_on_the_seed_and_the_photograph_alone(settings, folder):
    _, second = photographs(settings, folder)
    (folder / "0.png").unlink()
    (alone,) = photographs(settings, folder)
    np.testing.assert_array_equal(alone.mask, second.mask)
    (other,) = photographs(settings.model_copy(update={"seed": settings.seed + 1}), folder)
    assert (other.mask != second.mask).any()


def test_files_that_cannot_be_used_are_rejected_with_the_reason(settings, folder):
    reasons = {
        each.file: each.reason
        for each in draw_held_out(settings, folder)
        if isinstance(each, Rejected)
    }
    assert set(reasons) == {"small.png", "broken.png"}
    assert "40x40 px, expected 64 px" in reasons["small.png"]
