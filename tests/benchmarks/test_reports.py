"""The reports beside the table of speed, each on tiny photographs."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from benchmarks import (
    bench_finding,
    bench_joint,
    bench_large,
    large_process,
    onnx_process,
    show_print_damage,
)
from benchmarks import show_twelve as twelve
from benchmarks.bench_joint import Steps, steps
from benchmarks.bench_onnx import QUICK_SIZES, Measured, table, write_photographs
from rechroma.imaging.io import read_color, read_gray


@pytest.fixture
def photos(tmp_path):
    """A folder with a photograph in color, 80 x 60 px."""
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(data.chelsea()).resize((80, 60)).save(folder / "cat.jpg")
    return folder


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Runs a report in an empty folder and gives the lines that it prints."""
    monkeypatch.chdir(tmp_path)

    def run(module, *arguments):
        monkeypatch.setattr("sys.argv", [module.__name__, *map(str, arguments)])
        module.main()
        return capsys.readouterr().out.splitlines()

    return run


def test_damage_detection_is_reported_by_material_and_by_shape(run, photos):
    rows = [line.strip("| ").split(" | ") for line in run(bench_finding, "--photos", photos)]
    alarms = {row[0]: row[1] for row in rows if len(row) == 4}
    assert alarms["as they are"] == alarms["JPEG q10"] == alarms["8 levels"] == "0.0%"
    overlaps = {row[0] for row in rows if len(row) == 6}
    assert overlaps >= {"rectangle", "circle", "polygon", "circle, JPEG q85", "all, 0 to 20"}


def test_damage_detection_is_reported_for_pairs(run, tmp_path, photo, damaged):
    for name, picture in (("train_input", damaged), ("train_gt", photo)):
        (tmp_path / name).mkdir()
        Image.fromarray(picture).save(tmp_path / name / "1.png")
    lines = run(bench_finding, "--competition", tmp_path)
    assert lines[0] == "| pairs | 1.0000 | 1.000 | 1.000 | 0.0% | 0.0% |"
    assert [line.split(" | ")[0] for line in lines[1:]] == [
        f"| pairs, JPEG q{quality}" for quality in (95, 85, 70)
    ]


@pytest.mark.parametrize("arguments", [(), ("--photos", "missing")])
def test_a_report_without_its_photographs_is_one_clear_message(run, tmp_path, capsys, arguments):
    with pytest.raises(SystemExit, match="2"):
        run(bench_finding, *arguments)
    assert "expected" in capsys.readouterr().err.splitlines()[-1]
    with pytest.raises(SystemExit, match="2"):
        run(bench_joint, *(arguments or ("--photos", tmp_path)))
    assert "photograph" in capsys.readouterr().err.splitlines()[-1]


def test_borders_of_holes_are_reported_with_a_picture(run, photos, model):
    model("small")
    lines = run(bench_joint, "--photos", photos, "--model", "small", "--out", "joint")
    assert lines[0] == "model: small; 1 photographs at their own size"
    assert [line.split(" | ")[0] for line in lines if line.startswith("| restored")] == [
        "| restored",
        "| restored",
    ]
    assert lines[-1] == "The 1 largest jumps: joint/worst.png"
    assert read_color(Path("joint/worst.png")).shape[1] > 3 * 80


def test_a_step_across_the_border_is_a_jump():
    plane = np.zeros((20, 20), np.float32)
    mask = np.zeros((20, 20), bool)
    mask[5:15, 5:15] = True
    plane[mask] = 8
    assert steps(plane, mask) == Steps(across=8, inside=0, outside=0)
    assert steps(plane, mask).jump == 8
    assert Steps(across=1, inside=2, outside=0).jump == 0


def test_a_large_photograph_reports_its_time_and_memory(run, model):
    model("small")
    for name, megapixels in (("a.png", 0.003), ("b.png", 0.01)):
        bench_large.write_damaged(megapixels, Path(name))
    (line,) = run(large_process, "a.png", "b.png", "out", "small")
    report = json.loads(line)
    assert report.keys() == {"seconds", "lost", "base", "peak"}
    assert report["peak"] >= report["base"] > 1e6
    assert read_color(Path("out/b.png")).shape[:2] == read_gray(Path("b.png")).shape


def test_the_process_of_a_model_reports_its_times(run, model):
    model("small")
    write_photographs(Path(), QUICK_SIZES)
    first, last = run(onnx_process, "small", "torch", Path(), 2)
    assert first == ""
    report = json.loads(last)
    assert (len(report["square"]), len(report["large"])) == (2, 1)


def test_the_table_of_torch_and_onnx_has_a_column_for_each_and_their_ratio():
    measured = {
        "torch": Measured(10.0, 3.0, 6.0, 0.5, 0.45, 2.0, 900.0),
        "onnx": Measured(20.0, 1.0, 1.0, 0.1, 0.3, 1.0, None),
    }
    lines = table(measured, QUICK_SIZES, 2).splitlines()
    assert lines[0] == "| restoring | torch | onnx | ratio |"
    assert lines[4] == "| command, one 64 x 64 photograph, s | 6.00 | 1.00 | 6.0 |"
    assert lines[6] == "| 64 x 64 photograph alone, s | 0.450 | 0.300 | 1.5 |"
    assert lines[-1] == "| peak memory, MiB | 900 | - | - |"


def test_twelve_photographs_make_one_picture(run, model):
    model("small")
    run(twelve, "--model", "small", "--out", "twelve.jpg")
    width = 6 * (twelve.SHOWN + twelve.GAP)
    assert read_color(Path("twelve.jpg")).shape[:2] == (width, width)


def test_every_kind_of_damage_on_prints_is_in_one_picture(run, monkeypatch):
    kinds = dict(list(show_print_damage.KINDS.items())[:2])
    monkeypatch.setattr(show_print_damage, "KINDS", kinds)
    run(show_print_damage, "--out", "kinds.jpg")
    assert read_color(Path("kinds.jpg")).shape[1] > 8 * show_print_damage.SIDE
