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


def study(arms: dict, **changes) -> Study:
    return Study(**{"about": "a trial", "seeds": [1, 2], "arms": arms, **changes})


@pytest.mark.parametrize("name", load_studies(ROOT / STUDIES))
def test_every_shipped_study_can_be_planned(name):
    chosen = load_studies(ROOT / STUDIES)[name]
    arms = plan_study(chosen, PARAMS)
    assert len(arms) == len(chosen.arms) * len(chosen.seeds)
    assert len({arm.experiment(name) for arm in arms}) == len(arms)


def test_a_plan_lists_all_arms_of_one_seed_first():
    arms = plan_study(study({"adam": ["optim=adam"], "lion": ["optim=lion", "lr=1e-4"]}), PARAMS)
    told = [(arm.name, arm.seed) for arm in arms]
    assert told == [("adam", 1), ("lion", 1), ("adam", 2), ("lion", 2)]
    assert arms[1].overrides == ("optim=lion", "lr=1e-4", "seed=1")


def test_an_arm_is_what_its_overrides_make_of_the_settings():
    extra = ["lr=0.5", "train.epochs=3", "train.epoch_samples=10"]
    arm, _ = plan_study(study({"sgd": ["optim=sgd"]}, settings=["lr=0.1"]), PARAMS, extra)
    expected = apply_overrides(PARAMS, ["optim=sgd", *extra, "seed=1"], "here")
    assert arm.identity == expected.identity()
    assert (arm.epochs, arm.samples) == (3, 30)
    assert arm.overrides.count("lr=0.5") == 1
    assert "lr=0.1" not in arm.overrides


def test_equal_settings_are_one_training_in_whatever_study():
    one = plan_study(study({"x": ["lr=0.002"]}), PARAMS)[0]
    other = plan_study(study({"y": []}), PARAMS, ["lr=2e-3"])[0]
    assert one.identity == other.identity


def test_settings_beside_training_do_not_make_another_arm():
    plain, beside, other = (
        plan_study(study({"x": own}), PARAMS)[0].identity
        for own in ([], ["tracking.strip_every=1", "train.workers=2"], ["train.batch=8"])
    )
    assert plain == beside != other


def test_arms_of_equal_settings_are_refused():
    with pytest.raises(UserError, match=r"one and two.*have the same settings"):
        plan_study(study({"one": ["lr=1"], "two": ["lr=1.0"]}), PARAMS)


def test_arms_that_see_different_numbers_of_samples_are_refused():
    with pytest.raises(UserError, match="different numbers of samples"):
        plan_study(study({"one": [], "two": ["train.epochs=99"]}), PARAMS)


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
def test_a_mistaken_override_says_which_arm_and_why(override, message):
    with pytest.raises(UserError, match=f"studies.yaml: odd.*{message}"):
        plan_study(study({"odd": [override]}), PARAMS)


def test_anchored_lists_dissolve_in_an_arm():
    tree = yaml.safe_load("arms:\n  a: &a [lr=1]\n  b: [*a, [[optim=sgd]]]")
    assert study(tree["arms"]).arms["b"] == ("lr=1", "optim=sgd")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("settings: []\nstudies: {Odd Name: {about: x, seeds: [1], arms: {a: []}}}", "Odd Name"),
        ("settings: []\nstudies: {x: {about: x, seeds: [], arms: {a: []}}}", "x.seeds"),
        ("settings: []\nstudies: {x: {about: x, seeds: [1], arm: {a: []}}}", "x.arm"),
        ("studies: {}", "studies.yaml: "),
    ],
)
def test_a_broken_file_says_where(tmp_path, text, message):
    (tmp_path / "studies.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        load_studies(tmp_path / "studies.yaml")


def test_a_kept_plan_gains_seeds_and_loses_arms_that_changed(tmp_path):
    path = tmp_path / "trial.json"
    before = study({"same": ["lr=1"], "changed": ["lr=2"]})
    after = study({"same": ["lr=1"], "changed": ["lr=3"]})
    write_plan(plan_study(before, PARAMS, seeds=[1]), 5, path)
    write_plan(plan_study(after, PARAMS, seeds=[2]), 7, path)
    arms, since = read_plan(path)
    assert since == 7
    assert [(arm.name, arm.seed) for arm in arms] == [("same", 1), ("same", 2), ("changed", 2)]
    assert arms[1:] == plan_study(after, PARAMS, seeds=[2])


def test_a_study_that_was_never_started_says_how(tmp_path):
    with pytest.raises(UserError, match="start it: rechroma study losses"):
        read_plan(tmp_path / "losses.json")
