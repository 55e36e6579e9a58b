"""Albums as people have them: masks in any layout, runs that go on, places to write to."""

import json
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from command_line import HOLE, get, made, mask_of, put, rechroma

from rechroma.imaging.color import to_luma


def same(one: str, other: str) -> bool:
    names = made(one)
    return names == made(other) and all(
        np.array_equal(get(f"{one}/{name}"), get(f"{other}/{name}")) for name in names
    )


@pytest.mark.parametrize("command", ["find-mask", "restore"])
def test_masks_that_were_written_for_an_album_are_those_of_the_album(damaged, restored, command):
    for number, name in enumerate(("1950/a.png", "1951/a.png", "b.bmp", "b.tif", "1951/c.bmp")):
        put(f"album/{name}", np.roll(damaged, 5 * number, axis=1))
    if command == "find-mask":
        assert rechroma("find-mask", "album", "--out", "masks") == 0
        assert restored("album", "--out", "first") == 0
    else:
        assert restored("album", "--out", "first", "--save-masks", "masks") == 0
    assert made("masks") == made("first")
    assert restored("album", "--mask", "masks", "--out", "second") == 0
    assert same("first", "second")


def test_masks_in_a_folder_of_the_album_are_not_restored(damaged, restored):
    put("album/deep/a.bmp", damaged)
    assert rechroma("find-mask", "album", "--out", "album/masks") == 0
    assert restored("album", "--mask", "album/masks", "--out", "new") == 0
    assert made("new") == ["deep/a.png"]


def test_a_photograph_without_a_mask_of_its_own_fails_alone(damaged, restored, capsys):
    for year in (1950, 1951):
        put(f"album/{year}/a.png", damaged)
    put("masks/1950/a.png", mask_of(HOLE))
    assert restored("album", "--mask", "masks", "--out", "new", "--report", "r.json") == 1
    assert made("new") == ["1950/a.png"]
    assert "album/1951/a.png: masks holds no mask for it" in capsys.readouterr().err
    report = json.loads(Path("r.json").read_text())
    assert report["failed_by_reason"] == {"no mask that is its own": 1}


def test_names_are_compared_composed(damaged, restored):
    put(unicodedata.normalize("NFD", "album/가족.png"), damaged)
    put(unicodedata.normalize("NFC", "masks/가족.png"), mask_of(HOLE))
    assert restored("album", "--mask", "masks", "--out", "new") == 0


def test_a_mask_beside_its_photograph_is_used_and_told(damaged, restored, capsys):
    given = mask_of(np.s_[60:80, 10:40])
    put("album/a.png", damaged)
    put("album/a_mask001.png", given)
    assert restored("album", "--out", "new") == 0
    assert made("new") == ["a.png"]
    again = to_luma(get("new/a.png"))
    assert np.array_equal(again[~given], damaged[~given])
    assert not np.array_equal(again[given], damaged[given])
    assert "a_mask001.png beside it was used as its mask" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        ({"a_mask.png": "photo"}, "a_mask.png beside it was not used: is the photograph itself"),
        ({"a_mask.png": "other"}, "a_mask.png beside it was not used: has "),
        (
            {"a_mask.png": "small"},
            "a_mask.png beside it was not used: its mask ",
        ),
        ({"a_mask1.png": "mask", "a_mask2.png": "mask"}, "beside it were not used, expected one"),
    ],
)
def test_files_beside_a_photograph_that_are_no_mask_are_not_used(
    damaged, restored, capsys, pictures, message
):
    contents = {
        "photo": damaged,
        "other": damaged[::-1],
        "small": mask_of(HOLE)[:50],
        "mask": mask_of(HOLE),
    }
    put("album/a.png", damaged)
    for name, content in pictures.items():
        put(f"album/{name}", contents[content])
    assert restored("album", "--out", "new", "--report", "r.json") == 0
    assert made("new") == ["a.png"]
    assert message in capsys.readouterr().err
    report = json.loads(Path("r.json").read_text())
    assert (report["doubtful"], report["masks_beside"]) == (1, len(pictures))
    assert report["photographs"][0]["mask"] == "found"


def test_masks_may_lie_beside_the_photographs_of_the_album(damaged, restored):
    put("album/a.png", damaged)
    put("album/a_mask.png", mask_of(HOLE))
    assert restored("album", "--mask", "album", "--out", "new") == 0
    assert made("new") == ["a.png"]


CHANGES = {
    "the photograph": (lambda: shutil.copy("other.png", "album/a.png"), []),
    "the mask": (lambda: put("masks/a.png", mask_of(np.s_[40:60, 20:50])), []),
    "an option": (lambda: None, ["--grow", "2"]),
    "the model": (lambda: shutil.copytree("other", "tiny", dirs_exist_ok=True), []),
    "the result": (lambda: Path("new/a.png").unlink(), []),
    "the index": (lambda: Path("new/.rechroma.json").write_text("{"), []),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_restored_again(damaged, restored, model, capsys, change):
    put("album/a.png", damaged)
    put("other.png", damaged[::-1])
    put("masks/a.png", mask_of(HOLE))
    model("other")
    card = json.loads(Path("other/model.json").read_text())
    card["restore"]["size"] = 64
    Path("other/model.json").write_text(json.dumps(card))
    arguments = ("album", "--mask", "masks", "--out", "new", "--skip-done")
    assert restored(*arguments) == 0
    assert restored(*arguments) == 0
    assert "1 skipped" in capsys.readouterr().err
    act, options = CHANGES[change]
    act()
    assert restored(*arguments, *options) == 0
    assert "1 restored" in capsys.readouterr().err
    assert restored(*arguments, *options) == 0
    assert "1 skipped" in capsys.readouterr().err


def test_photographs_stay_done_in_moved_folders_and_no_path_is_written(
    damaged, restored, desk, capsys
):
    put("album/deep/a.png", damaged)
    assert restored(str(desk / "album"), "--out", str(desk / "new")) == 0
    index = Path("new/.rechroma.json").read_text()
    assert desk.name not in index
    assert "album" not in index
    Path("album").rename("scans")
    Path("new").rename("moved")
    assert restored("scans", "--out", "moved", "--skip-done") == 0
    assert "1 skipped" in capsys.readouterr().err


def test_a_single_file_has_an_index_only_where_it_is_asked_for(damaged, restored, capsys):
    put("old.png", damaged)
    assert restored("old.png", "--out", "new.png") == 0
    assert not Path(".rechroma.json").exists()
    for _ in range(2):
        assert restored("old.png", "--out", "new.png", "--skip-done") == 0
    assert "1 skipped" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "new", "--report", "folder"], "--report is folder, a folder; expected a file"),
        (["--out", "new", "--report", "notes.txt/r.json"], "--report: notes.txt is a file, so"),
        (["--out", "new", "--report", "old.png"], "--report is old.png, a photograph or a mask"),
        (["--out", "new", "--save-masks", "notes.txt/m"], "--save-masks: notes.txt is a file, so"),
        (["--out", "new", "--save-masks", "new"], "--save-masks is new, where the photographs go"),
        (["--out", "new", "--save-masks", "."], "old.png would be overwritten, choose another"),
        (["--out", "notes.txt/new"], "--out: notes.txt is a file, so notes.txt/new cannot be"),
        (["--out", "notes.txt/new.png"], "--out: notes.txt is a file, so notes.txt cannot be"),
        (["--out", "locked/new"], "--out: cannot write into locked (Permission denied), choose"),
        (["--out", "new", "--report", "locked/r.json"], "--report: cannot write into locked ("),
    ],
)
def test_places_that_cannot_be_written_are_told_before_any_work(
    damaged, capsys, monkeypatch, options, message
):
    import tempfile

    real = tempfile.TemporaryFile

    def deny(*arguments, **choices):  # permissions do not, as tests in containers run as root
        if Path(choices["dir"]).name == "locked":
            raise PermissionError(13, "Permission denied", "locked")
        return real(*arguments, **choices)

    monkeypatch.setattr("tempfile.TemporaryFile", deny)
    monkeypatch.setattr("rechroma.apps.model_catalog.load_named_model", None)
    put("old.png", damaged)
    for folder in ("folder", "locked"):
        Path(folder).mkdir()
    Path("notes.txt").touch()
    before = {path.as_posix() for path in Path().rglob("*")}
    assert rechroma("restore", "old.png", *options) == 2
    assert message in capsys.readouterr().err
    assert {path.as_posix() for path in Path().rglob("*")} == before


def test_little_room_on_the_disk_is_told(damaged, restored, capsys, monkeypatch):
    put("old.png", damaged)
    monkeypatch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 1 << 20))
    assert restored("old.png", "--out", "new") == 0
    assert "only 1 MiB are free at " in capsys.readouterr().err


def test_a_report_that_cannot_be_written_at_last_is_one_line(
    damaged, restored, capsys, monkeypatch
):
    def fail(*_):
        raise OSError(28, "No space left on device")

    put("old.png", damaged)
    monkeypatch.setattr("rechroma.outputs.write_json", fail)
    assert restored("old.png", "--out", "new", "--report", "r.json") == 2
    shown = capsys.readouterr().err
    assert "1 restored" in shown
    assert "--report: r.json cannot be written (No space left on device)" in shown


def test_files_that_are_no_photographs_are_counted_by_suffix(damaged, restored, capsys):
    put("album/a.png", damaged)
    for name in ("b.TXT", "c.txt", "d.nef", "README", ".hidden"):
        Path(f"album/{name}").touch()
    arguments = ("album", "--out", "album/new", "--report", "album/r.json")
    for _ in range(2):
        assert restored(*arguments) == 0
        assert "no photographs: 2 .txt, 1 .nef, 1 no suffix\n" in capsys.readouterr().err
    report = json.loads(Path("album/r.json").read_text())
    assert report["skipped_by_suffix"] == {".txt": 2, ".nef": 1, "no suffix": 1}


def test_with_strict_a_doubt_is_a_failure(damaged, photo, restored, capsys):
    put("album/a.png", damaged)
    put("album/sound.png", to_luma(photo))
    put("album/late.jpg", damaged)
    put("album/dark.tif", damaged.astype(np.uint16))
    arguments = ("album", "--out", "new", "--save-masks", "masks", "--report", "r.json")
    assert restored(*arguments, "--strict") == 1
    assert made("new") == made("masks") == ["a.png", "sound.png"]
    shown = capsys.readouterr().err
    assert "album/late.jpg: doubtful, so nothing was written: the file was saved as JPEG" in shown
    assert "album/dark.tif: doubtful, so nothing was written: uses only levels to " in shown
    report = json.loads(Path("r.json").read_text())
    assert report["failed_by_reason"] == {"doubtful": 2}
    assert restored(*arguments) == 0
    assert "of these 1 color only, 2 doubtful" in capsys.readouterr().err


def test_a_large_hole_is_a_doubt(damaged, restored, capsys):
    put("a.png", damaged)
    put("mask.png", mask_of(np.s_[20:60, 30:80]))
    assert restored("a.png", "--mask", "mask.png", "--out", "new") == 0
    line = "a.png: 16% lost, mask mask.png; a hole 40 px wide, 42% of the photograph, is invented"
    assert line in capsys.readouterr().err


def test_only_what_matters_is_a_line_of_an_album(damaged, photo, restored, capsys):
    put("album/a.png", damaged)
    put("album/sound.png", to_luma(photo))
    assert restored("album", "--out", "new") == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("album/")]
    assert lines == ["album/sound.png: no damage found, color only"]


def test_on_a_terminal_the_counts_are_a_table(damaged, restored, capsys, monkeypatch):
    put("album/a.png", damaged)
    Path("album/b.txt").touch()
    monkeypatch.setattr("rechroma.progress.on_terminal", lambda: True)
    assert restored("album", "--out", "new") == 0
    rows = [line.strip(" │") for line in capsys.readouterr().err.splitlines() if "│" in line]
    assert [row.split() for row in rows] == [
        ["restored", "│", "1"],
        ["no", "photographs", "│", "1"],
        [".txt", "│", "1"],
    ]


def test_the_score_pairs_folders_as_masks_are_paired(photo, capsys):
    for year in (1950, 1951):
        put(f"targets/{year}/a.png", photo)
        put(f"restored/{year}/a.png", photo // (year - 1949))
        put(f"masks/{year}/a.png", mask_of(HOLE).astype(np.uint8))  # 0 and 1
    arguments = ("--target", "targets", "--restored", "restored", "--masks", "masks")
    assert rechroma("score", *arguments) == 0
    assert json.loads(capsys.readouterr().out)["photos"] == 2
    Path("restored/1951/a.png").unlink()
    assert rechroma("score", *arguments) == 2
    assert "targets/1951/a.png: restored holds no restored picture for it" in (
        capsys.readouterr().err
    )
