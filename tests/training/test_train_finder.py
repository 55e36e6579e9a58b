import numpy as np
import pytest

from rechroma.data.gray_photos import GrayTiles
from rechroma.errors import UserError
from rechroma.models.damage_finder import load_finder
from rechroma.training.train_finder import finder_fingerprint, make_finder_trainer, train_finder


def test_a_training_on_tiles_is_logged_by_samples(photo, finder_settings, tmp_path):
    tiles = GrayTiles(np.stack([np.roll(photo[:, :96], 9 * n, axis=1) for n in range(4)]))
    settings, logged = finder_settings(validation=1), {}
    trainer = make_finder_trainer(settings, tiles)
    weights = train_finder(
        trainer, settings, tmp_path, lambda metrics, step: logged.update({step: metrics})
    )
    assert list(logged) == [8, 16, 24]
    names = {"lr", "samples_per_second", "train/loss", "validation/entropy"}
    assert names <= logged[24].keys()
    assert all("@" not in name for name in logged[24])
    assert load_finder(weights).settings.samples == 24


def test_no_samples_is_a_mistake(gray_photos, finder_settings):
    with pytest.raises(UserError, match=r"finder\.samples is 0, expected .* -S finder\.samples=6"):
        make_finder_trainer(finder_settings(samples=0), gray_photos)


def test_a_fingerprint_differs_by_what_the_finder_learns_from_alone(make_settings, tmp_path):
    def name(digest="d", **changes):
        settings = make_settings(**{key.replace("__", "."): each for key, each in changes.items()})
        return finder_fingerprint(settings, digest)

    assert name() == name(optim="lion") == name(model__encoder="resnet18")
    weights = tmp_path / "start.safetensors"
    weights.write_bytes(b"weights")
    start = name(finder__weights=str(weights))
    weights.write_bytes(b"other")
    names = [name(), name("e"), name(finder__lr=0.1), name(print_damage__tear=9.0), name(seed=9)]
    names += [start, name(finder__weights=str(weights))]
    assert len(set(names)) == len(names)
