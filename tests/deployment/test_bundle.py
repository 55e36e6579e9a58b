import json
import subprocess
import sys
from shutil import copytree

import numpy as np
import pytest
from PIL import Image

from rechroma.deployment import bundle, onnx_export
from rechroma.deployment.bundle import SIZE_LIMIT, write_bundle
from rechroma.deployment.load import load_model
from rechroma.deployment.onnx_export import OnnxDifference
from rechroma.errors import UserError
from rechroma.imaging.color import to_luma
from rechroma.models.card import CARD, ONNX, ONNX_SUM, WEIGHTS, WEIGHTS_SUM
from rechroma.models.restoration import RestorationNetwork
from rechroma.models.store import StoredModel
from rechroma.models.weights import BUNDLED_FOLDER, EYE_FOLDER


def test_the_bundled_model_restores(damaged):
    restore = load_model(BUNDLED_FOLDER)
    hole = np.zeros(damaged.shape, bool)
    hole[20:50, 30:70] = True
    restored = restore(damaged, hole)
    assert np.array_equal(to_luma(restored)[~hole], damaged[~hole])
    assert np.ptp(restored.astype(int), axis=2).max() > 0


@pytest.mark.parametrize("folder", [BUNDLED_FOLDER, EYE_FOLDER])
def test_the_bundled_models_are_small_and_their_cards_name_license_and_training(folder):
    sizes = [file.stat().st_size for file in BUNDLED_FOLDER.rglob("*") if file.is_file()]
    assert max(sizes) <= SIZE_LIMIT * 2**20
    assert sum(sizes) < 29e6  # the package stays under 30 MB
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    assert "Research use only" in card["license"]
    assert len(card[WEIGHTS_SUM]) == len(card[ONNX_SUM]) == 64
    assert card["trained"]


@pytest.mark.parametrize("aim", ["eye", "score"])
def test_the_bundled_onnx_files_are_those_of_the_bundled_weights(damaged, aim):
    mask = damaged == 60
    pictures = []
    for backend in ("onnx", "torch"):
        restore = load_model(BUNDLED_FOLDER, backend, "cpu", aim)
        assert restore.backend.engine == backend
        pictures.append(restore(damaged, mask).astype(int))
    np.testing.assert_allclose(*pictures, rtol=0, atol=1)


BLOCKED = (
    *("torch", "torchvision", "timm", "segmentation_models_pytorch", "lightning_fabric"),
    *("mlflow", "dvc", "pandas", "skimage", "sklearn", "scipy", "matplotlib", "safetensors"),
    *("onnx", "albumentations", "gradio"),
)


def test_photographs_are_restored_without_anything_that_trains(damaged, tmp_path):
    Image.fromarray(damaged).save(tmp_path / "old.png")
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({BLOCKED!r}))\n"
        "from rechroma.apps.cli.main import main; main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", program, "restore", "old.png", "--out", "new.png"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "model: the bundled one, for research use only\n" in done.stderr
    restored = np.asarray(Image.open(tmp_path / "new.png")).astype(int)
    expected = load_model(EYE_FOLDER, "torch", "cpu")(damaged, damaged == 60)
    np.testing.assert_allclose(restored, expected, rtol=0, atol=1)


def test_a_written_bundle_has_its_card_and_can_be_loaded(tiny_settings, tmp_path):
    settings = tiny_settings()
    network = RestorationNetwork(settings.model).eval()
    weights = write_bundle(
        StoredModel(network, settings.restore), {"trained": "here"}, tmp_path / "weights"
    )
    assert load_model(weights.parent).settings == settings.restore
    assert json.loads(weights.with_name("model.json").read_text())["trained"] == "here"


def test_a_model_too_large_is_refused_and_the_earlier_bundle_stays(
    tiny_settings, tmp_path, monkeypatch
):
    settings = tiny_settings()
    stored = StoredModel(RestorationNetwork(settings.model), settings.restore)
    weights = write_bundle(stored, {"trained": "first"}, tmp_path / "weights")
    monkeypatch.setattr(bundle, "SIZE_LIMIT", 0)
    with pytest.raises(UserError, match="MiB in half precision, expected at most 0 MiB"):
        write_bundle(stored, {"trained": "second"}, tmp_path / "weights")
    assert json.loads(weights.with_name("model.json").read_text())["trained"] == "first"


def test_a_written_bundle_has_its_onnx_file_with_a_sum(untrained, tiny_settings, tmp_path):
    folder = write_bundle(untrained(tiny_settings()), {}, tmp_path / "weights").parent
    assert sorted(file.name for file in folder.iterdir()) == [CARD, ONNX, WEIGHTS]
    assert load_model(folder).backend.engine == "onnx"
    assert len(json.loads((folder / CARD).read_text())[ONNX_SUM]) == 64


@pytest.fixture
def earlier(tmp_path):
    """The folder of a bundle, with an earlier card in it."""
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / CARD).write_text("earlier")
    return tmp_path / "weights"


@pytest.fixture
def compare(monkeypatch, luma):
    """Both files differ as given, photograph by photograph; gives those to compare on."""

    def make(differences):
        remaining = iter(differences)

        def compare_with_torch(file, _, damaged, mask):
            assert (file.name, damaged is luma, mask is lost) == (ONNX, True, True)
            return OnnxDifference(1e-6, 1e-6, 1, 0.0)._replace(**next(remaining))

        lost = np.zeros(luma.shape, bool)
        monkeypatch.setattr(onnx_export, "compare_with_torch", compare_with_torch)
        return [(f"{number}.png", luma, lost) for number in range(len(differences))]

    return make


@pytest.mark.parametrize(
    ("differences", "message"),
    [
        ([{}, {"color": 2e-3}], r"1\.png: ONNX differs from torch by 0\.002 in color and 1e-06 in"),
        ([{"hues": 2e-3}], r"0\.png: ONNX differs from torch by 1e-06 in color and 0\.002 in hues"),
        ([{"color": float("nan")}], r"0\.png: ONNX differs from torch by nan in color"),
        ([{}, {"levels": 2}, {}], r"1 of 3 photographs are restored .*: 1\.png by 2 of 255 levels"),
        ([{"levels": 3}] * 2 + [{}] * 100, r"2 of 102 .*: 0\.png by 3, 1\.png by 3 of 255 levels"),
    ],
)
def test_files_that_restore_photographs_differently_are_refused_and_the_earlier_bundle_stays(
    untrained, tiny_settings, earlier, compare, differences, message
):
    with pytest.raises(UserError, match=message + r".* the earlier bundled model stays$"):
        write_bundle(untrained(tiny_settings()), {}, earlier, compare(differences))
    assert [file.read_text() for file in earlier.iterdir()] == ["earlier"]


@pytest.mark.parametrize("differences", [[], [{}], [{"levels": 3}] + [{}] * 99])
def test_one_of_a_hundred_photographs_may_differ_where_hues_are_equally_good(
    untrained, tiny_settings, earlier, compare, differences
):
    write_bundle(untrained(tiny_settings()), {}, earlier, compare(differences))
    assert load_model(earlier).backend.engine == "onnx"


def test_an_aim_of_the_bundled_models_is_a_model_of_its_own():
    eye, score = (load_model(BUNDLED_FOLDER, aim=aim) for aim in ("eye", "score"))
    assert eye.backend.model.output == "chroma_bins"
    assert score.backend.model.hues
    assert (eye.settings.aim, score.settings.aim) == ("eye", "score")
    assert load_model(BUNDLED_FOLDER).settings.aim == "score"


def test_shared_weights_are_checked_too(tmp_path):
    folder = tmp_path / "copy"
    copytree(EYE_FOLDER, folder)
    weights = folder / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    with pytest.raises(UserError, match=r"weights\.safetensors is damaged or another file"):
        load_model(folder)


def test_shipping_one_model_keeps_the_other(untrained, tiny_settings, tmp_path):
    folder = tmp_path / "weights"
    write_bundle(untrained(tiny_settings()), {"trained": "for the eye"}, folder / EYE_FOLDER.name)
    write_bundle(untrained(tiny_settings()), {"trained": "for the score"}, folder)
    cards = [json.loads((each / CARD).read_text()) for each in (folder, folder / EYE_FOLDER.name)]
    assert [card["trained"] for card in cards] == ["for the score", "for the eye"]
