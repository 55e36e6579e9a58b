from pathlib import Path
from typing import Any

import pytest

from rechroma.errors import UserError
from rechroma.settings import read_yaml
from rechroma.studies.overrides import apply_overrides, quote_for_dvc

PARAMS = read_yaml(Path(__file__).resolve().parents[2] / "params.yaml")


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("optim=lion", "lion"),
        (" optim =lion", "lion"),
        ("lr=3e-4", 3e-4),
        ("loss=bce + 100*mse", "bce + 100*mse"),
        ("betas=[0.5,0.99]", [0.5, 0.99]),
        ("betas=0.5, 0.99", [0.5, 0.99]),
        ("damage.level=[0,9]", [0, 9]),
    ],
)
def test_an_override_changes_one_setting(override: str, expected: Any) -> None:
    before = str(PARAMS)
    settings = apply_overrides(PARAMS, [override], "here").flat()
    name = override.partition("=")[0].strip()
    assert settings[name] == expected
    unchanged = apply_overrides(PARAMS, [], "here").flat()
    assert {key for key in unchanged if settings[key] != unchanged[key]} == {name}
    assert str(PARAMS) == before


def test_the_former_name_of_the_bundled_weights_is_taken() -> None:
    assert apply_overrides(PARAMS, ["model.weights=shipped"], "here").model.weights == "bundled"


def test_the_last_override_of_a_setting_wins() -> None:
    assert apply_overrides(PARAMS, ["lr=1", "lr=2"], "here").lr == 2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optim", "here: 'optim' is no override, expected one like optim=adam"),
        ("=adam", "is no override"),
        ("data=3", r"data has parts, change one of them: data\.…="),
        ("betas=[1", r"'betas=\[1' cannot be read as a setting"),
        ("lr.peak=1", r"lr is \{'peak': 1\}"),
        ("optm=adam", "a setting is 'optm', did you mean 'optim'"),
        ("train.epoch=3", r"a setting is 'train\.epoch', did you mean 'train\.epochs'"),
        ("lr=-1", "here: lr is -1"),
    ],
)
def test_a_wrong_override_is_one_clear_message(override: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        apply_overrides(PARAMS, [override], "here")


TEXTS = [
    *("/photos/my album 사진", "a #1", "a: b", "a,b", "it's", 'say "hi"', "a{b}[c](d)", "$HOME"),
    *("${oc.env:HOME}", r"a\b", "a=b", "~/x", "ends\\", "*x", "null", "True", "1950", "1e3", "- a"),
    *("%20?", r"\'", "${a}$", r"\${x}", r"\\${x}", '\\"', 'a\\\\"b', "plain", "../x", "sub/[1,2]"),
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_may_be_typed_as_it_is_and_dvc_reads_the_same(text: str, tmp_path: Path) -> None:
    from dvc.utils.hydra import apply_overrides as apply_by_dvc

    typed = f"tracking.experiment={text}"
    quoted = quote_for_dvc(PARAMS, typed)
    for override in (typed, quoted):
        assert apply_overrides(PARAMS, [override], "here").tracking.experiment == text
    assert quote_for_dvc(PARAMS, quoted) == quoted
    (tmp_path / "params.yaml").write_text("tracking:\n  experiment: rechroma\n")
    apply_by_dvc(tmp_path / "params.yaml", [quoted])
    assert read_yaml(tmp_path / "params.yaml") == {"tracking": {"experiment": text}}


@pytest.mark.parametrize(
    "override", ["lr=3e-4", "optim=adam", "betas=[0.5,0.99]", "model.hues=false", "data.path='a b'"]
)
def test_what_dvc_reads_right_is_left_as_typed(override: str) -> None:
    assert quote_for_dvc(PARAMS, override) == override
