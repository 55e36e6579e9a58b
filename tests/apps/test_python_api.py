import subprocess
import sys

import numpy as np
import pytest
from command_line import mask_of, rechroma
from PIL import Image

import rechroma as package
from rechroma import metrics
from rechroma.errors import UserError
from rechroma.models.restoration import RestorationNetwork
from rechroma.models.store import save_model

HOLE = np.s_[20:50, 30:70]


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


def test_paths_images_and_arrays_give_the_same_photograph(gray, model):
    Image.fromarray(gray).save("old.png")
    from_path = package.restore("old.png")
    assert from_path.mode == "RGB"
    assert from_path.size == (128, 96)
    for photo in (Image.fromarray(gray), gray, np.dstack([gray] * 3)):
        np.testing.assert_array_equal(package.restore(photo, model=model), from_path)


@pytest.mark.usefixtures("model")
def test_it_restores_as_the_command_does(gray):
    Image.fromarray(gray).save("old.png")
    assert rechroma("restore", "old.png", "--out", "new.png") == 0
    np.testing.assert_array_equal(package.restore("old.png"), Image.open("new.png"))


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


@pytest.mark.usefixtures("model")
def test_a_loaded_model_is_used_as_it_is(gray):
    loaded = package.load_model("models/restorer")
    np.testing.assert_array_equal(package.restore(gray, model=loaded), package.restore(gray))


@pytest.mark.usefixtures("model")
def test_the_orientation_of_images_is_applied(gray):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(gray).save("turned.png", exif=exif)
    assert package.restore("turned.png").size == (96, 128)
    assert package.restore(Image.open("turned.png")).size == (96, 128)


def test_the_damage_is_found(gray):
    np.testing.assert_array_equal(package.find_damage(gray), mask_of(HOLE))


def test_the_score_is_the_official_one(photo, gray):
    restored = np.dstack([gray] * 3)
    expected = metrics.score(photo, restored, mask_of(HOLE))
    assert package.score(photo, restored, mask_of(HOLE)) == expected
    assert package.score(Image.fromarray(photo), gray, mask_of(HOLE)) == expected


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda _: package.restore("none.png"), "none.png: is missing"),
        (lambda gray: package.restore(gray, gray[1:] > 0), "mask: is 128x95 px, expected 128x96"),
        (lambda gray: package.restore(gray, gray >= 0), "mask: hides the whole photograph"),
        (lambda gray: package.restore(gray / 255), r"photo: is an array of shape \(96, 128\)"),
        (lambda gray: package.score(gray, gray[:, 1:], gray), "restored: is 127x96 px, expected"),
        (lambda _: package.load_model("none"), "none holds no model"),
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
