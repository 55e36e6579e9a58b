import json
import os
from pathlib import Path

import numpy as np
import pytest
from command_line import HOLE, get, made, mask_of, put, rechroma
from PIL import Image

from rechroma.apps.batch import image_file
from rechroma.apps.batch.image_file import read_image_file
from rechroma.deployment.load import load_model
from rechroma.imaging.color import to_luma
from rechroma.models.weights import BUNDLED_FOLDER


def test_without_a_model_in_the_project_the_bundled_one_is_used_and_named(damaged, capsys):
    put("old.bmp", damaged)
    assert rechroma("restore", "old.bmp", "--out", "new/restored") == 0
    restored = get("new/restored/old.png")
    assert np.array_equal(restored, load_model(BUNDLED_FOLDER, aim="eye")(damaged, mask_of(HOLE)))
    assert np.ptp(restored.astype(int), axis=2).max() > 0
    assert "the bundled one, for research use only" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("folder", "named"), [("mine", ["--model", "mine"]), ("models/restorer", [])]
)
def test_a_model_adds_color_and_keeps_the_known_gray(damaged, model, capsys, folder, named):
    model(folder)
    put("old.png", damaged)
    assert rechroma("restore", "old.png", "--out", "restored", *named) == 0
    restored = get("restored/old.png")
    hole = mask_of(HOLE)
    assert np.array_equal(restored, load_model(Path(folder), aim="eye")(damaged, hole))
    assert np.ptp(restored.astype(int), axis=2).max() > 0
    assert np.array_equal(np.asarray(Image.fromarray(restored).convert("L"))[~hole], damaged[~hole])
    assert ("model: models/restorer" in capsys.readouterr().err) == (not named)


def test_the_aim_may_be_the_official_score_and_skipping_notices_it(damaged, model):
    model("mine")
    put("old.png", damaged)
    command = ("restore", "old.png", "--out", "restored", "--model", "mine", "--skip-done")
    for aim in ("score", "eye"):
        assert rechroma(*command, "--aim", aim) == 0
        expected = load_model(Path("mine"), aim=aim)(damaged, mask_of(HOLE))
        assert np.array_equal(get("restored/old.png"), expected)


def test_a_named_model_takes_precedence_over_that_of_the_project(damaged, model):
    Path("models/restorer").mkdir(parents=True)
    model("mine")
    put("old.png", damaged)
    assert rechroma("restore", "old.png", "--out", "restored") == 2
    assert rechroma("restore", "old.png", "--out", "restored", "--model", "mine") == 0


def test_folders_are_searched_and_their_structure_is_kept(damaged):
    for name in ("one.png", "deep/er/one.tif", "deep/two.bmp", ".hidden.png"):
        put(f"album/{name}", damaged)
    Path("album/notes.txt").write_text("no photograph")
    put("single.webp", damaged)
    assert rechroma("restore", "album", "single.webp", "--out", "restored") == 0
    assert made("restored") == ["deep/er/one.png", "deep/two.png", "one.png", "single.png"]


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (33, 7)])
def test_the_smallest_photographs_are_restored(model, shape):
    model("mine")
    put("old.png", np.full(shape, 90, np.uint8))
    assert rechroma("restore", "old.png", "--out", "restored", "--model", "mine") == 0
    assert get("restored/old.png").shape == (*shape, 3)


def test_the_light_part_of_a_mask_is_lost(damaged):
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
        ("other.png", (96, 128), "old.png: masks holds no mask for it, expected old.png there"),
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
    assert made("out") == ["a.png", "c.png"]
    shown = capsys.readouterr().err
    assert "rechroma: album/bad.png: is no picture, expected PNG" in shown
    summary = "2 restored, 1 failed" if command == "restore" else "1 of 3 photographs failed"
    assert summary in shown


@pytest.mark.parametrize("command", ["restore", "find-mask"])
def test_photographs_of_one_stem_are_told_apart_and_those_of_one_name_are_refused(
    damaged, model, capsys, command
):
    model("models/restorer")
    for name in ("a.bmp", "b.png", "c.bmp", "c.png", "c.tif", "deep/a.png"):
        put(f"album/{name}", damaged)
    put("b.png", damaged)
    assert rechroma(command, "album", "b.png", "--out", "out") == 1
    assert made("out") == ["a.png", "c.bmp.png", "c.png.png", "c.tif.png", "deep/a.png"]
    shown = capsys.readouterr().err
    lines = [line for line in shown.splitlines() if "would" in line]
    assert lines == ["rechroma: album/b.png and b.png would both become out/b.png, rename one"]
    if command == "restore":
        assert "3 photographs share their name with another" in shown
        assert "album/c.bmp becomes out/c.bmp.png" in shown
        assert "failed: 2 the same output as another" in shown


def test_an_older_result_is_kept_where_a_photograph_of_its_stem_is_added(damaged, restored):
    put("album/a.png", damaged)
    assert restored("album", "--out", "new") == 0
    before = Path("new/a.png").read_bytes()
    put("album/a.tif", 255 - damaged)
    assert restored("album", "--out", "new", "--report", "report.json") == 0
    assert Path("new/a.png").read_bytes() == before
    rows = json.loads(Path("report.json").read_text(encoding="utf-8"))["photographs"]
    assert [row["restored"] for row in rows] == ["new/a.png.png", "new/a.tif.png"]


@pytest.mark.parametrize(
    ("arguments", "file", "kind"),
    [
        (["--out", "new.jpg"], "new.jpg", "JPEG"),
        (["--out", "deep/new.TIF"], "deep/new.TIF", "TIFF"),
        (["--out", "new", "--format", "webp"], "new/old.webp", "WEBP"),
        (["--out", "new.jpeg", "--format", "jpeg"], "new.jpeg", "JPEG"),
    ],
)
def test_the_format_is_that_of_the_suffix_or_of_the_option(
    damaged, restored, arguments, file, kind
):
    put("old.png", damaged)
    assert restored("old.png", *arguments) == 0
    with Image.open(file) as picture:
        assert (picture.format, picture.mode, picture.size) == (kind, "RGB", (128, 96))
        difference = np.abs(np.asarray(picture.convert("L")).astype(int) - damaged)
    assert difference[~mask_of(HOLE)].max() <= (8 if kind == "JPEG" else 0)


def test_masks_side_by_sides_and_a_report_are_written_on_request(damaged, restored, capsys):
    put("album/deep/old.bmp", damaged)
    wanted = ("--save-masks", "masks", "--grow", "4", "--side-by-side", "--report", "r/report.json")
    assert restored("album", "--out", "new", *wanted) == 0
    assert made("new") == ["deep/old-side-by-side.png", "deep/old.png"]
    lost = get("masks/deep/old.png") == 255
    assert lost[16:54, 34:66].all()
    assert not lost[15].any()
    report = json.loads(Path("r/report.json").read_text(encoding="utf-8"))
    assert (report["model"], report["restored"], report["failed"]) == ("tiny", 1, 0)
    (row,) = report["photographs"]
    assert (row["photo"], row["restored"]) == ("album/deep/old.bmp", "new/deep/old.png")
    assert row["lost"] == pytest.approx(lost.mean(), abs=1e-6)
    assert "1 restored in 0:0" in capsys.readouterr().err


def test_a_saved_mask_beside_a_single_file_has_the_photographs_name(damaged, restored):
    put("album/old.bmp", damaged)
    assert restored("album/old.bmp", "--out", "new.jpg", "--save-masks", "masks") == 0
    assert made("masks") == ["old.png"]


def test_the_polarity_of_a_mask_can_be_stated(damaged, restored):
    put("old.png", damaged)
    put("mask.png", mask_of(np.s_[:, :60]))
    assert restored("old.png", "--out", "new", "--mask", "mask.png") == 1
    stated = ("--mask", "mask.png", "--mask-polarity", "black")
    assert restored("old.png", "--out", "new", *stated) == 0
    assert np.array_equal(to_luma(get("new/old.png"))[:, :60], damaged[:, :60])


def test_color_is_kept_with_a_message_or_replaced_on_request(photo, restored, capsys):
    put("old.png", photo)
    put("mask.png", mask_of(HOLE))
    known = ~mask_of(HOLE)
    assert restored("old.png", "--out", "new", "--mask", "mask.png") == 0
    assert "looks like a color photograph: keeping its color" in capsys.readouterr().err
    assert np.array_equal(get("new/old.png")[known], photo[known])
    assert restored("old.png", "--out", "new", "--mask", "mask.png", "--keep-color") == 0
    assert "color" not in capsys.readouterr().err
    assert np.array_equal(get("new/old.png")[known], photo[known])
    assert restored("old.png", "--out", "new", "--mask", "mask.png", "--recolor") == 0
    assert not np.array_equal(get("new/old.png")[known], photo[known])


def test_color_is_not_both_kept_and_replaced(photo, restored, capsys):
    put("old.png", photo)
    assert restored("old.png", "--out", "new", "--keep-color", "--recolor") == 2
    assert "not allowed with argument --keep-color" in capsys.readouterr().err


def test_a_border_is_cut_off_and_the_report_has_its_box(damaged, restored):
    scan = np.full((120, 160), 5, np.uint8)
    scan[12:108, 16:144] = damaged
    put("old.png", scan)
    assert (
        restored("old.png", "--out", "new", "--crop", "--tone", "auto", "--report", "r.json") == 0
    )
    assert get("new/old.png").shape == (96, 128, 3)
    (entry,) = json.loads(Path("r.json").read_text())["photographs"]
    assert entry["border"] == [16, 12, 144, 108]


@pytest.mark.parametrize("options", [[], ["--keep-color"]], ids=str)
def test_holes_get_texture_unless_smooth_ones_are_wanted(damaged, restored, options):
    command = ["damaged.png", "--mask", "mask.png", *options]
    put("damaged.png", damaged)
    put("mask.png", mask_of(HOLE))
    chosen = {"default": [], "smooth": ["--holes", "smooth"], "texture": ["--holes", "texture"]}
    for name, holes in chosen.items():
        assert restored(*command, "--out", f"{name}.png", *holes) == 0
    assert np.array_equal(get("default.png"), get("texture.png"))
    assert not np.array_equal(get("default.png")[HOLE], get("smooth.png")[HOLE])


def test_restored_photographs_are_skipped_and_changed_ones_are_not(damaged, restored, capsys):
    for name in ("a", "b"):
        put(f"album/{name}.png", damaged)
    assert restored("album", "--out", "new", "--skip-done") == 0
    first = {name: Path(f"new/{name}.png").stat().st_mtime_ns for name in ("a", "b")}
    put("album/b.png", damaged[::-1])
    os.utime("album/b.png", (1, 1))
    os.utime("album/a.png")
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


def test_an_original_that_lies_in_the_folder_of_the_results_is_restored(damaged, restored):
    put("album/new/one.bmp", damaged)
    assert restored("album", "--out", "album/new") == 0
    assert made("album") == ["new/new/one.png", "new/one.bmp"]


def interrupting(monkeypatch, at: int) -> None:
    """Ctrl-C while the photograph number `at` is being written."""
    write = image_file.write_png
    written = []

    def write_png(file, *arguments):
        written.append(file)
        if len(written) == at:
            file.write_bytes(b"half a pict")
            raise KeyboardInterrupt
        write(file, *arguments)

    monkeypatch.setattr(image_file, "write_png", write_png)


def test_an_interrupted_album_leaves_complete_files_and_its_report(
    damaged, restored, capsys, monkeypatch
):
    for name in ("a", "b", "c"):
        put(f"album/{name}.png", damaged)
    interrupting(monkeypatch, at=2)
    one_by_one = ("--jobs", "1", "--report", "report.json")
    assert restored("album", "--out", "new", *one_by_one) == 130
    assert made("new") == ["a.png"]
    assert get("new/a.png").shape == (96, 128, 3)
    report = json.loads(Path("report.json").read_text(encoding="utf-8"))
    assert [row["photo"] for row in report["photographs"]] == ["album/a.png"]
    shown = capsys.readouterr().err
    assert "1 restored in " in shown
    assert shown.endswith("rechroma: stopped; all files that were written are complete\n")


def test_a_photograph_without_damage_is_named(photo, capsys):
    put("old.png", to_luma(photo))
    assert rechroma("restore", "old.png", "--out", "restored") == 0
    assert "old.png: no damage found, color only\n" in capsys.readouterr().err
    assert np.array_equal(to_luma(get("restored/old.png")), to_luma(photo))
    assert rechroma("find-mask", "old.png", "--out", "masks") == 0
    assert "old.png: no damage found\n" in capsys.readouterr().err
    assert not get("masks/old.png").any()


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


def deep_of(damaged: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(5).integers(0, 256, damaged.shape)
    deep = (damaged.astype(np.uint16) * 256 + noise).astype(np.uint16)
    deep[HOLE] = 60 * 257
    return deep


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_are_restored_into_16_bits_of_exactly_the_same_gray(damaged, restored, suffix):
    deep = deep_of(damaged)
    put("old.png", deep)
    assert restored("old.png", "--out", f"new{suffix}") == 0
    pixels = read_image_file(Path(f"new{suffix}")).pixels
    assert (pixels.shape, pixels.dtype) == ((96, 128, 3), np.uint16)
    known = ~mask_of(HOLE)
    np.testing.assert_array_equal(to_luma(pixels)[known], deep[known])


def test_a_depth_of_8_is_that_of_the_high_bytes(damaged, restored, capsys):
    deep = deep_of(damaged)
    put("old.png", deep)
    assert restored("old.png", "--out", "new.png", "--depth", "8") == 0
    assert get("new.png").dtype == np.uint8
    known = ~mask_of(HOLE)
    gray = to_luma(get("new.png"))
    np.testing.assert_array_equal(gray[known], (deep >> 8)[known])
    assert "16 bits were reduced to 8, as --depth 8 asks" in capsys.readouterr().err


def test_8_bits_can_be_restored_into_16(damaged, restored):
    put("old.png", damaged)
    assert restored("old.png", "--out", "new.tif", "--depth", "16") == 0
    pixels = read_image_file(Path("new.tif")).pixels
    known = ~mask_of(HOLE)
    np.testing.assert_array_equal(to_luma(pixels)[known], damaged[known] * np.uint16(257))


def test_16_bits_in_a_format_of_8_are_a_mistake(damaged, restored, capsys):
    put("old.png", damaged)
    for options in (["--out", "new.jpg"], ["--out", "new", "--format", "webp"]):
        assert restored("old.png", *options, "--depth", "16") == 2
    assert "--depth is 16 but webp holds 8 bits" in capsys.readouterr().err
    assert not Path("new").exists()


@pytest.mark.parametrize("name", ["new.bmp", "new.HEIC", "new.gif"])
def test_an_output_in_a_format_that_is_not_written_is_a_mistake(damaged, restored, capsys, name):
    put("old.png", damaged)
    assert restored("old.png", "--out", name) == 2
    assert f"{name}: {Path(name).suffix.lower()} is not written" in capsys.readouterr().err
    assert not Path(name).exists()


@pytest.mark.parametrize(
    ("name", "out"), [("avif", "new.avif"), ("jpeg2000", "new.jp2"), ("jpeg", "new.jfif")]
)
def test_further_formats_are_written(damaged, restored, name, out):
    put("old.png", damaged)
    assert restored("old.png", "--out", out) == 0
    assert restored("old.png", "--out", "folder", "--format", name) == 0
    with Image.open(out) as picture, Image.open(Path("folder") / made("folder")[0]) as other:
        assert picture.format == other.format == name.upper()
        assert picture.size == other.size == (128, 96)


def test_the_undecoded_part_of_a_photograph_is_restored_and_named(damaged, restored, capsys):
    put("old.jpg", damaged)
    Path("old.jpg").write_bytes(Path("old.jpg").read_bytes()[:-900])
    assert restored("old.jpg", "--out", "new.png", "--report", "report.json") == 0
    assert "could not be decoded" in capsys.readouterr().err
    (entry,) = json.loads(Path("report.json").read_text())["photographs"]
    assert entry["lost"] > 0.1
    assert "could not be decoded" in entry["warnings"][0]
