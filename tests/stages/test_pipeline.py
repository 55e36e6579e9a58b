"""dvc.yaml, params.yaml and the code tell the same story."""

from pathlib import Path

import pytest
import yaml
from imports import reached_modules
from pydantic import BaseModel

from rechroma.settings import OF_FINDER, Settings
from rechroma.training import train_finder
from rechroma.training.checkpoint import CODE

ROOT = Path(__file__).resolve().parents[2]
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
STAGES = PIPELINE["stages"]
# What stages import and do not depend on, and why.
NO_INPUTS = {
    "src/rechroma/__init__.py": "imports nothing",
    "src/rechroma/errors.py": "words of messages",
    "src/rechroma/settings.py": "params.yaml is compared value by value",
    "src/rechroma/extras.py": "words of messages",
    "src/rechroma/outputs.py": "how files appear, not what is in them",
    "src/rechroma/progress.py": "how far a job is, not what it computes",
    "src/rechroma/tracking": "what is logged is no input of what is computed",
}


def declared(stage: str) -> set[str]:
    """The code that `stage` depends on in dvc.yaml."""
    return {dep for dep in PIPELINE["stages"][stage]["deps"] if dep.startswith(("src/", "stages/"))}


def needed(stage: str) -> set[str]:
    """The folders and single modules that `stage` imports, directly or not."""
    found = set()
    for module in reached_modules(ROOT / "stages" / f"{stage}.py"):
        parts = module.relative_to(ROOT).parts
        found.add("/".join(parts[:3] if parts[0] == "src" else parts))
    return found - NO_INPUTS.keys()


@pytest.mark.parametrize("stage", PIPELINE["stages"])
def test_a_stage_depends_on_exactly_the_folders_that_it_imports(stage):
    weights = {"src/rechroma/weights"}  # which no import names
    assert declared(stage) - weights == needed(stage)


def test_what_no_stage_depends_on_is_imported_by_one():
    reached = set().union(*(reached_modules(ROOT / f"stages/{stage}.py") for stage in STAGES))
    for name in NO_INPUTS:
        assert any(module.is_relative_to(ROOT / name) for module in reached), name


def test_the_checkpoint_covers_all_code_that_training_computes_with():
    covered = {f"src/rechroma/{name}" for name in CODE}
    later = {"src/rechroma/deployment"}  # the ONNX file is written when the training is over
    assert needed("train") - {"stages/__init__.py", "stages/train.py"} - later <= covered


def test_the_checkpoint_covers_all_code_that_a_training_of_the_finder_computes_with():
    covered = {f"src/rechroma/{name}" for name in train_finder.CODE}
    reached = reached_modules(ROOT / "src/rechroma/training/train_finder.py")
    needed = {"/".join(module.relative_to(ROOT).parts[:3]) for module in reached}
    reports = {"src/rechroma/evaluation", "src/rechroma/inference"}  # which no weight depends on
    assert needed - NO_INPUTS.keys() - reports <= covered


@pytest.mark.parametrize("stage", STAGES)
def test_logging_is_no_input_of_a_stage(stage):
    assert "tracking" not in PIPELINE["stages"][stage].get("params", [])
    assert "src/rechroma/tracking" not in declared(stage)


@pytest.mark.parametrize("stage", PIPELINE["stages"])
def test_a_stage_runs_as_a_module_so_that_queued_code_is_its_own(stage):
    assert PIPELINE["stages"][stage]["cmd"] == f"python -m stages.{stage}"


def test_params_yaml_holds_exactly_the_settings():
    def names(group: type[BaseModel]) -> dict:
        fields = {}
        for name, field in group.model_fields.items():
            inner = field.annotation
            nested = isinstance(inner, type) and issubclass(inner, BaseModel)
            fields[name] = names(inner) if nested else None
        return fields

    def keys(tree: dict) -> dict:
        return {
            name: keys(value) if isinstance(value, dict) else None for name, value in tree.items()
        }

    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    assert keys(params) == names(Settings)


def test_every_setting_is_a_parameter_of_some_stage():
    watched = {name for stage in PIPELINE["stages"].values() for name in stage.get("params", [])}
    assert watched | {"tracking"} == set(Settings.model_fields)  # which changes no result


def test_the_finder_depends_on_the_settings_that_its_checkpoints_are_compared_by():
    assert set(STAGES["finder"]["params"]) == OF_FINDER


def test_every_plot_shows_a_file_of_a_stage():
    outs: set[str] = set()
    for stage in PIPELINE["stages"].values():
        for out in [*stage.get("outs", []), *stage.get("metrics", [])]:
            outs |= {out} if isinstance(out, str) else set(out)
    for plot in PIPELINE["plots"]:
        shown = {plot} if isinstance(plot, str) else {f for p in plot.values() for f in p["y"]}
        assert shown <= outs
