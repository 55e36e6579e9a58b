import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import HOLE, get, mask_of, put, rechroma
from PIL import Image

from rechroma.imaging.color import to_luma
from rechroma.imaging.io import encode_png


class Stream(io.TextIOWrapper):
    """A standard stream that holds bytes, and may be a terminal."""

    def __init__(self, content: bytes = b"", terminal: bool = False):
        super().__init__(io.BytesIO(content))
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def piped(monkeypatch):
    """Runs `rechroma` with bytes on standard input: its exit code, and what is on the output."""

    def run(content, *arguments, terminal=False):
        monkeypatch.setattr(sys, "stdin", Stream(content))
        output = Stream(terminal=terminal)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", output)
            code = rechroma(*arguments)
        return code, output.buffer.getvalue()

    return run


@pytest.fixture
def restoring(model, piped):
    """As `piped`, of `rechroma restore` with an untrained model."""
    model("tiny")
    return lambda content, *arguments, **options: piped(
        content, "restore", *arguments, "--model", "tiny", **options
    )


@pytest.mark.parametrize(
    ("options", "kind"),
    [([], "PNG"), (["--format", "jpeg"], "JPEG"), (["--format", "tiff"], "TIFF")],
)
def test_standard_input_is_restored_to_standard_output(
    damaged, restoring, capsys, monkeypatch, options, kind
):
    Path("temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", "temporary")
    code, output = restoring(encode_png(damaged), "-", "--out", "-", *options)
    assert code == 0
    picture = Image.open(io.BytesIO(output))
    assert (picture.format, picture.size, picture.mode) == (kind, (128, 96), "RGB")
    if kind != "JPEG":
        known = ~mask_of(HOLE)
        np.testing.assert_array_equal(to_luma(np.asarray(picture))[known], damaged[known])
    assert "1 restored" in capsys.readouterr().err
    assert not list(Path("temporary").iterdir())


def test_the_picture_is_that_of_files(damaged, restoring):
    put("old.png", damaged)
    put("mask.png", mask_of(np.s_[10:60, 20:80]))
    with_mask = ("--mask", "mask.png")
    code, output = restoring(Path("old.png").read_bytes(), "-", "--out", "-", *with_mask)
    assert code == 0
    assert restoring(b"", "old.png", "--out", "new.png", *with_mask) == (0, b"")
    assert output == Path("new.png").read_bytes()
    assert restoring(b"", "old.png", "--out", "-", *with_mask) == (0, output)
    content = Path("old.png").read_bytes()
    assert restoring(content, "-", "--out", "other.png", *with_mask) == (0, b"")
    assert Path("other.png").read_bytes() == output


def test_a_mask_goes_to_standard_output(damaged, piped):
    code, output = piped(encode_png(damaged), "find-mask", "-", "--out", "-")
    assert code == 0
    mask = np.asarray(Image.open(io.BytesIO(output)))
    np.testing.assert_array_equal(mask == 255, mask_of(HOLE))


@pytest.mark.parametrize(
    "content", [b"", b"no picture", encode_png(np.zeros((9, 9), np.uint8))[:40]]
)
def test_an_error_names_standard_input_and_writes_nothing(restoring, piped, capsys, content):
    for command in (restoring, lambda *rest: piped(rest[0], "find-mask", *rest[1:])):
        assert command(content, "-", "--out", "-") == (2, b"")
        error = capsys.readouterr().err
        assert "rechroma: standard input: " in error
        assert "rechroma-" not in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-", "old.png", "--out", "-"], "expected no other beside it"),
        (["-", "--out", "new"], "--out is new, expected a file, or - for standard output"),
        (["-", "--out", "-", "--watch"], "--watch does not go with - as --out"),
        (["-", "--out", "new.png", "--watch"], "--watch does not go with - as PHOTO"),
        (["old.png", "--out", "-", "--json"], "--json does not go with - as --out"),
        (["old.png", "--out", "-", "--side-by-side"], "--side-by-side does not go with - as --out"),
        (["album", "--out", "-"], "standard output is one file for 2 photographs"),
    ],
)
def test_what_does_not_fit_a_single_stream_is_one_line(
    damaged, restoring, capsys, arguments, message
):
    for name in ("old.png", "album/a.png", "album/b.png"):
        put(name, damaged)
    assert restoring(encode_png(damaged), *arguments) == (2, b"")
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_terminal_gets_no_picture_and_is_no_photograph(damaged, restoring, capsys, monkeypatch):
    put("old.png", damaged)
    assert restoring(b"", "old.png", "--out", "-", terminal=True) == (2, b"")
    assert "standard output is a terminal" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", Stream(terminal=True))
    assert rechroma("restore", "-", "--out", "new.png") == 2
    assert "standard input is a terminal" in capsys.readouterr().err


def test_the_report_names_the_streams(damaged, restoring):
    assert restoring(encode_png(damaged), "-", "--out", "-", "--report", "report.json")[0] == 0
    (row,) = json.loads(Path("report.json").read_text())["photographs"]
    assert (row["photo"], row["restored"]) == ("standard input", "standard output")


def test_a_closed_output_is_one_line(damaged):
    put("old.png", damaged)
    reading, writing = os.pipe()
    os.close(reading)
    program = [sys.executable, "-m", "rechroma.apps.cli.main", "find-mask", "old.png", "--out", "-"]
    with os.fdopen(writing, "wb") as closed:
        ran = subprocess.run(program, stdout=closed, stderr=subprocess.PIPE, text=True)
    assert ran.returncode == 2
    assert ran.stderr.endswith("rechroma: standard output was closed before all was written\n")


def test_json_has_a_line_for_each_photograph_and_a_summary(damaged, restored, capsys):
    for name in ("a", "b"):
        put(f"album/{name}.png", damaged)
    Path("album/c.png").write_bytes(b"no picture")
    assert restored("album", "--out", "new", "--json", "--report", "report.json") == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    report = json.loads(Path("report.json").read_text())
    assert lines[:-1] == report.pop("photographs")
    assert {**report, "seconds": lines[-1]["seconds"]} == lines[-1]
    assert [line["status"] for line in lines[:-1]] == ["restored", "restored", "failed"]


def test_quiet_prints_errors_alone(damaged, photo, restored, capsys):
    put("album/a.png", damaged)
    put("album/b.png", photo)  # in color, without damage
    assert restored("album", "--out", "new", "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    Path("album/c.png").write_bytes(b"no picture")
    assert restored("album", "--out", "new", "--quiet", "--jobs", "2") == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("rechroma: album/c.png: is no picture")
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize("jobs", ["0", "-1", "many", "1000"])
def test_a_wrong_number_of_jobs_is_one_line(restored, capsys, jobs):
    assert restored("album", "--out", "new", f"--jobs={jobs}") == 2
    assert f"is '{jobs}', expected auto, or a number from 1 to 256" in capsys.readouterr().err


def test_the_album_is_the_same_with_any_number_of_jobs(damaged, capsys):
    for number in range(4):
        put(f"album/{number}.png", np.roll(damaged, 9 * number, axis=0))
    pictures = []
    for jobs in ("1", "3", "auto"):
        assert rechroma("restore", "album", "--out", jobs, "--jobs", jobs) == 0
        pictures.append([get(f"{jobs}/{number}.png") for number in range(4)])
        errors = capsys.readouterr().err
        assert "4 restored" in errors
    assert np.array_equal(pictures[0], pictures[1])
    assert np.array_equal(pictures[0], pictures[2])
