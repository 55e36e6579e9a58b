import cv2
import numpy as np
import pytest

from benchmarks import bench_mending as bench
from rechroma.imaging.io import write_png


def test_it_prints_a_row_for_each_width_and_kind(tmp_path, monkeypatch, capsys):
    coarse = np.random.default_rng(0).integers(20, 230, (6, 6)).astype(np.float32)
    write_png(tmp_path / "a.png", cv2.resize(coarse, (96, 96)).astype(np.uint8))
    monkeypatch.setattr(
        "sys.argv", ["bench", "--photos", str(tmp_path), "--fills", "ours", "Telea"]
    )
    bench.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 photographs")
    rows = [line.split("|")[1].strip() for line in lines if line.startswith("|")]
    assert rows == ["damage", "---", "all", *bench.WIDTHS, bench.SMALL_ROW, *bench.CHOSEN]


def test_the_truth_is_the_same_scan_without_the_damage():
    coarse = np.random.default_rng(0).integers(60, 200, (6, 6)).astype(np.float32)
    luma = cv2.resize(coarse, (128, 128)).astype(np.uint8)
    for drawing in bench.drawings([luma]):
        far = cv2.dilate(drawing.mask.astype(np.uint8), np.ones((41, 41))) == 0
        change = np.abs(drawing.damaged.astype(int) - drawing.truth)
        if drawing.kind != "fold" and far.any():
            assert change[far].max() <= 2  # traces of JPEG
        assert change[drawing.mask].mean() > 3


@pytest.mark.parametrize(("width", "row"), [(1, 0), (4, 1), (8, 2), (20, 3)])
def test_a_line_has_the_row_of_its_width(width, row):
    mask = np.zeros((64, 64), bool)
    mask[:, 20 : 20 + width] = True
    gray = np.zeros((64, 64), np.uint8)
    names = [name for name, _ in bench.regions(bench.Drawing("scratch", gray, gray, mask))]
    widths = [name for name in names if name in bench.WIDTHS]
    assert widths[-1] == list(bench.WIDTHS)[row]  # its corners at the border count as narrower
