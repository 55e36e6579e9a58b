import numpy as np
import pytest

from benchmarks import bench_print_damage as bench
from rechroma.deployment.finder_onnx import export_finder
from rechroma.errors import UserError
from rechroma.evaluation.finder_scores import MIXED, PHOTOGRAPH, PRINT
from rechroma.imaging.io import read_gray, write_png
from rechroma.imaging.print_damage import KINDS
from rechroma.models.damage_finder import DamageFinder


@pytest.fixture
def arguments(finder_settings, tmp_path, luma):
    export_finder(DamageFinder(finder_settings().finder).eval(), tmp_path / "finder.onnx")
    write_png(tmp_path / "photos/a.png", luma)
    return ["--finder", str(tmp_path / "finder.onnx"), "--photos", str(tmp_path / "photos")]


def test_each_folder_gets_a_table_with_a_row_for_each_kind(
    arguments, monkeypatch, capsys, tmp_path
):
    out = tmp_path / "table.md"
    monkeypatch.setattr("sys.argv", ["bench", *arguments, "--out", str(out)])
    bench.main()
    written = out.read_text(encoding="utf-8")
    assert written in capsys.readouterr().out
    assert written.startswith("## photos\n\n1 photographs: recall / precision / IoU")
    methods = "network 0.3 | network 0.5 | network 0.7 | top-hat | flat rule"
    assert f"\n| damage | {methods} |\n" in written
    for name in (*KINDS, MIXED, PRINT, PHOTOGRAPH):
        assert written.count(f"\n| {name} |") == 1


def test_masks_drawn_by_hand_are_scored(arguments, monkeypatch, capsys, tmp_path, luma):
    mask = np.zeros(luma.shape, bool)
    mask[20:30, 40:60] = True
    write_png(tmp_path / "by-hand/a_mask.png", mask)
    finder = arguments[:2]
    by_hand = ["--by-hand", str(tmp_path / "photos"), str(tmp_path / "by-hand")]
    monkeypatch.setattr("sys.argv", ["bench", *finder, *by_hand])
    bench.main()
    assert "\n| drawn by hand | " in capsys.readouterr().out


def test_a_photograph_without_a_mask_is_named(arguments, monkeypatch, tmp_path, luma):
    write_png(tmp_path / "by-hand/b.png", luma > 99)
    by_hand = ["--by-hand", str(tmp_path / "photos"), str(tmp_path / "by-hand")]
    monkeypatch.setattr("sys.argv", ["bench", *arguments[:2], *by_hand])
    with pytest.raises(UserError, match=r"a\.png: .*no mask"):
        bench.main()


def test_masks_have_the_size_of_their_photographs(arguments, monkeypatch, tmp_path, luma):
    monkeypatch.setattr("sys.argv", ["bench", *arguments, "--masks", str(tmp_path / "masks")])
    bench.main()
    mask = read_gray(tmp_path / "masks/a.png")
    assert mask.shape == luma.shape
    assert set(np.unique(mask)) <= {0, 255}
