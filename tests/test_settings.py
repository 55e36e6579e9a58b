import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from rechroma.errors import UserError
from rechroma.imaging.print_damage import KINDS as PRINT_KINDS
from rechroma.settings import Settings, load_settings, parse_settings

PARAMS = Path(__file__).resolve().parent.parent / "params.yaml"

MakeSettings = Callable[..., Settings]


def keys(tree: dict[str, Any], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in tree.items():
        nested = isinstance(value, dict)
        found |= keys(value, f"{prefix}{name}.") if nested else {f"{prefix}{name}"}
    return found


def test_the_shipped_page_names_every_setting_once() -> None:
    text = PARAMS.read_text(encoding="utf-8")
    assert set(load_settings(PARAMS).flat()) == keys(yaml.safe_load(text))
    top_level = re.findall(r"^(\w+):", text, flags=re.MULTILINE)
    assert len(top_level) == len(set(top_level))


def test_settings_survive_being_written_down() -> None:
    settings = load_settings(PARAMS)
    assert parse_settings(settings.model_dump(mode="json")) == settings


def test_flat_names_are_those_of_dvcs_override() -> None:
    flat = load_settings(PARAMS).flat()
    assert flat["model.encoder"] == yaml.safe_load(PARAMS.read_text())["model"]["encoder"]
    assert flat["betas"] == [0.9, 0.999]
    assert not any(isinstance(value, dict) for value in flat.values())


@pytest.mark.parametrize("written", ["1e-3", "0.001", 0.001])
def test_numbers_count_as_dvc_reads_them(make_settings: MakeSettings, written: object) -> None:
    assert make_settings(lr=written).lr == 0.001


@pytest.mark.parametrize("written", ["0.5, 0.999", "0.5 0.999", "[0.5, 0.999]", [0.5, 0.999]])
def test_betas_may_be_text_as_on_a_command_line(
    make_settings: MakeSettings, written: object
) -> None:
    assert make_settings(betas=written).betas == (0.5, 0.999)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"aim": "score"}, (True, 1.0, 0.0, "smooth")),
        ({"aim": "eye"}, (False, 0.5, 0.8, "texture")),
        ({"aim": "score", "hues": False}, (False, 1.0, 0.0, "smooth")),
        ({"aim": "eye", "hues": True}, (True, 0.5, 0.8, "texture")),
        ({"aim": "eye", "hues": "true"}, (True, 0.5, 0.8, "texture")),
        ({"aim": "score", "hues": "False"}, (False, 1.0, 0.0, "smooth")),
        ({"aim": "score", "holes": "texture"}, (True, 1.0, 0.0, "texture")),
        ({"aim": "eye", "holes": "smooth"}, (False, 0.5, 0.8, "smooth")),
    ],
)
def test_the_aim_makes_the_choices_that_no_setting_makes(
    make_settings: MakeSettings, changes: dict[str, Any], expected: tuple[bool, float, float, str]
) -> None:
    changes = {"temperature": 0.5, "vividness": 0.8} | changes
    settings = make_settings(**{f"restore.{name}": value for name, value in changes.items()})
    assert settings.restore.choices == expected


def test_settings_do_not_change_once_made(make_settings: MakeSettings) -> None:
    with pytest.raises(ValueError, match="frozen"):
        make_settings().lr = 1.0


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown top-level name": (
        {"optimm": "adam"},
        r"params\.yaml: a setting is 'optimm', did you mean 'optim'\?",
    ),
    "unknown name in a group": (
        {"model.encodr": "resnet34"},
        r"a setting is 'model\.encodr', did you mean 'model\.encoder'\?",
    ),
    "unknown choice": (
        {"data.source": "photo"},
        r"data\.source is 'photo', did you mean 'photos'\?",
    ),
    "choice unlike any": (
        {"augment": "everything"},
        r"augment is 'everything', expected one of: crops, flips, full, none",
    ),
    "group replaced by a scalar": ({"model": "unet"}, r"params\.yaml: model is 'unet': "),
    "samples larger than what is prepared": (
        {"train.size": 4096},
        r"params\.yaml: train\.size is 4096 px, expected at most data\.size, 128 px",
    ),
    "share above 1": ({"data.test": 1.5}, r"data\.test is 1\.5: .*less than or equal to 1"),
    "neither auto nor true nor false": (
        {"restore.hues": "sometimes"},
        r"params\.yaml: restore\.hues is 'sometimes', expected one of: auto, false, true",
    ),
    "negative rate": ({"lr": -1}, r"lr is -1: .*greater than 0"),
    "no number": ({"lr": "fast"}, r"lr is 'fast': .*valid number"),
    "fraction of an epoch": ({"train.epochs": 1.5}, r"train\.epochs is 1\.5: .*integer"),
    "one beta": ({"betas": "0.9"}, r"betas"),
    "beta of 1": ({"betas": [0.9, 1.0]}, r"betas\.1 is 1\.0: .*less than 1"),
    "range upside down": (
        {"damage.level": [100, 0]},
        r"params\.yaml: damage\.level is \[100, 0\], expected the smaller number first",
    ),
    "no kind of damage": (
        {"damage.rectangle": 0, "damage.circle": 0, "damage.polygon": 0},
        r"damage\.rectangle, circle and polygon are all 0",
    ),
    "no kind of damage on prints": (
        {f"print_damage.{kind}": 0 for kind in PRINT_KINDS},
        r"print_damage\.scratch, film_line, .* and fingerprint are all 0",
    ),
    "strength upside down": (
        {"print_damage.strength": [0.5, 0.1]},
        r"print_damage\.strength is \[0\.5, 0\.1\], expected the smaller number first",
    ),
    "nothing to train on": (
        {"data.validation": 0.5, "data.test": 0.5},
        r"data\.validation and test together leave nothing to train on",
    ),
    "crop larger than the squares": (
        {"train.crop": 256},
        r"params\.yaml: train\.crop is 256 px, expected at most data\.size, 128 px",
    ),
    "squares too small": ({"data.size": 16}, r"data\.size is 16: .*greater than or equal to 32"),
    "triangle of two vertices": (
        {"damage.polygon_vertices": [2, 5]},
        r"damage\.polygon_vertices\.0 is 2: .*greater than or equal to 3",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported_in_the_users_spelling(
    make_settings: MakeSettings, mistake: str
) -> None:
    changes, message = MISTAKES[mistake]
    with pytest.raises(UserError, match=message):
        make_settings(**changes)


def test_a_missing_setting_is_named() -> None:
    tree = yaml.safe_load(PARAMS.read_text())
    del tree["data"]["size"]
    with pytest.raises(UserError, match=r"params\.yaml: data\.size is missing, expected a line"):
        parse_settings(tree)


def test_errors_name_the_place_the_settings_came_from() -> None:
    with pytest.raises(UserError, match=r"^restorer/settings\.json: seed is missing"):
        parse_settings({}, where="restorer/settings.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr: [1", r"params\.yaml is no YAML: "),
        ("- a\n- b\n", r"params\.yaml holds no settings, expected lines like 'lr: 0\.001'"),
        ("", r"holds no settings"),
    ],
)
def test_a_file_without_settings_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        load_settings(tmp_path / "params.yaml")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"params\.yaml is missing, expected the settings"):
        load_settings(tmp_path / "params.yaml")
