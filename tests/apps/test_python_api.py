import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import get, mask_of, put, rechroma
from PIL import Image

import rechroma as package
from rechroma import metrics
from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.models.restoration import RestorationNetwork
from rechroma.models.store import save_model

HOLE = np.s_[20:50, 30:70]


def cut_off() -> Image.Image:
    """An opened image whose file ends too early."""
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)).save("whole.png")
    return Image.open(io.BytesIO(Path("whole.png").read_bytes()[:2000]))


@pytest.fixture
def gray(photo):
    damaged = np.array(Image.fromarray(photo).convert("L"))
    damaged[damaged == 40] = 41
    damaged[HOLE] = 40
    return damaged


@pytest.fixture
def model(make_settings, tmp_path, monkeypatch):
    """A tiny model in the current folder, where the project's own is."""
    monkeypatch.chdir(tmp_path)
    settings = make_settings(**{"model.encoder": "tu-test_resnet"})
    save_model(RestorationNetwork(settings.model), settings.restore, tmp_path / "models/restorer")
    return tmp_path / "models/restorer"


def test_holes_are_filled_as_asked_for(gray, model):
    restored = [
        np.asarray(package.restore(gray, model=model, aim=aim, holes=holes))
        for aim, holes in (("score", None), ("eye", None), ("eye", "smooth"), ("eye", "texture"))
    ]
    for_score, for_eye, smooth, texture = (picture[HOLE] for picture in restored)
    np.testing.assert_array_equal(for_eye, texture)
    assert (for_score != texture).any()
    assert (texture != smooth).any()
    with pytest.raises(UserError, match="holes is 'textures', did you mean 'texture'"):
        package.restore(gray, model=model, holes="textures")


def test_paths_images_and_arrays_give_the_same_photograph(gray, model):
    Image.fromarray(gray).save("old.png")
    from_path = package.restore("old.png")
    assert from_path.mode == "RGB"
    assert from_path.size == (128, 96)
    for photo in (Image.fromarray(gray), gray, np.dstack([gray] * 3)):
        np.testing.assert_array_equal(package.restore(photo, model=model), from_path)


@pytest.mark.usefixtures("model")
def test_a_color_photograph_keeps_its_color_as_by_the_command(photo, gray):
    put("color.png", photo)
    assert rechroma("restore", "color.png", "--out", "new.png") == 0
    kept = package.restore("color.png")
    np.testing.assert_array_equal(kept, get("new.png"))
    known = ~package.find_damage("color.png")
    np.testing.assert_array_equal(np.array(kept)[known], photo[known])
    replaced = package.restore("color.png", color="replace")
    np.testing.assert_array_equal(np.array(replaced.convert("L"))[known], to_luma(photo)[known])
    sepia = (gray[..., None] * np.array([1, 0.9, 0.75])).astype(np.uint8)
    toned = package.restore(sepia, np.zeros(gray.shape, bool))
    np.testing.assert_array_equal(toned.convert("L"), to_luma(sepia))


def test_it_restores_as_the_command_does(gray):
    Image.fromarray(gray).save("old.png")
    assert rechroma("restore", "old.png", "--out", "new.png") == 0
    np.testing.assert_array_equal(package.restore("old.png"), get("new.png"))


@pytest.mark.usefixtures("model")
def test_the_known_gray_is_kept(gray):
    restored = np.array(package.restore(gray, mask_of(HOLE)).convert("L"))
    np.testing.assert_array_equal(restored[~mask_of(HOLE)], gray[~mask_of(HOLE)])


@pytest.mark.parametrize("levels", [1, 255])
@pytest.mark.usefixtures("model")
def test_masks_of_all_kinds_mean_the_same(gray, levels):
    mask = mask_of(HOLE)
    expected = package.restore(gray, mask)
    np.testing.assert_array_equal(package.restore(gray, mask.astype(np.uint8) * levels), expected)
    picture = Image.fromarray(mask.astype(np.uint8) * 255)
    np.testing.assert_array_equal(package.restore(gray, picture), expected)


@pytest.mark.parametrize("color", [(0, 0, 0), (255, 255, 255), (220, 30, 30)])
@pytest.mark.usefixtures("model")
def test_the_painted_part_of_a_transparent_mask_is_lost(gray, color):
    layer = np.zeros((*gray.shape, 4), np.uint8)
    layer[HOLE] = (*color, 255)
    Image.fromarray(layer).save("mask.png")
    expected = package.restore(gray, mask_of(HOLE))
    for mask in ("mask.png", Image.fromarray(layer)):
        np.testing.assert_array_equal(package.restore(gray, mask), expected)
    layer[...] = 0
    nothing = package.restore(gray, np.zeros(gray.shape, bool))
    np.testing.assert_array_equal(package.restore(gray, Image.fromarray(layer)), nothing)


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("RGB", "png"), ("P", "png"), ("RGB", "tif"), ("L", "tif"), ("CMYK", "tif"), ("RGBA", "tif")],
)
@pytest.mark.usefixtures("model")
def test_every_kind_of_file_gives_the_same_as_the_command(photo, mode, suffix):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(photo).convert(mode).save(f"old.{suffix}", exif=exif)
    assert rechroma("restore", f"old.{suffix}", "--out", "new.png") == 0
    expected = get("new.png")
    assert expected.shape == (128, 96, 3)
    np.testing.assert_array_equal(package.restore(f"old.{suffix}"), expected)
    with Image.open(f"old.{suffix}") as picture:
        np.testing.assert_array_equal(package.restore(picture), expected)


def test_a_model_trained_again_is_loaded_again(gray, model, make_settings, outspoken):
    first = package.restore(gray)
    assert package.restore(gray) == first
    settings = make_settings(**{"model.encoder": "tu-test_resnet"})
    save_model(outspoken(settings), settings.restore, model)
    assert package.restore(gray) != first


@pytest.mark.usefixtures("model")
def test_a_loaded_model_is_used_as_it_is(gray):
    loaded = package.load_model("models/restorer")
    np.testing.assert_array_equal(package.restore(gray, model=loaded), package.restore(gray))


def test_photographs_are_restored_for_the_eye_unless_for_the_score(
    gray, model, make_settings, outspoken
):
    settings = make_settings(**{"model.encoder": "tu-test_resnet"})
    save_model(outspoken(settings), settings.restore, model)
    pictures = {aim: np.asarray(package.restore(gray, aim=aim)) for aim in ("eye", "score")}
    assert not np.array_equal(*pictures.values())
    np.testing.assert_array_equal(package.restore(gray), pictures["eye"])
    loaded = package.load_model(aim="score")
    np.testing.assert_array_equal(package.restore(gray, model=loaded), pictures["score"])
    np.testing.assert_array_equal(package.restore(gray, model=loaded, aim="eye"), pictures["eye"])


@pytest.mark.usefixtures("model")
def test_the_orientation_of_images_is_applied(gray):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(gray).save("turned.png", exif=exif)
    assert package.restore("turned.png").size == (96, 128)
    assert package.restore(Image.open("turned.png")).size == (96, 128)


def test_the_damage_is_found(gray):
    np.testing.assert_array_equal(package.find_damage(gray), mask_of(HOLE))


def test_groups_choose_what_is_lost(gray):
    np.testing.assert_array_equal(package.find_damage(gray, groups=["flat"]), mask_of(HOLE))
    assert not package.find_damage(gray, groups=["line"]).any()
    with pytest.raises(UserError, match="groups: has 'cats', expected some of line, spot"):
        package.find_damage(gray, groups=["line", "cats"])


def test_the_score_is_the_official_one(photo, gray):
    restored = np.dstack([gray] * 3)
    expected = metrics.score(photo, restored, mask_of(HOLE))
    assert package.score(photo, restored, mask_of(HOLE)) == expected
    assert package.score(Image.fromarray(photo), gray, mask_of(HOLE)) == expected


def test_true_is_white_in_color_arrays(photo):
    light = photo > 127
    levels = light.astype(np.uint8) * 255
    mask = mask_of(HOLE)
    assert package.score(photo, light, mask) == package.score(photo, levels, mask)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda _: package.restore("none.png"), "none.png: is missing"),
        (lambda gray: package.restore(gray, gray[1:] > 0), "mask: is 128x95 px, expected 128x96"),
        (lambda gray: package.restore(gray, gray >= 0), "mask: hides the whole photograph"),
        (lambda gray: package.restore(gray / 255), r"photo: is an array of shape \(96, 128\)"),
        (lambda gray: package.restore(gray, [[1, 0], [1]]), "mask: is no regular array"),
        (lambda gray: package.restore(gray, -np.ones((96, 128), int)), "mask: is an array of num"),
        (lambda gray: package.score(gray, gray[:, 1:], gray), "restored: is 127x96 px, expected"),
        (
            lambda gray: package.restore(gray, aim="ear"),
            "aim is 'ear', expected one of: eye, score",
        ),
        (lambda _: package.load_model("none"), "none holds no model"),
        (lambda _: package.restore(cut_off()), "photo: cannot be read: image file is truncated"),
        (lambda _: package.restore(3), "photo: is an array of shape"),
        (lambda gray: package.restore(gray, color="kept"), "color is 'kept', did you mean 'keep'?"),
        (lambda gray: package.restore(gray, tone="on"), "tone is 'on', expected one of: auto, off"),
    ],
)
@pytest.mark.usefixtures("model")
def test_a_mistake_is_one_clear_message(gray, call, message):
    with pytest.raises(UserError, match=message):
        call(gray)


def test_the_import_is_light():
    code = (
        "import sys, rechroma; "
        "assert not {'numpy', 'torch', 'PIL'} & sys.modules.keys(); "
        "assert set(rechroma.__all__) <= set(dir(rechroma)); rechroma.restore"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'restor'"):
        _ = package.restor
