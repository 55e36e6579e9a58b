"""The wings of the package: who may import whom, and how large a module may be."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from imports import PACKAGES, imports_of

PACKAGE = PACKAGES["rechroma"]
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
# From the top; a wing imports those below its own line alone, and not those beside it.
ORDER = (
    ("apps",),
    ("studies",),
    ("tracking",),
    ("training", "deployment"),
    ("evaluation",),
    ("inference",),
    ("data", "preparation"),
    ("models",),
    ("metrics",),
    ("imaging",),
    ("settings", "outputs", "progress", "extras", "errors"),
)
BASE = ORDER[-1]  # single modules, which may import each other
LEVELS = {name: level for level, names in enumerate(ORDER) for name in names}
LONGEST_MODULE, LONGEST_FUNCTION = 250, 60  # lines
# Longer, and why.
LONG_MODULES = {
    "settings.py": "params.yaml on one page, a docstring for each setting",
}
LONG_FUNCTIONS: dict[str, str] = {}


def name_of(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


def wing_of(module: Path) -> str:
    return module.relative_to(PACKAGE).with_suffix("").parts[0]


def test_every_wing_has_its_level():
    wings = {wing_of(module) for module in MODULES}
    assert wings == LEVELS.keys()


def test_no_import_goes_upward_or_sideways():
    offending = [
        f"{name_of(module)}:{each.line} imports {name_of(each.module)}"
        for module in MODULES
        for each in imports_of(module)
        if each.module.is_relative_to(PACKAGE)
        and each.module != PACKAGE / "__init__.py"
        and wing_of(each.module) != wing_of(module)
        and LEVELS[wing_of(each.module)] <= LEVELS[wing_of(module)]
        and not {wing_of(module), wing_of(each.module)} <= set(BASE)
    ]
    assert not offending, "\n".join(offending)


def test_no_modules_import_each_other_in_a_circle():
    graph = {name_of(module): {name_of(e.module) for e in imports_of(module)} for module in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_modules_and_functions_are_short(module):
    text = module.read_text(encoding="utf-8")
    if name_of(module) not in LONG_MODULES:
        assert len(text.splitlines()) <= LONGEST_MODULE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{name_of(module)}:{node.name}"
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= LONGEST_FUNCTION or name in LONG_FUNCTIONS, name


def test_tests_mirror_the_wings():
    folders = {
        path.parent.relative_to(Path(__file__).parent)
        for path in Path(__file__).parent.rglob("test_*.py")
    }
    wings = {module.parent.relative_to(PACKAGE) for module in MODULES}
    others = {Path(name) for name in ("stages", "benchmarks", "docs", "fuzz")}
    assert folders - others == wings
