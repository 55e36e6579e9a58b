import json
import os
from pathlib import Path

import numpy as np
import pytest
from command_line import HOLE, get, made, mask_of, put

from rechroma.imaging.color import to_luma
from rechroma.imaging.io import encode_png


def watching(monkeypatch, *looks) -> None:
    """Between looks at the watched folder, one after the other; then Ctrl-C."""
    waiting = iter(looks)

    def sleep(_):
        look = next(waiting, None)
        if look is None:
            raise KeyboardInterrupt
        look()

    monkeypatch.setattr("rechroma.apps.cli.restore.time.sleep", sleep)


def nothing() -> None:
    """As long as nothing happens."""


def test_photographs_added_to_a_watched_folder_are_restored(damaged, restored, capsys, monkeypatch):
    Path("scans").mkdir()
    whole = encode_png(damaged)

    def arrives(content):
        return lambda: Path("scans/b.png").write_bytes(content)

    put("scans/a.png", damaged)
    counts = []
    steps = [arrives(whole[:900]), arrives(whole), lambda: counts.append(made("new")), nothing]
    watching(monkeypatch, *steps)
    assert restored("scans", "--out", "new", "--watch", "--report", "report.json") == 0
    assert counts == [["a.png"]]  # b.png was still being written
    assert made("new") == ["a.png", "b.png"]
    report = json.loads(Path("report.json").read_text(encoding="utf-8"))
    assert [row["photo"] for row in report["photographs"]] == ["scans/a.png", "scans/b.png"]
    assert "no longer watching\n2 restored" in capsys.readouterr().err


def test_an_empty_folder_can_be_watched_and_a_bad_file_is_reported_once(
    restored, capsys, monkeypatch
):
    Path("scans").mkdir()
    arrives = [lambda: Path("scans/bad.png").write_bytes(b"no picture")]
    watching(monkeypatch, *arrives, *[nothing] * 5)
    assert restored("scans", "--out", "new", "--watch") == 1
    assert capsys.readouterr().err.count("scans/bad.png: is no picture") == 1


def test_a_photograph_changed_while_watched_is_restored_again(damaged, restored, monkeypatch):
    put("scans/a.png", damaged)

    def changes():
        put("scans/a.png", 255 - damaged)
        later = Path("new/a.png").stat().st_mtime + 10
        os.utime("scans/a.png", (later, later))

    watching(monkeypatch, changes, nothing, nothing)
    assert restored("scans", "--out", "new", "--watch") == 0
    known = ~mask_of(HOLE)
    assert np.array_equal(to_luma(get("new/a.png"))[known], (255 - damaged)[known])


def test_two_photographs_of_one_name_are_reported_while_watching(
    damaged, restored, capsys, monkeypatch
):
    put("scans/a.png", damaged)

    def arrives():
        put("scans/a.bmp", 255 - damaged)
        later = Path("new/a.png").stat().st_mtime + 10
        os.utime("scans/a.bmp", (later, later))
        put("scans/b.png", damaged)

    known = ~mask_of(HOLE)

    meanwhile = []
    looks = [lambda: meanwhile.extend(made("new"))]
    renames = [lambda: Path("scans/a.png").rename("scans/c.png")]
    watching(monkeypatch, arrives, nothing, nothing, *looks, *renames, nothing, nothing)
    assert restored("scans", "--out", "new", "--watch") == 1
    shown = capsys.readouterr().err
    assert shown.count("scans/a.bmp and scans/a.png would both become new/a.png, rename one") == 1
    assert meanwhile == ["a.png", "b.png"]
    assert np.array_equal(to_luma(get("new/a.png"))[known], (255 - damaged)[known])
    assert made("new") == ["a.png", "b.png", "c.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "new.png"], "--watch needs a folder as --out"),
        (["--out", "notes.txt"], "notes.txt is a file, expected a folder to write into"),
    ],
)
def test_watching_needs_a_folder_to_write_into(damaged, restored, capsys, arguments, message):
    put("scans/a.png", damaged)
    Path("notes.txt").touch()
    assert restored("scans", *arguments, "--watch") == 2
    assert message in capsys.readouterr().err
