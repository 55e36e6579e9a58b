import numpy as np
import pytest
from PIL import Image

from rechroma import storage
from rechroma.damage import draw
from rechroma.errors import UserError
from rechroma.inference import TorchInference
from rechroma.photos import luma as luma_of
from rechroma.restoring import Restorer


@pytest.fixture
def restorer(outspoken):
    return lambda settings: Restorer(TorchInference(outspoken(settings)), settings.restore)


@pytest.fixture
def tiny(make_settings):
    def make(**changes):
        return make_settings(**({"model.encoder": "tu-test_resnet"} | changes))

    return make


@pytest.fixture
def damaged(photo, make_settings):
    return draw(luma_of(photo), make_settings().damage, np.random.default_rng(3))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model.output": "rgb"},
        {"model.two_stage": True},
        {"model.fill": "none", "model.mask": False},
        {"restore.size": 64},
    ],
)
def test_the_gray_outside_the_damage_comes_back_exactly(restorer, tiny, damaged, changes):
    gray, mask = damaged
    restored = restorer(tiny(**changes))(gray, mask)
    assert restored.shape == (*gray.shape, 3)
    again = np.asarray(Image.fromarray(restored).convert("L"))
    np.testing.assert_array_equal(again[~mask], gray[~mask])
    assert not np.array_equal(again[mask], gray[mask])
    assert restored.std(axis=-1).max() > 0


def test_without_keeping_the_gray_the_network_has_the_word(restorer, tiny, damaged):
    gray, mask = damaged
    restored = restorer(tiny(**{"model.output": "rgb", "model.keep_gray": False}))(gray, mask)
    again = np.asarray(Image.fromarray(restored).convert("L"))
    assert not np.array_equal(again[~mask], gray[~mask])


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (33, 7), (70, 201)])
def test_any_size_can_be_restored(restorer, tiny, shape):
    gray = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    mask = np.zeros(shape, bool)
    mask[: shape[0] // 2, : shape[1] // 2] = True
    restored = restorer(tiny(**{"restore.size": 64}))(gray, mask)
    again = np.asarray(Image.fromarray(restored).convert("L"))
    np.testing.assert_array_equal(again[~mask], gray[~mask])


def test_a_saved_model_restores_the_same(restorer, tiny, damaged, tmp_path):
    settings = tiny()
    first = restorer(settings)
    storage.save(first.inference.network, settings.restore, tmp_path)
    second = storage.load(tmp_path)
    np.testing.assert_array_equal(first(*damaged), second(*damaged))


def test_half_precision_halves_the_file_and_hardly_changes_a_photograph(
    restorer, tiny, damaged, tmp_path
):
    settings = tiny()
    full = restorer(settings)
    for name, half in (("full", False), ("half", True)):
        storage.save(
            full.inference.network, settings.restore, tmp_path / name, half, {"license": "x"}
        )
    sizes = [(tmp_path / name / storage.WEIGHTS).stat().st_size for name in ("full", "half")]
    assert sizes[1] < 0.6 * sizes[0]
    restored = storage.load(tmp_path / "half")(*damaged).astype(int)
    assert np.abs(restored - full(*damaged)).mean() < 1


def test_weights_that_are_not_the_ones_described_are_refused(restorer, tiny, tmp_path):
    settings = tiny()
    storage.save(restorer(settings).inference.network, settings.restore, tmp_path)
    weights = tmp_path / storage.WEIGHTS
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(UserError, match=r"damaged or another file: expected sha256 \w{12}…"):
        storage.load(tmp_path)


def test_a_folder_without_a_model_is_one_clear_message(tmp_path):
    with pytest.raises(UserError, match=r"holds no model, expected model\.json"):
        storage.load(tmp_path)
    (tmp_path / "model.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match="describes no model of this version"):
        storage.load(tmp_path)
