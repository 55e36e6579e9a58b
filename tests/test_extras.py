import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from imports import PACKAGES, ROOT

from rechroma.extras import EXTRAS, missing_package

BASE = "base"
# `rechroma` where no extra is installed: an import of any of their packages fails.
WITHOUT_EXTRAS = """
import sys
from rechroma.extras import EXTRAS
sys.modules.update(dict.fromkeys(EXTRAS))
from rechroma.apps.cli.main import main
main()
"""
# Distributions whose import name is not their own name with underscores.
IMPORT_NAMES = {
    "lapx": "lap",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "pypatchmatch": "patchmatch",
    "pyyaml": "yaml",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
}


def declared_packages() -> dict[str, set[str]]:
    """Import names by extra as pyproject.toml declares them, `BASE` for those of no extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {BASE: project["dependencies"], **project["optional-dependencies"]}
    return {name: set(import_names(lines)) - {"rechroma"} for name, lines in groups.items()}


def import_names(requirements: Iterable[str]) -> list[str]:
    names = [re.match(r"[\w-]+", line)[0] for line in requirements]
    return [IMPORT_NAMES.get(name, name.replace("-", "_")) for name in names]


def test_the_table_has_the_packages_of_every_extra_that_people_install():
    declared = declared_packages()
    extras = ("pipeline", "train", "heif", "web")  # a package of two extras: that of the first
    expected = {package: extra for extra in reversed(extras) for package in declared[extra]}
    assert expected == EXTRAS


def test_every_imported_package_is_of_the_base_or_of_an_extra():
    known = {*declared_packages()[BASE], *EXTRAS, "rechroma", *sys.stdlib_module_names}
    of_gradio = {"fastapi", "starlette", "uvicorn"}  # its dependencies, imported after it
    modules = PACKAGES["rechroma"].rglob("*.py")
    assert set().union(*map(imported_packages, modules)) - known - of_gradio == set()


def imported_packages(file: Path) -> set[str]:
    """The first parts of the names that `file` imports anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("name", ["mlflow", "mlflow.entities"])
def test_a_missing_package_names_its_extra(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert str(missing_package(ModuleNotFoundError(name=name))) == (
        "this needs mlflow, which is not installed: pip install 'rechroma[pipeline]'"
    )


@pytest.mark.parametrize("name", ["rechroma.colour", "mlflow.colour", "colour", None])
def test_other_missing_modules_are_errors_of_the_program(name):
    assert missing_package(ModuleNotFoundError(name=name)) is None


def run_without_extras(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the project's settings, studies, an MLflow store and a photograph."""
    for name in ("params.yaml", "studies.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "mlflow.db").touch()
    shutil.copy(ROOT / "docs/images/strip.png", tmp_path / "old.png")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["study", "losses", "--dry-run"], "pipeline"),
        (["study", "losses"], "pipeline"),
        (["compare", "losses"], "pipeline"),
        (["restore", "old.png", "--out", "new", "--model", "models:/x@champion"], "pipeline"),
        (["export", "--onnx", "new.onnx"], "train"),
        (["evaluate", ".", "--size", "64"], "train"),
        (["web", "--port", "0"], "web"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_command_without_its_extra_names_it_in_one_line(project, arguments, extra):
    ended = run_without_extras(arguments, project)
    assert re.fullmatch(
        rf"rechroma: .* needs \w+.*: pip install 'rechroma\[{extra}\]'\n",
        without_notes(ended.stderr),
    )
    assert (ended.returncode, ended.stdout) == (2, "")


def without_notes(text: str) -> str:
    """`text` without the lines that name the model in use."""
    return re.sub(r"(?m)^model: .*\n", "", text)


def test_models_are_listed_without_mlflow_and_the_extra_is_named(project):
    ended = run_without_extras(["models"], project)
    assert ended.returncode == 0
    assert "license: " in ended.stdout
    assert re.fullmatch(
        r"the models in MLflow are not listed: .*: pip install 'rechroma\[pipeline\]'\n",
        ended.stderr,
    )
