import json

import pytest
import torch

from rechroma.data.finder_samples import FinderSamples
from rechroma.errors import UserError
from rechroma.models.damage_finder import load_finder
from rechroma.training.finder_trainer import FinderTrainer, fit_finder


@pytest.fixture
def make_trainer(gray_photos):
    def make(settings):
        parts = (
            gray_photos,
            settings.print_damage,
            settings.damage,
            settings.finder,
            settings.seed,
        )
        return FinderTrainer(settings, FinderSamples(*parts), FinderSamples(*parts, kept_back=True))

    return make


def test_a_training_reports_and_leaves_averaged_weights(make_trainer, finder_settings, tmp_path):
    settings, reports = finder_settings(), []
    trainer = make_trainer(settings)
    weights = fit_finder(trainer, settings, tmp_path / "run", reports.append)
    assert [report["samples"] for report in reports] == [8, 16, 24]
    assert {"loss", "lr", "rate", "validation/entropy"} <= reports[0].keys()
    lines = (tmp_path / "run/log.jsonl").read_text().splitlines()
    assert [json.loads(line)["samples"] for line in lines] == [8, 16, 24]
    averaged = trainer.averaged.state_dict()
    for name, tensor in load_finder(weights).state_dict().items():
        assert torch.equal(tensor, averaged[name]), name


class KilledError(Exception):
    pass


def test_an_interrupted_training_goes_on_as_if_it_was_not(make_trainer, finder_settings, tmp_path):
    settings = finder_settings()
    whole = fit_finder(make_trainer(settings), settings, tmp_path / "whole")

    def kill(report):
        if report["samples"] == 16:
            raise KilledError

    with pytest.raises(KilledError):
        fit_finder(make_trainer(settings), settings, tmp_path / "parts", kill)
    parts = fit_finder(make_trainer(settings), settings, tmp_path / "parts")
    expected = load_finder(whole).state_dict()
    for name, tensor in load_finder(parts).state_dict().items():
        assert torch.allclose(tensor.float(), expected[name].float(), atol=1e-5), name


def test_a_folder_of_other_settings_is_refused(make_trainer, finder_settings, tmp_path):
    settings, other = finder_settings(), finder_settings(lr=0.5)
    fit_finder(make_trainer(settings), settings, tmp_path)
    with pytest.raises(UserError, match="holds a training with other settings"):
        fit_finder(make_trainer(other), other, tmp_path)


def test_a_training_starts_from_given_weights(make_trainer, finder_settings, tmp_path):
    settings = finder_settings()
    weights = fit_finder(make_trainer(settings), settings, tmp_path)
    again = make_trainer(finder_settings(weights=str(weights)))
    expected = load_finder(weights).state_dict()
    assert all(torch.equal(each, expected[n]) for n, each in again.network.state_dict().items())


def test_statistics_of_normalization_stay_in_the_end(make_trainer, finder_settings, tmp_path):
    settings = finder_settings(freeze_norm=0.0)
    trainer = make_trainer(settings)
    fit_finder(trainer, settings, tmp_path)
    means = [t for n, t in trainer.network.state_dict().items() if n.endswith("running_mean")]
    assert means and all((mean == 0).all() for mean in means)
