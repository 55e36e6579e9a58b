"""The commands `restore`, `find-mask` and `models`, from the command line to the files."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from command_line import HOLE, mask_of, put, rechroma
from PIL import Image

from rechroma.deployment.load import load_model
from rechroma.imaging.color import to_luma
from rechroma.imaging.io import encode_png
from rechroma.models.weights import BUNDLED_FOLDER


@pytest.fixture(autouse=True)
def at_desk(desk):
    """Commands run in an empty folder."""


def get(file: str) -> np.ndarray:
    return np.asarray(Image.open(file))


def test_without_a_model_of_ones_own_the_packages_restores_and_the_user_is_informed(
    damaged, capsys
):
    put("old.bmp", damaged)
    assert rechroma("restore", "old.bmp", "--out", "new/restored") == 0
    restored = get("new/restored/old.png")
    assert np.array_equal(restored, load_model(BUNDLED_FOLDER)(damaged, mask_of(HOLE)))
    assert np.ptp(restored.astype(int), axis=2).max() > 0
    assert "the bundled one, for research use only" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("folder", "named"), [("mine", ["--model", "mine"]), ("models/restorer", [])]
)
def test_a_model_colors_and_keeps_the_known_gray(damaged, model, capsys, folder, named):
    model(folder)
    put("old.png", damaged)
    assert rechroma("restore", "old.png", "--out", "restored", *named) == 0
    restored = get("restored/old.png")
    hole = mask_of(HOLE)
    assert np.array_equal(restored, load_model(Path(folder))(damaged, hole))
    assert np.ptp(restored.astype(int), axis=2).max() > 0
    assert np.array_equal(np.asarray(Image.fromarray(restored).convert("L"))[~hole], damaged[~hole])
    assert ("model: models/restorer" in capsys.readouterr().err) == (not named)


def test_the_model_named_goes_before_the_one_of_the_project(damaged, model):
    Path("models/restorer").mkdir(parents=True)
    model("mine")
    put("old.png", damaged)
    assert rechroma("restore", "old.png", "--out", "restored") == 2
    assert rechroma("restore", "old.png", "--out", "restored", "--model", "mine") == 0


def test_a_folder_is_searched_through_and_its_folders_are_kept(damaged):
    for name in ("one.png", "deep/er/one.tif", "deep/two.bmp", ".hidden.png"):
        put(f"album/{name}", damaged)
    Path("album/notes.txt").write_text("no photograph")
    put("single.webp", damaged)
    assert rechroma("restore", "album", "single.webp", "--out", "restored") == 0
    written = {path.relative_to("restored").as_posix() for path in Path("restored").rglob("*.*")}
    assert written == {"one.png", "deep/er/one.png", "deep/two.png", "single.png"}


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (33, 7)])
def test_the_smallest_photographs_are_restored(model, shape):
    model("mine")
    put("old.png", np.full(shape, 90, np.uint8))
    assert rechroma("restore", "old.png", "--out", "restored", "--model", "mine") == 0
    assert get("restored/old.png").shape == (*shape, 3)


def test_a_given_mask_says_what_is_lost_light_is(damaged):
    given = mask_of(np.s_[60:80, 10:40])
    put("old.png", damaged)
    put("masks/old.bmp", np.where(given, 128, 127).astype(np.uint8))
    assert rechroma("restore", "old.png", "--out", "restored", "--mask", "masks") == 0
    restored = to_luma(get("restored/old.png"))
    assert np.array_equal(restored[~given], damaged[~given])
    assert not np.array_equal(restored[given], damaged[given])


@pytest.mark.parametrize(
    ("mask", "shape", "message"),
    [
        ("old.png", (10, 12), "old.png: its mask masks/old.png is 12x10 px, expected 128x96 px"),
        ("other.png", (96, 128), "old.png: its mask masks/old.png is missing"),
    ],
)
def test_a_photograph_without_a_fitting_mask_fails(damaged, capsys, mask, shape, message):
    put("old.png", damaged)
    put(f"masks/{mask}", np.zeros(shape, np.uint8))
    assert rechroma("restore", "old.png", "--out", "restored", "--mask", "masks") == 1
    assert f"rechroma: {message}\n" in capsys.readouterr().err
    assert not Path("restored").exists()


@pytest.mark.parametrize("command", ["restore", "find-mask"])
def test_one_bad_file_is_named_and_the_good_ones_are_written(damaged, capsys, command):
    put("album/a.png", damaged)
    Path("album/bad.png").write_bytes(b"no picture")
    put("album/c.png", damaged)
    assert rechroma(command, "album", "--out", "out") == 1
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.png", "c.png"]
    shown = capsys.readouterr().err
    assert "rechroma: album/bad.png: is no picture, expected PNG" in shown
    told = "2 restored, 1 failed" if command == "restore" else "1 of 3 photographs failed"
    assert told in shown


@pytest.mark.parametrize("command", ["restore", "find-mask"])
def test_photographs_that_would_become_one_file_are_named_once_and_the_rest_goes_on(
    damaged, model, capsys, command
):
    model("models/restorer")
    for name in ("a.bmp", "b.png", "c.bmp", "c.png", "c.tif", "deep/a.png"):
        put(f"album/{name}", damaged)
    put("b.png", damaged)
    assert rechroma(command, "album", "b.png", "--out", "out") == 1
    assert made("out") == ["a.png", "deep/a.png"]
    told = [line for line in capsys.readouterr().err.splitlines() if "would" in line]
    assert told == [
        "rechroma: album/b.png and b.png would both become out/b.png, rename one",
        "rechroma: album/c.bmp, album/c.png and album/c.tif would all become out/c.png, "
        "rename all but one",
    ]


def test_an_older_result_stays_where_another_photograph_would_become_it_too(
    damaged, restored, capsys
):
    put("album/a.png", damaged)
    assert restored("album", "--out", "new") == 0
    before = Path("new/a.png").read_bytes()
    put("album/a.tif", 255 - damaged)
    assert restored("album", "--out", "new", "--report", "report.json") == 1
    assert Path("new/a.png").read_bytes() == before
    assert "2 failed" in capsys.readouterr().err
    rows = json.loads(Path("report.json").read_text(encoding="utf-8"))["photographs"]
    message = "album/a.png and album/a.tif would both become new/a.png, rename one"
    assert [(row["photo"], row["error"]) for row in rows] == [
        ("album/a.png", message),
        ("album/a.tif", message),
    ]


@pytest.fixture
def restored(model):
    """Runs `rechroma restore` with an untrained model: `restored("album", "--out", "new")`."""
    model("tiny")
    return lambda *arguments: rechroma("restore", *arguments, "--model", "tiny")


def made(folder: str) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*.*"))


@pytest.mark.parametrize(
    ("arguments", "file", "kind"),
    [
        (["--out", "new.jpg"], "new.jpg", "JPEG"),
        (["--out", "deep/new.TIF"], "deep/new.TIF", "TIFF"),
        (["--out", "new", "--format", "webp"], "new/old.webp", "WEBP"),
        (["--out", "new.jpeg", "--format", "jpeg"], "new.jpeg", "JPEG"),
    ],
)
def test_the_format_is_the_one_of_the_files_name_or_of_the_option(
    damaged, restored, arguments, file, kind
):
    put("old.png", damaged)
    assert restored("old.png", *arguments) == 0
    with Image.open(file) as picture:
        assert (picture.format, picture.mode, picture.size) == (kind, "RGB", (128, 96))
        difference = np.abs(np.asarray(picture.convert("L")).astype(int) - damaged)
    assert difference[~mask_of(HOLE)].max() <= (8 if kind == "JPEG" else 0)


def test_masks_grown_side_by_sides_and_a_report_come_along(damaged, restored, capsys):
    put("album/deep/old.bmp", damaged)
    wanted = ("--save-masks", "masks", "--grow", "4", "--side-by-side", "--report", "r/report.json")
    assert restored("album", "--out", "new", *wanted) == 0
    assert made("new") == ["deep/old-side-by-side.png", "deep/old.png"]
    lost = get("masks/deep/old.png") == 255
    assert lost[16:54, 34:66].all()
    assert not lost[15].any()
    told = json.loads(Path("r/report.json").read_text(encoding="utf-8"))
    assert (told["model"], told["restored"], told["failed"]) == ("tiny", 1, 0)
    (row,) = told["photographs"]
    assert (row["photo"], row["restored"]) == ("album/deep/old.bmp", "new/deep/old.png")
    assert row["lost"] == pytest.approx(lost.mean(), abs=1e-6)
    assert "1 restored in 0:0" in capsys.readouterr().err


def test_a_saved_mask_beside_a_single_file_has_the_photographs_name(damaged, restored):
    put("album/old.bmp", damaged)
    assert restored("album/old.bmp", "--out", "new.jpg", "--save-masks", "masks") == 0
    assert made("masks") == ["old.png"]


def test_a_masks_polarity_can_be_stated(damaged, restored):
    put("old.png", damaged)
    put("mask.png", mask_of(np.s_[:, :60]))
    assert restored("old.png", "--out", "new", "--mask", "mask.png") == 1
    stated = ("--mask", "mask.png", "--mask-polarity", "black")
    assert restored("old.png", "--out", "new", *stated) == 0
    assert np.array_equal(to_luma(get("new/old.png"))[:, :60], damaged[:, :60])


def test_color_is_kept_where_that_is_asked_for(photo, restored, capsys):
    put("old.png", photo)
    put("mask.png", mask_of(HOLE))
    assert restored("old.png", "--out", "new", "--mask", "mask.png", "--keep-color") == 0
    known = ~mask_of(HOLE)
    assert np.array_equal(get("new/old.png")[known], photo[known])
    assert "color" not in capsys.readouterr().err


def test_what_is_done_is_skipped_and_what_changed_is_not(damaged, restored, capsys):
    for name in ("a", "b"):
        put(f"album/{name}.png", damaged)
    assert restored("album", "--out", "new", "--skip-done") == 0
    first = {name: Path(f"new/{name}.png").stat().st_mtime_ns for name in ("a", "b")}
    later = Path("new/b.png").stat().st_mtime + 10
    os.utime("album/b.png", (later, later))
    put("album/c.png", damaged)
    assert restored("album", "--out", "new", "--skip-done") == 0
    assert "2 restored, 1 skipped" in capsys.readouterr().err
    second = {name: Path(f"new/{name}.png").stat().st_mtime_ns for name in ("a", "b")}
    assert first["a"] == second["a"]
    assert first["b"] < second["b"]


@pytest.mark.parametrize("way", ["album", "./album", "absolute", "../{here}/album"])
def test_an_album_is_restored_again_into_itself_without_its_own_results(
    damaged, restored, desk, way
):
    named = str(desk / "album") if way == "absolute" else way.format(here=desk.name)
    put("album/old.bmp", damaged)
    kept = ("--save-masks", "album/masks", "--side-by-side")
    for _ in range(2):
        assert restored(named, "--out", "album/new", *kept) == 0
        assert made("album") == [
            "masks/old.png",
            "new/old-side-by-side.png",
            "new/old.png",
            "old.bmp",
        ]


def test_found_masks_in_the_album_are_not_searched_for_damage_themselves(damaged):
    put("album/old.bmp", damaged)
    for _ in range(2):
        assert rechroma("find-mask", "album", "--out", "album/masks") == 0
        assert made("album") == ["masks/old.png", "old.bmp"]


def test_an_original_that_lies_in_the_folder_of_the_results_is_restored(damaged, restored):
    put("album/new/one.bmp", damaged)
    assert restored("album", "--out", "album/new") == 0
    assert made("album") == ["new/new/one.png", "new/one.bmp"]


def interrupting(monkeypatch, at: int) -> None:
    """Ctrl-C while the photograph number `at` is being written."""
    write = Image.Image.save
    written = []

    def save(picture, file, *arguments, **options):
        written.append(file)
        if len(written) == at:
            Path(file).write_bytes(b"half a pict")
            raise KeyboardInterrupt
        write(picture, file, *arguments, **options)

    monkeypatch.setattr(Image.Image, "save", save)


def test_an_interrupted_album_leaves_whole_files_and_the_report_of_what_was_done(
    damaged, restored, capsys, monkeypatch
):
    for name in ("a", "b", "c"):
        put(f"album/{name}.png", damaged)
    interrupting(monkeypatch, at=2)
    assert restored("album", "--out", "new", "--report", "report.json") == 130
    assert sorted(path.name for path in Path("new").iterdir()) == ["a.png"]
    assert get("new/a.png").shape == (96, 128, 3)
    told = json.loads(Path("report.json").read_text(encoding="utf-8"))
    assert [row["photo"] for row in told["photographs"]] == ["album/a.png"]
    shown = capsys.readouterr().err
    assert "1 restored in " in shown
    assert shown.endswith("rechroma: stopped; all files that were written are complete\n")


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


def test_a_watched_folder_is_restored_as_photographs_arrive(damaged, restored, capsys, monkeypatch):
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
    told = json.loads(Path("report.json").read_text(encoding="utf-8"))
    assert [row["photo"] for row in told["photographs"]] == ["scans/a.png", "scans/b.png"]
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


def test_models_are_listed_with_score_and_license(model, capsys, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    model("models/restorer")
    assert rechroma("models") == 0
    first, score, rights, own, *_ = capsys.readouterr().out.splitlines()
    assert first == "(bundled, the default without another)"
    assert score.startswith("    score: ")
    assert rights.startswith("    license: Research use only")
    assert own == "models/restorer"


def test_where_nothing_is_damaged_the_user_is_informed(photo, capsys):
    put("old.png", to_luma(photo))
    assert rechroma("restore", "old.png", "--out", "restored") == 0
    assert "old.png: no damage found, color only\n" in capsys.readouterr().err
    assert np.array_equal(to_luma(get("restored/old.png")), to_luma(photo))
    assert rechroma("find-mask", "old.png", "--out", "masks") == 0
    assert "old.png: no damage found\n" in capsys.readouterr().err
    assert not get("masks/old.png").any()


def test_a_found_mask_is_a_picture_of_0_and_255(damaged):
    put("deep/old.bmp", damaged)
    assert rechroma("find-mask", "deep", "--out", "masks") == 0
    with Image.open("masks/old.png") as picture:
        assert (picture.format, picture.mode) == ("PNG", "L")
    assert np.array_equal(get("masks/old.png"), np.where(mask_of(HOLE), 255, 0))


def test_found_masks_can_be_given_back(damaged):
    put("old.png", damaged)
    assert rechroma("find-mask", "old.png", "--out", "masks") == 0
    assert rechroma("restore", "old.png", "--out", "given", "--mask", "masks") == 0
    assert rechroma("restore", "old.png", "--out", "found") == 0
    assert np.array_equal(get("given/old.png"), get("found/old.png"))


def test_the_backend_is_printed_where_it_is_not_onnx_on_the_cpu(damaged, model, capsys, caplog):
    put("old.png", damaged)
    assert rechroma("restore", "old.png", "--out", "onnx") == 0
    assert capsys.readouterr().err.startswith("model: the bundled one, for research use only\n")
    assert rechroma("restore", "old.png", "--out", "torch", "--backend", "torch") == 0
    named = "model: the bundled one, for research use only (torch, cpu)\n"
    assert capsys.readouterr().err.startswith(named)
    assert np.abs(get("onnx/old.png").astype(int) - get("torch/old.png")).max() <= 1
    assert rechroma("restore", "old.png", "--out", "new", "--device", "directml") == 0
    assert "onnxruntime cannot compute on 'directml' here, the CPU is used instead" in caplog.text
    model("mine")
    assert (
        rechroma("restore", "old.png", "--out", "mine.png", "--model", "mine", "--device", "cpu")
        == 0
    )
    assert "model: mine (torch, cpu)\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--backend", "tensorflow"], "invalid choice: 'tensorflow'"),
        (["--backend", "torch", "--device", "coreml"], "'coreml' is none of the backend 'torch'"),
        (
            ["--backend", "onnx", "--model", "mine"],
            "mine holds no restorer.onnx, which the backend",
        ),
    ],
)
def test_a_backend_that_cannot_be_used_is_one_line(damaged, model, capsys, options, message):
    put("old.png", damaged)
    model("mine")
    assert rechroma("restore", "old.png", "--out", "new", *options) == 2
    assert message in capsys.readouterr().err
