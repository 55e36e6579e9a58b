"""dvc.yaml, params.yaml and the code tell the same story."""

import ast
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from rechroma.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
PACKAGES = {"rechroma": ROOT / "src" / "rechroma", "stages": ROOT / "stages"}


def imported_modules(file: Path) -> set[Path]:
    """The project's own modules that `file` imports, anywhere in it."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            package, _, module = name.partition(".")
            if package in PACKAGES:
                candidate = PACKAGES[package] / f"{module or '__init__'}.py"
                found |= {PACKAGES[package] / "__init__.py"}
                found |= {candidate} if candidate.exists() else set()
    return found


def reached_modules(file: Path) -> set[str]:
    reached: set[Path] = set()
    waiting = {file}
    while waiting:
        current = waiting.pop()
        reached.add(current)
        waiting |= imported_modules(current) - reached
    return {str(path.relative_to(ROOT)) for path in reached}


@pytest.mark.parametrize("stage", PIPELINE["stages"])
def test_a_stage_depends_on_exactly_the_modules_it_reaches(stage):
    declared = {dep for dep in PIPELINE["stages"][stage]["deps"] if dep.endswith(".py")}
    assert declared == reached_modules(ROOT / "stages" / f"{stage}.py")


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
    assert watched == set(Settings.model_fields)


def test_every_plot_shows_a_file_of_a_stage():
    outs: set[str] = set()
    for stage in PIPELINE["stages"].values():
        for out in [*stage.get("outs", []), *stage.get("metrics", [])]:
            outs |= {out} if isinstance(out, str) else set(out)
    for plot in PIPELINE["plots"]:
        shown = {plot} if isinstance(plot, str) else {f for p in plot.values() for f in p["y"]}
        assert shown <= outs
