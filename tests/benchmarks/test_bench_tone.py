import numpy as np
import pytest
from PIL import Image

from benchmarks import bench_tone as bench


@pytest.fixture
def photos(tmp_path, photo):
    Image.fromarray(photo).save(tmp_path / "photo.png")
    return [tmp_path / "photo.png"]


def test_its_tables_have_a_row_for_each_kind(photos, capsys):
    generator = np.random.default_rng(0)
    bench.measure_tones(photos, generator)
    bench.measure_borders(photos, generator)
    bench.measure_evening(photos, generator, find=False)
    rows = capsys.readouterr().out.splitlines()
    names = {row.strip("| ").split(" | ")[0] for row in rows}
    assert {"in color", *bench.TINTS, "none", *bench.BORDERS, "undamaged", "faded"} <= names


def test_a_frame_has_the_photograph_in_its_box(luma):
    for kind in bench.BORDERS:
        scan, (left, top, right, bottom) = bench.framed(luma, kind, np.random.default_rng(0))
        assert np.array_equal(scan[top:bottom, left:right], luma)
