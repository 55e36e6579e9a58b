import json
import os
from pathlib import Path

import pytest

from rechroma.outputs import whole_file, whole_folder, write_json


def test_a_complete_folder_replaces_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "prepared"
    for content in ("old", "new"):
        with whole_folder(folder) as part:
            (part / content).touch()
            assert not (folder / content).exists()
    assert [file.name for file in folder.iterdir()] == ["new"]
    assert [file.name for file in tmp_path.iterdir()] == ["prepared"]


def test_an_error_keeps_the_old_folder(tmp_path: Path) -> None:
    folder = tmp_path / "prepared"
    folder.mkdir()
    (folder / "old").touch()
    with pytest.raises(RuntimeError, match="stop"), whole_folder(folder) as part:
        (part / "new").touch()
        raise RuntimeError("stop")
    assert [file.name for file in folder.iterdir()] == ["old"]
    assert [file.name for file in tmp_path.iterdir()] == ["prepared"]


def test_leftovers_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    for stale in ("prepared.part", "prepared.old.part"):
        (tmp_path / stale).mkdir()
        (tmp_path / stale / "stale").touch()
    with whole_folder(tmp_path / "prepared") as part:
        assert not list(part.iterdir())
    assert [file.name for file in tmp_path.iterdir()] == ["prepared"]


def test_an_error_keeps_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("old")
    with pytest.raises(RuntimeError, match="stop"), whole_file(file) as part:
        part.write_text("half of the n")
        raise RuntimeError("stop")
    assert file.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]


def test_json_keeps_its_order_and_letters(tmp_path: Path) -> None:
    write_json(tmp_path / "new/report.json", {"z": "색", "a": 1})
    text = (tmp_path / "new/report.json").read_text(encoding="utf-8")
    assert text == '{\n  "z": "색",\n  "a": 1\n}\n'
    assert json.loads(text) == {"z": "색", "a": 1}


def test_a_name_of_the_largest_length_is_written(tmp_path: Path) -> None:
    for name in ("x" * 255, "색" * 85):
        with whole_file(tmp_path / name) as part:
            part.touch()
        assert (tmp_path / name).exists()
    assert len(list(tmp_path.iterdir())) == 2


def test_json_escapes_a_file_name_that_is_not_utf_8(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    write_json(tmp_path / "report.json", {"photo": name})
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == {"photo": name}
