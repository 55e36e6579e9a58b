import pytest
import torch
from safetensors.torch import save_file

from rechroma.models.restoration import RestorationNetwork
from rechroma.training.checkpoint import Checkpoint
from rechroma.training.stored_features import StoredFeatures, store_features
from rechroma.training.trainer import Trainer, fit

LEVELS = (2, 1)


def encode(planes):
    """Three maps of other sizes, the first of which is large."""
    pooled = [torch.nn.functional.avg_pool2d(planes, size) for size in (1, 2, 4)]
    return [1e6 * pooled[0], pooled[1], torch.cat([pooled[2], -pooled[2]], dim=1)]


@pytest.fixture
def planes():
    return torch.randn((4, 2, 8, 8), generator=torch.Generator().manual_seed(0))


@pytest.fixture
def stored(tmp_path):
    return lambda: StoredFeatures(encode, tmp_path / "kept" / "maps.features", LEVELS)


def agree(maps, planes):
    for level in LEVELS:
        torch.testing.assert_close(maps[level], encode(planes)[level], rtol=1e-3, atol=1e-3)


def test_features_are_computed_once_for_each_sample(stored, planes):
    features = stored()
    agree(features(planes[:3]), planes[:3])
    again = planes[[2, 3, 0]]
    agree(features(again), again)
    assert features.computed == 4
    assert features(planes)[0].numel() == 0


def test_a_later_process_reads_what_is_kept(stored, planes):
    stored()(planes)
    later = stored()
    agree(later(planes), planes)
    assert later.computed == 0


def test_a_record_that_was_cut_off_is_written_anew(stored, planes):
    first = stored()
    first(planes)
    content = first.file.read_bytes()
    first.file.write_bytes(content[:-5])
    later = stored()
    agree(later(planes), planes)
    assert later.computed == 1
    assert first.file.read_bytes() == content


def test_values_beyond_half_precision_are_its_largest(tmp_path, planes):
    features = StoredFeatures(encode, tmp_path / "maps.features")
    assert features(planes)[0].abs().max() == 65504


@pytest.fixture
def settings(tiny_settings, tmp_path):
    """A frozen encoder whose samples repeat after two epochs; the network is that of a file."""

    def make(**changes):
        changes = {
            "model.decoder": "context",
            "model.output": "chroma_bins",
            "model.hues": False,
            "loss": "bins",
            "train.views": 2,
            "train.epochs": 4,
        } | changes
        file = tmp_path / "start.safetensors"
        if not file.exists():
            torch.manual_seed(0)
            save_file(RestorationNetwork(tiny_settings(**changes).model).state_dict(), file)
        return tiny_settings(**changes, **{"model.weights": str(file)})

    return make


def test_training_computes_each_view_once_and_learns_as_without_stored_features(
    settings, prepared, tmp_path, monkeypatch
):
    import rechroma.training.trainer as module

    kept = []
    for stores in (True, False):
        trainer = Trainer(settings(), prepared)
        if not stores:
            monkeypatch.setattr(module, "store_features", lambda *_: None)
        fit(trainer, tmp_path / f"model-{stores}", Checkpoint(tmp_path / f"resume-{stores}"))
        kept.append(trainer)
    encoder = kept[0].step.network.color_network.encoder
    assert encoder.forward.stored.computed == 2 * 8
    losses = [[record["train/bins"] for record in trainer.progress.history] for trainer in kept]
    assert losses[0] == pytest.approx(losses[1], rel=1e-2)


def test_an_encoder_that_learns_is_not_stored(settings, tmp_path):
    network = RestorationNetwork(settings(**{"model.frozen": False}).model)
    store_features(network, 2, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_without_views_nothing_is_stored(settings, tmp_path):
    store_features(RestorationNetwork(settings().model), 0, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
