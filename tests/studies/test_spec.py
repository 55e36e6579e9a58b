from pathlib import Path

import pytest
import yaml

from rechroma.errors import UserError
from rechroma.settings import read_yaml
from rechroma.studies.overrides import apply_overrides
from rechroma.studies.spec import (
    STUDIES,
    Study,
    choose_study,
    load_studies,
    plan_study,
    read_plan,
    write_plan,
)

ROOT = Path(__file__).resolve().parents[2]
PARAMS = read_yaml(ROOT / "params.yaml")


def make_study(arms: dict, **changes) -> Study:
    return Study(**{"about": "a trial", "seeds": [1, 2], "arms": arms, **changes})


@pytest.mark.parametrize("name", load_studies(ROOT / STUDIES))
def test_every_study_of_the_project_can_be_planned(name):
    study = load_studies(ROOT / STUDIES)[name]
    arms = plan_study(study, PARAMS)
    assert len(arms) == len(study.arms) * len(study.seeds)
    assert len({arm.experiment(name) for arm in arms}) == len(arms)


def test_a_plan_lists_all_arms_of_one_seed_first():
    arms = plan_study(
        make_study({"adam": ["optim=adam"], "lion": ["optim=lion", "lr=1e-4"]}), PARAMS
    )
    order = [(arm.name, arm.seed) for arm in arms]
    assert order == [("adam", 1), ("lion", 1), ("adam", 2), ("lion", 2)]
    assert arms[1].overrides == ("optim=lion", "lr=1e-4", "seed=1")


def test_an_arm_is_the_settings_with_its_overrides():
    extra = ["lr=0.5", "train.epochs=3", "train.epoch_samples=10"]
    arm, _ = plan_study(make_study({"sgd": ["optim=sgd"]}, settings=["lr=0.1"]), PARAMS, extra)
    expected = apply_overrides(PARAMS, ["optim=sgd", *extra, "seed=1"], "here")
    assert arm.identity == expected.identity()
    assert (arm.epochs, arm.samples) == (3, 30)
    assert arm.overrides.count("lr=0.5") == 1
    assert "lr=0.1" not in arm.overrides


def test_the_same_settings_in_two_studies_are_one_training():
    one = plan_study(make_study({"x": ["lr=0.002"]}), PARAMS)[0]
    other = plan_study(make_study({"y": []}), PARAMS, ["lr=2e-3"])[0]
    assert one.identity == other.identity


def test_settings_that_do_not_affect_training_make_no_other_arm():
    plain, beside, other = (
        plan_study(make_study({"x": own}), PARAMS)[0].identity
        for own in ([], ["tracking.strip_every=1", "train.workers=2"], ["train.batch=8"])
    )
    assert plain == beside != other


def test_arms_with_the_same_settings_are_refused():
    with pytest.raises(UserError, match=r"one and two.*have the same settings"):
        plan_study(make_study({"one": ["lr=1"], "two": ["lr=1.0"]}), PARAMS)


def test_arms_trained_on_different_numbers_of_samples_are_refused():
    with pytest.raises(UserError, match=r"the same number of samples, found one: \d+, two: \d+"):
        plan_study(make_study({"one": [], "two": ["train.epochs=99"]}), PARAMS)


def test_an_unknown_study_names_the_nearest():
    with pytest.raises(UserError, match="did you mean 'losses'"):
        choose_study(load_studies(ROOT / STUDIES), "loses")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optim", "'optim' is no override, expected one like optim=adam"),
        ("modl.hues=false", "modl"),
        ("model.hue=false", "did you mean 'model.hues'"),
        ("model=plain", "model has parts, change one of them"),
        ("lr.peak=1", "lr is {'peak': 1}"),
        ("lr=fast", "lr is 'fast'"),
        ("betas=[1", "cannot be read"),
    ],
)
def test_the_message_about_an_invalid_override_names_the_arm_and_the_reason(override, message):
    with pytest.raises(UserError, match=f"studies.yaml: odd.*{message}"):
        plan_study(make_study({"odd": [override]}), PARAMS)


def test_aliases_of_lists_are_flattened_in_an_arm():
    tree = yaml.safe_load("arms:\n  a: &a [lr=1]\n  b: [*a, [[optim=sgd]]]")
    assert make_study(tree["arms"]).arms["b"] == ("lr=1", "optim=sgd")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("settings: []\nstudies: {Odd Name: {about: x, seeds: [1], arms: {a: []}}}", "Odd Name"),
        ("settings: []\nstudies: {x: {about: x, seeds: [], arms: {a: []}}}", "x.seeds"),
        ("settings: []\nstudies: {x: {about: x, seeds: [1], arm: {a: []}}}", "x.arm"),
        ("studies: {}", "studies.yaml: "),
    ],
)
def test_the_message_about_an_invalid_file_names_the_key(tmp_path, text, message):
    (tmp_path / "studies.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        load_studies(tmp_path / "studies.yaml")


def test_a_plan_gains_seeds_and_loses_arms_that_changed(tmp_path):
    path = tmp_path / "trial.json"
    before = make_study({"same": ["lr=1"], "changed": ["lr=2"]})
    after = make_study({"same": ["lr=1"], "changed": ["lr=3"]})
    write_plan(plan_study(before, PARAMS, seeds=[1]), 5, path)
    write_plan(plan_study(after, PARAMS, seeds=[2]), 7, path)
    arms, earliest_start = read_plan(path)
    assert earliest_start == 7
    assert [(arm.name, arm.seed) for arm in arms] == [("same", 1), ("same", 2), ("changed", 2)]
    assert arms[1:] == plan_study(after, PARAMS, seeds=[2])


def test_the_message_about_a_study_never_started_says_how_to_start_it(tmp_path):
    with pytest.raises(UserError, match="start it: rechroma study losses"):
        read_plan(tmp_path / "losses.json")
