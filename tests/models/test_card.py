import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from rechroma.errors import UserError
from rechroma.models.card import (
    CARD,
    METADATA,
    WEIGHTS,
    card_settings,
    describe_model,
    embedded_card,
    parse_card,
    read_any_card,
    read_card,
)


@pytest.fixture
def card(make_settings):
    settings = make_settings()
    return describe_model(settings.model, settings.restore)


def write_weights(file, metadata=None):
    save_file({"weight": np.zeros(3, np.float32)}, file, metadata=metadata)


def test_a_card_gives_back_the_settings_it_was_made_from(make_settings, card, tmp_path):
    settings = make_settings()
    assert card_settings(card, tmp_path) == (settings.model, settings.restore)


def test_an_older_card_says_nothing_of_bins_and_holes(make_settings, card, tmp_path):
    for name in ("temperature", "vividness", "holes"):
        del card["restore"][name]
    assert card_settings(card, tmp_path) == (make_settings().model, make_settings().restore)


def test_a_trained_model_does_not_ask_for_the_weights_it_started_from(make_settings):
    settings = make_settings(**{"model.weights": "bundled"})
    card = describe_model(settings.model, settings.restore)
    assert card["model"]["weights"] == "none"
    assert settings.model.weights == "bundled"


def test_a_card_is_read_from_a_folder_or_from_inside_a_file(card, tmp_path):
    (tmp_path / CARD).write_text(json.dumps({**card, "in": "folder"}), encoding="utf-8")
    file = tmp_path / "mine.safetensors"
    write_weights(file, {METADATA: json.dumps({**card, "in": "file"})})
    assert read_any_card(tmp_path)["in"] == "folder"
    assert read_any_card(file)["in"] == "file"


def test_an_older_file_of_weights_uses_the_card_beside_it(card, tmp_path):
    (tmp_path / CARD).write_text(json.dumps(card), encoding="utf-8")
    write_weights(tmp_path / WEIGHTS)
    assert embedded_card(tmp_path / WEIGHTS) == card


def test_a_file_without_a_card_is_refused(tmp_path):
    write_weights(tmp_path / WEIGHTS)
    with pytest.raises(
        UserError,
        match=r"weights\.safetensors has no model card inside, expected a file that rechroma "
        r"wrote, or model\.json beside it",
    ):
        embedded_card(tmp_path / WEIGHTS)


@pytest.mark.parametrize("text", ["no json", "[1, 2]", "null"])
def test_metadata_that_are_no_card_are_refused(tmp_path, text):
    write_weights(tmp_path / WEIGHTS, {METADATA: text})
    assert parse_card(text) is None
    with pytest.raises(UserError, match="has no model card inside"):
        embedded_card(tmp_path / WEIGHTS)


@pytest.mark.parametrize("content", [b"", b"no weights", b"\x08" + bytes(200)])
def test_a_file_that_is_no_safetensors_file_is_one_clear_line(tmp_path, content):
    (tmp_path / "mine.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"mine\.safetensors is no safetensors file") as caught:
        embedded_card(tmp_path / "mine.safetensors")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"model\.json is no JSON"),
        ("[]", r"model\.json describes no model, expected a JSON object"),
    ],
)
def test_a_card_that_is_no_json_object_is_one_clear_line(tmp_path, text, message):
    (tmp_path / CARD).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message) as caught:
        read_card(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_card_is_one_clear_message(tmp_path):
    with pytest.raises(UserError, match=r"holds no model, expected model\.json"):
        read_card(tmp_path)


@pytest.mark.parametrize(
    "card",
    [
        {},
        {"model": {}},
        {"model": 1, "restore": 2},
        {"model": None, "restore": {}},
        {"model": {"weights": {}}, "restore": {}},
    ],
    ids=repr,
)
def test_settings_of_another_version_are_one_clear_line(tmp_path, card):
    with pytest.raises(UserError, match=r"model\.json describes no model of this ver") as caught:
        card_settings(card, tmp_path / CARD)
    assert "\n" not in str(caught.value)
