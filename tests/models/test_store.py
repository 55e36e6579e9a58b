import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from rechroma.deployment.load import load_model
from rechroma.errors import UserError
from rechroma.models.card import CARD, METADATA, WEIGHTS, describe_model, read_card
from rechroma.models.store import save_model


@pytest.fixture(scope="module")
def saved(tiny_settings, outspoken, tmp_path_factory):
    """A folder with a model; not to be changed."""
    folder = tmp_path_factory.mktemp("model")
    settings = tiny_settings()
    save_model(outspoken(settings), settings.restore, folder, told={"trained": "here"})
    return folder


def test_a_file_of_weights_moved_alone_restores_as_its_folder_does(saved, tmp_path, damaged):
    alone = tmp_path / "elsewhere" / "renamed.safetensors"
    alone.parent.mkdir()
    shutil.copy(saved / WEIGHTS, alone)
    mask = damaged == 60
    whole, moved = load_model(saved), load_model(alone)
    assert moved.settings == whole.settings
    assert moved.inference.model == whole.inference.model
    np.testing.assert_array_equal(moved(damaged, mask), whole(damaged, mask))


def test_a_file_of_weights_tells_what_its_card_does(saved):
    from safetensors import safe_open

    with safe_open(saved / WEIGHTS, framework="np") as file:
        carried = json.loads(file.metadata()[METADATA])
    card = read_card(saved)
    assert carried == {name: card[name] for name in card if name != "sha256"}
    assert carried["trained"] == "here"


def without_card(saved, folder):
    """The same weights as a file that does not say of which network."""
    save_file(load_file(saved / WEIGHTS), folder / WEIGHTS)
    return folder / WEIGHTS


def test_a_file_that_says_nothing_of_its_network_is_refused(saved, tmp_path):
    file = without_card(saved, tmp_path)
    with pytest.raises(
        UserError,
        match=r"weights\.safetensors does not say which network it is of, expected a file that "
        r"rechroma wrote, or model\.json beside it",
    ):
        load_model(file)


def test_an_older_file_of_weights_uses_the_card_beside_it(saved, tmp_path):
    file = without_card(saved, tmp_path)
    card = {name: each for name, each in read_card(saved).items() if name != "sha256"}
    (tmp_path / CARD).write_text(json.dumps(card), encoding="utf-8")
    assert load_model(file).settings == load_model(saved).settings


@pytest.mark.parametrize("words", ["no json", "[1, 2]", "null"])
def test_a_file_with_another_card_inside_is_refused(saved, tmp_path, words):
    file = tmp_path / "mine.safetensors"
    save_file(load_file(saved / WEIGHTS), file, metadata={METADATA: words})
    with pytest.raises(UserError, match="does not say which network it is of"):
        load_model(file)


@pytest.mark.parametrize("content", [b"", b"no weights", b"\x08" + bytes(200)])
def test_what_is_no_file_of_weights_is_one_clear_line(tmp_path, content):
    (tmp_path / "mine.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"mine\.safetensors is no safetensors file") as caught:
        load_model(tmp_path / "mine.safetensors")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("{", r"model\.json is no JSON"),
        ("[]", r"model\.json describes no model, expected a JSON object"),
        ('{"model": {}}', r"model\.json describes no model of this version"),
        ('{"model": 1, "restore": 2}', r"model\.json describes no model of this version"),
    ],
)
def test_a_broken_card_is_one_clear_line(tmp_path, card, message):
    (tmp_path / CARD).write_text(card, encoding="utf-8")
    with pytest.raises(UserError, match=message) as caught:
        load_model(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_whose_weights_are_gone_says_so(saved, tmp_path):
    shutil.copy(saved / CARD, tmp_path)
    with pytest.raises(UserError, match=r"weights\.safetensors is missing, expected the weights"):
        load_model(tmp_path)


def test_a_model_that_started_from_other_weights_does_not_ask_for_them(tiny_settings):
    settings = tiny_settings(**{"model.weights": "bundled"})
    described = describe_model(settings.model, settings.restore)
    assert described["model"]["weights"] == "none"
    assert settings.model.weights == "bundled"
