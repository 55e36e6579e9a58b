import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import files, put, rechroma

from rechroma.apps import model_catalog
from rechroma.apps.batch import image_file
from rechroma.apps.cli.main import main
from rechroma.errors import UserError


def test_the_help_imports_no_heavy_modules():
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "rechroma.apps.cli.main", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in shown.stderr.splitlines()}
    assert "argparse" in imported
    assert not imported & {"torch", "numpy", "cv2", "PIL", "pydantic"}
    assert all(name in shown.stdout for name in ("restore", "find-mask", "score"))


@pytest.mark.parametrize(
    "command",
    [
        "restore",
        "models",
        "find-mask",
        "web",
        "score",
        "evaluate",
        "study",
        "compare",
        "ship",
        "export",
    ],
)
def test_every_command_shows_an_example(command, capsys):
    assert rechroma(command, "--help") == 0
    assert re.search(rf"\n  rechroma {command}[ \n]", capsys.readouterr().out)


SCORE = ["score", "--target", "targets", "--restored", "restored", "--masks", "masks"]


MISTAKES = {
    "a missing path": (["restore", "gone.png", "--out", "new"], r"gone\.png: does not exist"),
    "no photographs": (["restore", "empty", "--out", "new"], "no photograph found in these paths"),
    "over the photograph itself": (
        ["restore", "old.png", "--out", "."],
        r"old\.png would be overwritten, choose another folder with --out",
    ),
    "over another photograph": (
        ["restore", "album", "old.png", "--out", "album/deep"],
        r"album/deep/old\.png would be overwritten",
    ),
    "over a mask": (
        ["restore", "old.png", "--mask", "masks", "--out", "masks"],
        r"masks/old\.png would be overwritten",
    ),
    "into a file": (
        ["restore", "old.png", "--out", "notes.txt"],
        r"notes\.txt is a file, expected",
    ),
    "below a file": (
        ["find-mask", "old.png", "--out", "notes.txt/new"],
        r"notes\.txt/new: Not a directory",
    ),
    "one mask for many": (
        ["restore", "album", "--out", "new", "--mask", "masks/old.png"],
        r"--mask is one file for \d photographs, expected a folder",
    ),
    "one file for many": (
        ["restore", "album", "old.png", "--out", "new.png"],
        r"new\.png is one file for \d photographs, expected a folder",
    ),
    "two formats": (
        ["restore", "old.png", "--out", "new.png", "--format", "tiff"],
        r"--out is new\.png but --format is tiff, leave one out",
    ),
    "growing by nothing known": (
        ["restore", "old.png", "--out", "new", "--grow", "-1"],
        r"--grow: is '-1', expected a number of px from 0 to 500",
    ),
    "no model": (
        ["restore", "old.png", "--out", "new", "--model", "gone"],
        r"gone holds no model, expected model\.json",
    ),
    "nothing to score": ([*SCORE[:2], "gone", *SCORE[3:]], "gone is not a folder"),
    "an empty folder to score": ([*SCORE[:2], "empty", *SCORE[3:]], "empty holds no pictures"),
    "a restored one is missing": (
        [*SCORE[:4], "other", *SCORE[5:]],
        r"other holds no picture for targets/a\.png, expected a\.png there",
    ),
    "a mask is missing": ([*SCORE[:6], "other"], r"other holds no picture for targets/a\.png"),
    "a restored one of another size": (
        [*SCORE[:4], "small", *SCORE[5:]],
        "a: its restored picture is 4x3 px, expected the target's 128x96 px",
    ),
    "a mask of another size": ([*SCORE[:6], "small"], "a: its mask picture is 4x3 px"),
    "two targets of one stem": ([*SCORE[:2], "twins", *SCORE[3:]], "have the same stem"),
    "a misspelled command": (["restor", "old.png"], "invalid choice: 'restor'.*restore"),
    "no --out": (["restore", "old.png"], r"--out; see rechroma restore --help"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_user_error_is_one_clear_line_and_changes_nothing(damaged, photo, capsys, mistake):
    put("old.png", damaged)
    for file in ("album/old.bmp", "album/deep/old.png", "twins/a.bmp", "twins/a.png"):
        put(file, damaged)
    for file in ("targets/a.png", "restored/a.png", "other/b.png"):
        put(file, photo)
    put("masks/old.png", damaged)
    put("masks/a.png", damaged)
    put("small/a.png", damaged[:3, :4])
    Path("empty").mkdir()
    Path("notes.txt").write_text("no photograph")
    before = files()
    arguments, message = MISTAKES[mistake]
    assert rechroma(*arguments) == 2
    shown = capsys.readouterr()
    lines = [line for line in shown.err.splitlines() if not line.startswith("no model (")]
    assert len(lines) == 1
    assert lines[0].startswith("rechroma")
    assert re.search(message, lines[0]), lines[0]
    assert not shown.out
    assert files() == before


def test_an_interrupt_ends_without_a_traceback(damaged, capsys, monkeypatch):
    put("old.png", damaged)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(image_file, "write_mask", interrupt)
    assert rechroma("find-mask", "old.png", "--out", "masks") == 130
    assert (
        capsys.readouterr().err == "rechroma: stopped; all files that were written are complete\n"
    )


@pytest.mark.parametrize("options", [("--debug", "models"), ("models", "--debug")])
def test_debug_shows_the_traceback_of_a_user_error_too(capsys, monkeypatch, options):
    def fail(_):
        raise UserError("a user error")

    monkeypatch.setattr(model_catalog, "list_models", fail)
    assert rechroma("models") == 2
    assert capsys.readouterr().err == "rechroma: a user error\n"
    assert rechroma(*options) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback (most recent call last):\n")
    assert shown.endswith("UserError: a user error\nrechroma: a user error\n")


@pytest.mark.parametrize("error", [KeyError("name"), OSError("of no file")])
def test_a_programming_error_keeps_its_traceback(monkeypatch, error):
    def fail(_):
        raise error

    monkeypatch.setattr(model_catalog, "list_models", fail)
    with pytest.raises(type(error)) as caught:
        main(["models"])
    assert caught.value is error


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied", "old.png"), "old.png: Permission denied"),
        (OSError(28, "No space left on device"), "a file: No space left on device"),
    ],
)
def test_an_error_of_the_file_system_is_one_line(monkeypatch, capsys, error, message):
    def fail(_):
        raise error

    monkeypatch.setattr(model_catalog, "list_models", fail)
    assert rechroma("models") == 2
    assert capsys.readouterr().err == f"rechroma: {message}\n"


@pytest.mark.parametrize(
    ("options", "levels"),
    [
        (("models",), ["WARNING"]),
        (("-v", "models"), ["WARNING", "INFO"]),
        (("models", "--verbose"), ["WARNING", "INFO"]),
        (("models", "-vv"), ["WARNING", "INFO", "DEBUG"]),
        (("models", "--debug"), ["WARNING", "INFO", "DEBUG"]),
    ],
)
def test_verbose_options_choose_what_is_logged(monkeypatch, caplog, options, levels):
    def log(_):
        logger = logging.getLogger("rechroma.somewhere")
        for level in (logging.WARNING, logging.INFO, logging.DEBUG):
            logger.log(level, "a message")
        return iter(())

    monkeypatch.setattr(model_catalog, "list_models", log)
    assert rechroma(*options) == 0
    assert [record.levelname for record in caplog.records] == levels


def test_verbose_logs_to_standard_error(desk):
    command = [sys.executable, "-m", "rechroma.apps.cli.main", "-v", "export", "--onnx", "x.onnx"]
    shown = subprocess.run(
        [*command, "--check", "gone"], capture_output=True, text=True, check=False, cwd=desk
    )
    assert shown.returncode == 2
    assert not shown.stdout
    assert "INFO rechroma.apps.model_catalog: no models/restorer in " in shown.stderr
