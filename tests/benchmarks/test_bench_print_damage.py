import numpy as np
import pytest

from benchmarks import bench_print_damage as bench
from rechroma.deployment.finder_onnx import export_finder
from rechroma.imaging.io import read_gray, write_png
from rechroma.models.damage_finder import DamageFinder


@pytest.fixture
def arguments(finder_settings, tmp_path, luma):
    export_finder(DamageFinder(finder_settings().finder).eval(), tmp_path / "finder.onnx")
    write_png(tmp_path / "photos/a.png", luma)
    return ["--finder", str(tmp_path / "finder.onnx"), "--photos", str(tmp_path / "photos")]


def test_the_table_has_a_row_for_each_kind_and_for_undamaged(arguments, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["bench", *arguments])
    bench.main()
    printed = capsys.readouterr().out
    for name in (*bench.KINDS, bench.MIXED, bench.UNDAMAGED):
        assert printed.count(f"\n| {name} |") == 1


def test_masks_have_the_size_of_their_photographs(arguments, monkeypatch, tmp_path, luma):
    monkeypatch.setattr("sys.argv", ["bench", *arguments, "--masks", str(tmp_path / "masks")])
    bench.main()
    mask = read_gray(tmp_path / "masks/a.png")
    assert mask.shape == luma.shape
    assert set(np.unique(mask)) <= {0, 255}


def test_the_top_hat_finds_a_thin_line_and_no_slope():
    luma = np.tile(np.arange(60, dtype=np.uint8), (60, 1))
    luma[:, 30] = 200
    assert np.array_equal(np.flatnonzero(bench.top_hat(luma).any(axis=0)), [30])
